/* SPDX-License-Identifier: MIT */
/* The sub-command `run`. */
#pragma once

#include <cli/message.h>
#include <cli/options.h>

/*
 * `paravane run`: boot the guest and tell how it ended; what is found out about disks is added to @options.  A signal
 * that ended the run ends this program, too.
 */
enum status __must_check run_guest(struct run_options *options);
