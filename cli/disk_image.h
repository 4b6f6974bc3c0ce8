/* SPDX-License-Identifier: MIT */
/* Images of disks, looked at before QEMU is. */
#pragma once

#include <cli/device.h>
#include <cli/message.h>

/*
 * See that QEMU can use the image as @disk says, and find out its format if it does not; with @snapshot it is only
 * read.  STATUS_USAGE: it cannot be opened, is in use elsewhere, or is not what it should be.
 */
enum status __must_check disk_image_check(struct disk_options *disk, bool snapshot);

/* Is somebody's QEMU writing it?  False as well where that cannot be told. */
bool disk_image_is_written(const char *path);
