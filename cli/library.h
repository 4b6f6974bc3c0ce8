/* SPDX-License-Identifier: MIT */
/* The files that come with the command: the hypervisor's image, the back end, GRUB for PV guests and the demo guest. */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include <cli/message.h>

#define LIBRARY_HYPERVISOR "paravane.elf"
#define LIBRARY_RECORDER   "paravane-record.elf" /* the hypervisor, recording */
#define LIBRARY_REPLAY     "paravane-replay"
#define LIBRARY_MAP        "map.html" /* the page of a map, without data */
#define LIBRARY_DEMO       "demo.elf"
#define LIBRARY_BACKEND    "backend.elf"
#define LIBRARY_FIRST      "first" /* the first process of a Linux that runs one command */

/*
 * Find one of the files above: where the environment variable PARAVANE_LIB says, else in the build tree that the
 * command is in, else where it is installed.  STATUS_FAILED: it is not there.
 */
enum status __must_check library_find(const char *name, char path[static PATH_MAX]);

/*
 * Find the PV image of GRUB, which boots a guest from its disk, or if @narrow that for kernels of 32 bits: where the
 * environment variable PARAVANE_GRUB or PARAVANE_GRUB32 says, else as the files above are found, else where Debian's
 * package grub-xen-host puts its own, which reads no menu.lst.  STATUS_FAILED: it is not there.
 */
enum status __must_check library_find_grub(bool narrow, char path[static PATH_MAX]);
