/* SPDX-License-Identifier: MIT */
/* The lists of a configuration file: disk, vif and p9. */
#pragma once

#include <cli/config_values.h>
#include <cli/options.h>

/* Add what the lists have to the devices of @guest.  What is wrong with one is told, and makes the file bad. */
void config_read_disks(struct config *config, struct guest_options *guest);
void config_read_nics(struct config *config, struct guest_options *guest);
void config_read_shares(struct config *config, struct guest_options *guest);
