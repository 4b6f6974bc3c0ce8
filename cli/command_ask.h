/* SPDX-License-Identifier: MIT */
/* `paravane shutdown`, `reboot`, `destroy` and `set`: what a guest is asked for, or its hypervisor. */
#pragma once

#include <cli/message.h>
#include <cli/options_control.h>

/*
 * Ask, and for an end, wait for it.  STATUS_REFUSED: it is not possible, as is said.  STATUS_CRASHED: the guest came to
 * another end.  STATUS_TIMEOUT: no answer, or no end.
 */
enum status command_ask(const struct control_options *options);
