/* SPDX-License-Identifier: MIT */
/* `paravane shutdown`, `reboot`, `destroy`, `set`, `plug`, `unplug`: what a guest is asked for, or its hypervisor. */
#pragma once

#include <cli/message.h>
#include <cli/options_control.h>

/*
 * Ask, and for an end, or until the guest has let go of a device, wait for it.  STATUS_REFUSED: it is not possible, as
 * is said.  STATUS_CRASHED: the guest came to another end.  STATUS_TIMEOUT: no answer, or no end.
 */
enum status command_ask(const struct control_options *options);
