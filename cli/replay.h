/* SPDX-License-Identifier: MIT */
/* The sub-command `replay`. */
#pragma once

#include <cli/message.h>

/*
 * `paravane replay`: become the program that has an engine of its own, with these arguments, the first of them the
 * name that it speaks by.  Returns only where that is not there.
 */
enum status __must_check replay_recording(char **arguments);
