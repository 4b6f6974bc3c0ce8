/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables.  Entries are those of engine/level.h.  Every slot of the top-level table that the
 * hypervisor may ever use has its table from the beginning, because guests' roots hold copies of these slots.
 */
#pragma once

#include <stdint.h>

#include <engine/level.h>
#include <engine/machine.h>

/*
 * Leaf entries.  The hypervisor's own pages are the same in each root, and who changes one flushes it, so they are
 * global; what guests may read is not there in each, nor for all of them.
 */
#define MAP_CODE     (ENTRY_PRESENT | ENTRY_AD | ENTRY_GLOBAL)
#define MAP_CONSTANT (ENTRY_PRESENT | ENTRY_AD | ENTRY_NX | ENTRY_GLOBAL)
#define MAP_DATA     (ENTRY_PRESENT | ENTRY_AD | ENTRY_NX | ENTRY_RW | ENTRY_GLOBAL)
#define MAP_GUEST    (ENTRY_PRESENT | ENTRY_AD | ENTRY_NX | ENTRY_USER)
#define MAP_GUEST_32 (ENTRY_PRESENT | ENTRY_AD | ENTRY_NX) /* for ring 1 */

/* Make a root without any mappings, not in use yet. */
void paging_init(void);

/* Map @size bytes of machine memory at @vaddr, all of them whole pages; with large pages where the addresses allow. */
void paging_map(uint64_t vaddr, uint64_t maddr, uint64_t size, uint64_t flags);

/* Provide the tables for @size bytes from @vaddr on, so that paging_set() finds them. */
void paging_prepare(uint64_t vaddr, uint64_t size);

/* Write the L1 entry of @vaddr, whose tables exist, or read it.  Who writes, flushes. */
void paging_set(uint64_t vaddr, uint64_t entry);
uint64_t paging_get(uint64_t vaddr);

/* Use the root from now on; the early mappings are gone. */
void paging_activate(void);

/* The machine address of the root, for cr3. */
uint64_t paging_root(void);

/* The entries of the root that every guest's root gets. */
void paging_root_slots(uint64_t slots[HYPERVISOR_ROOT_SLOTS]);

/* RAM as the hypervisor reaches it; before paging_activate() only what is below EARLY_END. */
void *paging_ram(uint64_t maddr);
