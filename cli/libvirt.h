/* SPDX-License-Identifier: MIT */
/* A domain of libvirt's, in its XML: https://libvirt.org/formatdomain.html. */
#pragma once

#include <cli/message.h>
#include <cli/options_image.h>

/*
 * Write the machine that boots the image of @options, with @memory_mib, to the file @path, in place of what was there.
 * STATUS_FAILED: it cannot be written.
 */
enum status __must_check libvirt_write(const char *path, const char *name, uint64_t memory_mib,
                                       const struct image_options *options);
