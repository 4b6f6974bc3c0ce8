/* SPDX-License-Identifier: MIT */
/* The files that come with the command: the hypervisor's image and the demo guest. */
#pragma once

#include <limits.h>

#include <cli/message.h>

#define LIBRARY_HYPERVISOR "paravane.elf"
#define LIBRARY_DEMO       "demo.elf"

/*
 * Find one of the files above: where the environment variable PARAVANE_LIB says, else in the build tree that the
 * command is in, else where it is installed.  STATUS_FAILED: it is not there.
 */
enum status __must_check library_find(const char *name, char path[static PATH_MAX]);
