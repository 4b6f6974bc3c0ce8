/* SPDX-License-Identifier: MIT */
/* What is decided about devices once all guests are known: names, addresses, networks. */
#pragma once

#include <argp.h>

#include <cli/options.h>

/*
 * Give each disk and each directory a name and each card an address, where they have none, and find the networks.  What
 * does not go together ends the program.
 */
void options_end_devices(struct run_options *options, struct argp_state *state);
