/* SPDX-License-Identifier: MIT */
/* What a machine is given to boot: the hypervisor, and the bundle of guests in a file. */
#pragma once

#include <signal.h>

#include <cli/guest.h>

/* All zero is one without anything. */
struct payload {
    const struct run_options *options;
    struct guest guests[GUESTS_MAX];
    struct bytes backend; /* its kernel; empty: no guest has a device */
    char hypervisor[PATH_MAX];
    char directory[PATH_MAX], bundle[PATH_MAX + 16]; /* empty: not made */
    uint64_t bundle_size;                            /* bytes */
    bool is_blocking;                                /* signals that end programs; *mask is as before */
    sigset_t mask;
};

/*
 * Read and judge the guests, and write the bundle; what is found out about disks is added to @options.  From when there
 * is a file that must not be left, signals are blocked until payload_free(), which comes in any case.
 */
enum status __must_check payload_make(struct payload *payload, struct run_options *options);
void payload_free(struct payload *payload);

/* Is the file at @path, NULL for none, a kernel, ramdisk or disk of one of its guests? */
bool payload_is_made_of(const struct payload *payload, const char *path);
