/* SPDX-License-Identifier: MIT */
/* A guest that is started for the sake of one command: what its ramdisk gets for that, and how the command ended. */
#pragma once

#include <cli/file.h>
#include <cli/options.h>

/* All zero before the run. */
struct errand {
    bool is_done;
    unsigned status; /* 0 to 255 */
};

/*
 * Add to @ramdisk, which may be empty, the first process and the command of @options; without a ramdisk of its own the
 * command is a program of this machine, which comes along.  *@cmdline is what the guest is started with: the caller
 * frees it.  Otherwise a file is missing or no good, or there is no memory.
 */
enum status __must_check errand_add(const struct run_options *options, struct bytes *ramdisk, char **cmdline);

/* Look at a line of the hypervisor's log: does it say how the command ended? */
void errand_note(struct errand *errand, const char *line);
