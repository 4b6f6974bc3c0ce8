/* SPDX-License-Identifier: MIT */
/*
 * Whose end a run has come to.  QEMU exits with what was written to a port last, and that need not have been the
 * hypervisor: so it gets a text that nobody can guess, and gives it back in the last line of its log, with the code.
 */
#pragma once

#include <stdbool.h>

#include <cli/message.h>

#define PROOF_LENGTH 16

struct proof {
    char text[PROOF_LENGTH + 1]; /* hexadecimal digits, always as many */
    bool is_given;               /* the last line has come; then: */
    unsigned code;               /* what the hypervisor ends with, as in hv/base/exit.h */
};

/* A new text.  STATUS_FAILED: there is no randomness to be had. */
enum status __must_check proof_make(struct proof *proof);

/* Look at a line of the hypervisor's log.  True: it is the line that proves the end. */
bool proof_take(struct proof *proof, const char *line);

/* What QEMU exits with if the hypervisor writes the code to its port; the proof is given. */
int proof_status(const struct proof *proof);

/* Has the hypervisor itself ended with the code that makes QEMU exit with @exit_status? */
bool proof_holds(const struct proof *proof, int exit_status);
