/* SPDX-License-Identifier: MIT */
/* Configuration files of guests, as Xen's `xl` reads them. */
#pragma once

#include <cli/message.h>
#include <cli/options.h>

/* Is the file one?  It is text with an assignment in it, or text with the name of one; a kernel is not, nor a pipe. */
bool config_is_one(const char *path);

/*
 * Read the file into *guest, which has what holds for all guests: what the file says goes before that.  Strings are
 * kept until the end of the program.  The name, if *guest has none, is the file's, or that of the file without ".cfg".
 * STATUS_USAGE: it cannot be read, or asks for what cannot be; each reason has been told, with the file and the line.
 */
enum status __must_check config_read(const char *path, struct guest_options *guest);
