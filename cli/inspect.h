/* SPDX-License-Identifier: MIT */
/* The sub-command `inspect`. */
#pragma once

#include <cli/message.h>

/* `paravane inspect`: a report on stdout.  STATUS_REFUSED: the kernel would not boot. */
enum status __must_check inspect_kernel(const char *path);
