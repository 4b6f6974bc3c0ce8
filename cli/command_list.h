/* SPDX-License-Identifier: MIT */
/* `paravane list`: the guests of all runs under way. */
#pragma once

#include <cli/message.h>
#include <cli/options_control.h>

/* As text in columns, or for programs.  STATUS_TIMEOUT: a run has not answered; the others are shown. */
enum status command_list(const struct control_options *options);
