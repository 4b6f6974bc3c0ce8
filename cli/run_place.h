/* SPDX-License-Identifier: MIT */
/*
 * Where runs under way are found: a directory with a socket for each, "run-PID", that nobody but their owner can reach.
 * It is "paravane" in XDG_RUNTIME_DIR, if that is set and the user's own, otherwise "paravane-UID" in TMPDIR or /tmp;
 * of mode 0700, and theirs, or it is not used.  A run that was killed leaves its socket behind, on which nobody
 * listens: whoever finds it removes it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define RUN_PLACE_WHY_MAX (PATH_MAX + 160)
#define RUN_PLACES_MAX    64u /* that are looked at */

/* This run's socket. */
struct run_place {
    int listener; /* -1: there is none */
    char directory[PATH_MAX];
};

/*
 * Listen; the directory is made if need be.  False: @why says why not.  run_place_close() in any case: nothing is left
 * of it, and nothing of the directory if no other run is there.
 */
bool run_place_listen(struct run_place *place, char why[RUN_PLACE_WHY_MAX]);
void run_place_close(struct run_place *place);

/* Another one, connected with @fd. */
struct run_peer {
    int fd;
    pid_t pid;
};

/*
 * Connect with all runs that listen; sockets on which nobody does are removed.  Returns how many there are, whose @fd
 * the caller closes, in the order of their numbers; -1: @why says why the directory is not to be trusted, or cannot be
 * read.
 */
int run_place_connect(struct run_peer peers[RUN_PLACES_MAX], char why[RUN_PLACE_WHY_MAX]);
