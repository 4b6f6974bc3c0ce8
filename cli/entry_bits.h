/* SPDX-License-Identifier: MIT */
/* What each part of a page-table entry is called and means, by level and width: Intel SDM volume 3 chapter 4. */
#pragma once

#include <stdint.h>

#include <engine/level.h>

#define ENTRY_BITS_MAX 16u /* parts of an entry */

/* One bit of an entry, or several that belong together.  All of its words are static. */
struct entry_bits {
    uint64_t mask;
    const char *name;
    const char *set, *clear; /* what it means; of several bits only the first, for any value; "": nothing */
};

/* The parts of an entry of a table of @level, from bit 63 down, which cover each bit once.  Returns how many. */
unsigned entry_bits(enum width width, unsigned level, struct entry_bits parts[ENTRY_BITS_MAX]);

/* How many levels there are: 4, or 3. */
static inline unsigned entry_levels(enum width width)
{
    return width == WIDTH_64 ? 4 : 3;
}

/* The number of PAT, PCD and PWT of an L1 entry, 0 to 7. */
unsigned entry_pat_index(uint64_t entry);

/* The memory type that this number has in the PAT, "write-back". */
const char *entry_memory_type(unsigned pat_index);
