/* SPDX-License-Identifier: MIT */
/* The program that makes maps, found and started. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cli/library.h>
#include <cli/map.h>
#include <cli/program.h>

#define ARGUMENTS 10u

struct maker {
    char program[PATH_MAX], page[PATH_MAX];
    const char *arguments[ARGUMENTS];
};

static enum status prepare(struct maker *maker, const struct map_options *options)
{
    enum status status = library_find(LIBRARY_REPLAY, maker->program);
    unsigned count = 0;

    if (!status)
        status = library_find(LIBRARY_MAP, maker->page);
    maker->arguments[count++] = maker->program;
    maker->arguments[count++] = "--audit=none";
    maker->arguments[count++] = "--map";
    maker->arguments[count++] = options->file;
    maker->arguments[count++] = "--page";
    maker->arguments[count++] = maker->page;
    if (options->stop_at) {
        maker->arguments[count++] = "--stop-at";
        maker->arguments[count++] = options->stop_at;
    }
    maker->arguments[count++] = options->recording;
    maker->arguments[count] = NULL;
    return status;
}

enum status map_recording(const struct map_options *options)
{
    static struct maker maker;
    enum status status = prepare(&maker, options);

    if (status)
        return status;
    /* execv() takes strings that it does not change. */
    execv(maker.program, (char *const *)(uintptr_t)maker.arguments);
    say_error("%s: cannot be run: %s", maker.program, strerror(errno));
    return STATUS_FAILED;
}

enum status map_run(const struct map_options *options, const char *directory, const sigset_t *mask)
{
    static struct maker maker;
    enum status status = prepare(&maker, options);
    char log[PATH_MAX];

    if (status)
        return status;
    snprintf(log, sizeof(log), "%s/map.log", directory);
    status = program_run(maker.arguments, directory, log, mask);
    unlink(log);
    return status;
}
