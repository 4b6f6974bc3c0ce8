/* SPDX-License-Identifier: MIT */
/* The program that replays: sim/replay. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <cli/library.h>
#include <cli/replay.h>

enum status replay_recording(char **arguments)
{
    char path[PATH_MAX];
    enum status status = library_find(LIBRARY_REPLAY, path);

    if (status)
        return status;
    execv(path, arguments);
    say_error("%s: cannot be run: %s", path, strerror(errno));
    return STATUS_FAILED;
}
