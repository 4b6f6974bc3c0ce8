/* SPDX-License-Identifier: MIT */
/*
 * Addresses for what is not the guest's own memory: pages that others lend, registers of devices, frames of the
 * hypervisor.
 */
#pragma once

#include <guest/types.h>

/*
 * @count pages of addresses in a row, with their tables, where nothing is mapped: the caller's.  NULL if there are no
 * more in a row, or no memory for tables.
 */
void *region_alloc(unsigned count);

/* Give them back.  Nothing may be mapped there any more. */
void region_free(void *start, unsigned count);

/*
 * Map @size bytes of the machine's memory from @maddr on, in pages with the bits @flags, such as PTE_KERNEL | PTE_PCD
 * for registers; for good.  NULL if there is no room for them, or no right.
 */
void *region_map(uint64_t maddr, size_t size, uint64_t flags);
