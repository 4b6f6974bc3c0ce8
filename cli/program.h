/* SPDX-License-Identifier: MIT */
/* Programs of this machine, which do a part of the work. */
#pragma once

#include <signal.h>

#include <cli/message.h>

/*
 * Run @arguments, a list that ends with NULL, to its end, the signals of @mask blocked, with @directory for files of
 * its own.  What it prints goes to the file @log; if it fails, the last words of that are shown.  STATUS_FAILED: it
 * cannot be run, or it failed.
 */
enum status __must_check program_run(const char *const *arguments, const char *directory, const char *log,
                                     const sigset_t *mask);

/* Is there a program of that name, where PATH says? */
bool program_is_there(const char *name);
