/* SPDX-License-Identifier: MIT */
/*
 * Two kinds of work, in portions of about a millisecond.  A worker is for one vCPU; its memory is nobody else's.
 */
#pragma once

#include <guest/types.h>

#define PROGRAM_PAGES 64u
#define MAPPED_PAGES  32u
#define TABLES        4u /* of a program: one of each level */

struct worker {
    uint64_t *tables[TABLES];         /* [level - 1] */
    uint64_t *program[PROGRAM_PAGES]; /* a program's memory */
    uint64_t *mapped[MAPPED_PAGES];   /* what comes and goes, at place: */
    uint64_t place, entries;          /* an address, and the machine address of its L1 entry */
    uint64_t call_ticks;              /* of the TSC, in which calls were under way */
    uint64_t sum;                     /* so that no compiler leaves the work out */
};

/* Worker number @index gets its memory and its tables; one vCPU calls this for all of them. */
void work_prepare(struct worker *worker, unsigned index);

/* A program's life in an address space of its own: made, pinned, used, some pages exchanged, left, taken apart. */
void work_separate(struct worker *worker);

/*
 * Pages mapped, used, write-protected, looked at and unmapped in the address space that all vCPUs run on; forgotten
 * both times on the vCPUs of the bitmap @cpus.
 */
void work_shared(struct worker *worker, uint64_t cpus);
