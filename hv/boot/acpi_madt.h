/* SPDX-License-Identifier: MIT */
/* Which processors the machine has, by ACPI's MADT: ACPI 6.5, 5.2.12. */
#pragma once

#include <engine/types.h>
#include <hv/boot/boot.h>

/*
 * Numbers of local APICs, each once, in the order of the table: those of processors that may be started.  And what
 * other ACPI tables call each.
 */
struct processors {
    unsigned count;
    unsigned left_out; /* more than MAX_CPUS */
    uint32_t apics[MAX_CPUS], uids[MAX_CPUS];
};

/*
 * Fill in @processors; what could only be plugged in is none.  @rsdp as in hv/boot/acpi.h.  NULL: they are all there
 * are; otherwise why nothing is known, in words, and there are none.
 */
const char *__must_check acpi_find_processors(const struct boot_memory *memory, uint64_t rsdp,
                                              struct processors *processors);
