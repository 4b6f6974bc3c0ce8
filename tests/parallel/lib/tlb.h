/* SPDX-License-Identifier: MIT */
/*
 * The processors of the threads: what each has cached of page tables, and what its guest does with that.
 *
 * A translation stays as it was read until its processor forgets it, and a walk may begin at any table that is cached.
 * An interrupt for a flush comes between two instructions, whatever the processor is doing: so it is the one that asks
 * who does the forgetting, under the lock that each instruction takes.
 */
#pragma once

#include <engine/types.h>

/* Get all processors ready, with no root; and the end of them: fails if their guests have seen next to nothing. */
void tlb_create(void);
void tlb_destroy(void);

/*
 * What engine/port.h asks of them: forget everything; forget one page; run on @root from now on, with nothing cached
 * but, where the mode changes, translations of global pages.
 */
void tlb_forget(cpumask_t cpus);
void tlb_forget_page(cpumask_t cpus, vaddr_t vaddr);
void tlb_load_root(unsigned cpu, mfn_t root);
void tlb_change_mode(unsigned cpu, mfn_t root);

/*
 * Processor @cpu reads entries and caches what they say, its guest writes through a translation that allows it, and no
 * translation may be there for what is in use as something else.  Called by that processor's thread.
 */
void tlb_access(unsigned cpu);

/* Slots of each table that guests and processors use; the address that lies behind them in tables of all levels. */
#define TLB_SLOTS 6u
