/* SPDX-License-Identifier: MIT */
/* The devices of a run: their images, and the back end, the domain that serves them. */
#pragma once

#include <cli/bundle_write.h>
#include <cli/options.h>

/*
 * See that each image and each directory is there, as it should be, and that no two disks spoil each other; what format
 * they have is known then.  STATUS_USAGE: one is not.
 */
enum status __must_check devices_check(struct run_options *options);

/* Read the back end's kernel, where any guest has a device; the caller frees it.  Otherwise it remains empty. */
enum status __must_check devices_read_backend(const struct run_options *options, struct bytes *kernel);

/*
 * How the pages of all domains of the run lie.  Linux lends its rings for a share as if all of its pages lay in a row,
 * and so they have to, by the size of such a ring; and a domain whose pages do not would take the rows apart.
 */
unsigned devices_extent_order(const struct run_options *options);

/* What the bundle has of the back end; points to @kernel. */
struct bundle_domain devices_backend(const struct run_options *options, const struct bytes *kernel);
