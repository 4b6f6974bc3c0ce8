/* SPDX-License-Identifier: MIT */
/* A directory that a guest is to have. */
#pragma once

#include <cli/device.h>
#include <cli/message.h>

/*
 * See that it is one, and can be used as @share says: at the start, since QEMU's words are few, and a guest could only
 * say that its files cannot be made.  STATUS_USAGE: it cannot.
 */
enum status __must_check share_directory_check(const struct share_options *share);
