/* SPDX-License-Identifier: MIT */
/* The guests of a bundle, from their building to the end of the last. */
#pragma once

struct bundle;
struct machine;

/*
 * Build all of them, run them together, and release each when it has ended.  Returns the code to exit with: EXIT_BROKEN
 * if a count is wrong or a frame is missing, else that of the first that was refused or did not end well, else
 * EXIT_GOOD.
 */
unsigned guests_run(struct machine *machine, const struct bundle *bundle);
