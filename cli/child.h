/* SPDX-License-Identifier: MIT */
/* QEMU as a child of this program, which it does not outlive, and our ends of its pipes. */
#pragma once

#include <signal.h>
#include <sys/types.h>

struct child_program {
    const char *const *arguments; /* the program and its arguments, ended by NULL */
    const sigset_t *mask;         /* the signals that it starts with blocked */
    int kept_fd;                  /* what it has besides its three; closed here once it has started */
};

struct child {
    pid_t pid;
    int in, out, error; /* to its stdin, from its stdout and stderr; these two do not block */
};

/* Start it: 0, or a negative errno and nothing is left of it. */
int child_start(const struct child_program *program, struct child *child);
