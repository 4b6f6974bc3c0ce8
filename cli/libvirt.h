/* SPDX-License-Identifier: MIT */
/* A domain of libvirt's, in its XML: https://libvirt.org/formatdomain.html. */
#pragma once

#include <limits.h>

#include <cli/message.h>
#include <cli/options_image.h>

/* Behind the name of the image; and behind that, where there is such a file already. */
#define LIBVIRT_ENDING ".xml"
#define LIBVIRT_NEW    ".new"

/*
 * Write the machine that boots the image of @options, with @memory_mib, beside it.  A file that is there and says
 * something else may be what somebody has made of it, and stays: then it is LIBVIRT_NEW that is written, which is told.
 * @path becomes the one that was written.  STATUS_FAILED: it cannot be.  STATUS_USAGE: what is there cannot be read.
 */
enum status __must_check libvirt_write(const char *name, uint64_t memory_mib, const struct image_options *options,
                                       char path[static PATH_MAX]);
