/* SPDX-License-Identifier: MIT */
/* A medium that machines boot from: GRUB for BIOS and for UEFI, the hypervisor and the bundle. */
#pragma once

#include <cli/message.h>
#include <cli/options_image.h>
#include <cli/payload.h>

/* Behind the name of the image while it is made. */
#define MEDIUM_NEW ".new"

/* See that the programs and files that make it are here; of what is missing it is said which package brings it. */
enum status __must_check medium_check_tools(enum medium_format format);

/*
 * Write it to @options->output, in place of what was there.  STATUS_FAILED: there is none, and what was there is as
 * before.
 */
enum status __must_check medium_write(const struct payload *payload, const struct image_options *options);
