/* SPDX-License-Identifier: MIT */
/* Parts of the machine that a configuration file gives to its guest: iomem, ioports, irqs. */
#pragma once

#include <cli/config_values.h>
#include <cli/options.h>

/*
 * Note what the lists have as settings of @guest; whether the machine has it, and anybody may have it, the hypervisor
 * finds out.  What is wrong with one is told, and makes the file bad.
 */
void config_read_rights(struct config *config, struct guest_options *guest);
