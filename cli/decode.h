/* SPDX-License-Identifier: MIT */
/* The sub-command `decode`. */
#pragma once

#include <cli/message.h>
#include <cli/options_decode.h>

/* `paravane decode entry`: a report on stdout.  STATUS_REFUSED: the hypervisor would refuse it, whatever it names. */
enum status __must_check decode_entry(const struct decode_options *options);
