/* SPDX-License-Identifier: MIT */
/* What is read of ACPI's tables: how the machine is powered off, where its button is, and no more. */
#pragma once

#include <hv/base/power.h>
#include <hv/boot/boot.h>

/*
 * Fill in @power.  @rsdp is where the loader says that the root pointer is; 0: it is looked for where the firmware of a
 * PC has it.  NULL: @power is complete; otherwise what is missing, in words, and @power is not to be used.
 */
const char *__must_check acpi_find_power(const struct boot_memory *memory, uint64_t rsdp, struct power *power);
