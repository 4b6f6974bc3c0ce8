/* SPDX-License-Identifier: MIT */
/* The sub-command `map`, and the map of a run: a page of what was recorded, made by the program that replays. */
#pragma once

#include <signal.h>

#include <cli/message.h>
#include <cli/options_map.h>

/* `paravane map`: become that program.  Returns only where it, or the page for its data, is not there. */
enum status __must_check map_recording(const struct map_options *options);

/*
 * The same beside others, the signals of @mask blocked, with @directory for files of its own.  STATUS_FAILED: the page
 * is not there, and why has been said.
 */
enum status __must_check map_run(const struct map_options *options, const char *directory, const sigset_t *mask);
