/* SPDX-License-Identifier: MIT */
/* `paravane console`: the console of a guest of a run under way, on this terminal. */
#pragma once

#include <cli/message.h>
#include <cli/options_control.h>

/*
 * Until whoever sits at the terminal leaves, the run ends, or a signal ends the program, the terminal being as it was.
 * STATUS_REFUSED: somebody else has the console.
 */
enum status command_console(const struct control_options *options);
