/* SPDX-License-Identifier: MIT */
/* How a window is made: what a kernel of 64 bits does for it, and one of 32. */
#pragma once

#include <guest/table.h>

#define LINK (PTE_P | PTE_USER | PTE_A)

/* The levels whose tables are in the window; the entries that make it, from WINDOW_SLOT of one table on. */
#define WINDOW_LEVELS (TOP_LEVEL == 4 ? 4u : 2u)
#define WINDOW_SLOT   (TOP_LEVEL == 4 ? 255u : 400u) /* 255 is where NetBSD has it */
#define WINDOW_SLOTS  (TOP_LEVEL == 4 ? 1u : 4u)
#define SECOND_SLOT   (WINDOW_SLOT - 1)

/* Its address, and that of another root's window; what the window's table maps; the bits of an address that count. */
#define WINDOW             (TOP_LEVEL == 4 ? (uint64_t)WINDOW_SLOT << 39 : 0xc0000000 + ((uint64_t)WINDOW_SLOT << 21))
#define SECOND             ((uint64_t)SECOND_SLOT << 39)
#define WINDOW_TABLE_BEGIN (TOP_LEVEL == 4 ? 0 : UINT64_C(0xc0000000))
#define SPACE_MASK         (TOP_LEVEL == 4 ? (UINT64_C(1) << 48) - 1 : UINT64_C(0xffffffff))

/* The table under @root that has the window: the root itself, or the topmost L2. */
static inline uint64_t *window_table(uint64_t *root)
{
    return TOP_LEVEL == 4 ? root : mfn_to_virt(pte_mfn(root[3]));
}

/* What the entries of @table are, the window's of @root: for each table of its level, the last one for itself. */
static inline void window_fill(const uint64_t *root, const uint64_t *table, uint64_t entries[])
{
    for (unsigned i = 0; i < WINDOW_SLOTS; i++)
        entries[i] = i + 1 < WINDOW_SLOTS && root[i] & PTE_P ? pte_make(pte_mfn(root[i]), LINK) : 0;
    entries[WINDOW_SLOTS - 1] = pte_make(virt_to_mfn(table), LINK);
}
