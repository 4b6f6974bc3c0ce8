/* SPDX-License-Identifier: MIT */
/* The words for each part of an entry, and for memory types. */
#include <stdbool.h>

#include <hv/cpu/cpu.h>
#include <cli/entry_bits.h>

/* Levels in a row: bit n for level n of four, bit 8 + n for level n of three. */
#define FOUR(levels)  (levels)
#define THREE(levels) ((levels) << 8)
#define L1            (1u << 1)
#define L2            (1u << 2)
#define L3            (1u << 3)
#define L4            (1u << 4)
#define ALL           (FOUR(L1 | L2 | L3 | L4) | THREE(L1 | L2 | L3))
#define LEAF          (FOUR(L1) | THREE(L1))
#define UPPER         (FOUR(L2 | L3 | L4) | THREE(L2 | L3))
#define KERNEL_MARKED FOUR(L1)

static const struct {
    unsigned levels;
    struct entry_bits part;
} parts_by_level[] = {
    {ALL, {ENTRY_NX, "NX", "no instruction is fetched through it", "instructions may be fetched"}},
    {ALL & ~KERNEL_MARKED, {ENTRY_AVAIL_HIGH, "52-62", "the guest's own; the processor ignores them", ""}},
    {KERNEL_MARKED,
     {ENTRY_AVAIL_HIGH & ~ENTRY_GUEST_KERNEL, "53-62", "the guest's own; the processor ignores them", ""}},
    {KERNEL_MARKED,
     {ENTRY_GUEST_KERNEL, "KERNEL", "bit 52: a page of the guest's kernel", "bit 52: a page of the guest's user"}},
    {LEAF, {ENTRY_FRAME, "frame", "number of the machine frame that the page is in", ""}},
    {UPPER, {ENTRY_FRAME, "frame", "number of the machine frame that holds the next table", ""}},
    {ALL, {ENTRY_AVAIL, "9-11", "the guest's own; the processor ignores them", ""}},
    {LEAF, {ENTRY_GLOBAL, "G", "global: outlives a load of cr3 where CR4.PGE is on, which it is not", "not global"}},
    {UPPER, {ENTRY_GLOBAL, "G", "means nothing here", "means nothing here"}},
    {LEAF, {ENTRY_PAT, "PAT", "memory type: 4", "memory type: 0"}},
    {UPPER, {ENTRY_PSE, "PSE", "a large page, and not a table", "a table"}},
    {LEAF, {ENTRY_DIRTY, "D", "dirty: written through it", "not written through it yet"}},
    {UPPER, {ENTRY_DIRTY, "D", "means nothing here", "means nothing here"}},
    {ALL, {ENTRY_ACCESSED, "A", "accessed: used by the processor", "not used by the processor yet"}},
    {LEAF, {ENTRY_PCD, "PCD", "memory type: + 2", "memory type: + 0"}},
    {LEAF, {ENTRY_PWT, "PWT", "memory type: + 1", "memory type: + 0"}},
    {UPPER, {ENTRY_PCD, "PCD", "the table itself is read uncached", "the table itself is read cached"}},
    {UPPER, {ENTRY_PWT, "PWT", "the table itself is read by write-through", "the table itself is read by write-back"}},
    {ALL, {ENTRY_USER, "USER", "ring 3 may use it", "rings 0 to 2 alone may use it"}},
    {ALL, {ENTRY_RW, "RW", "writes are allowed", "read-only"}},
    {ALL, {ENTRY_PRESENT, "P", "present", "not present: the processor looks at no other bit"}},
};

unsigned entry_bits(enum width width, unsigned level, struct entry_bits parts[ENTRY_BITS_MAX])
{
    unsigned bit = 1u << level, count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(parts_by_level); i++) {
        if (parts_by_level[i].levels & (width == WIDTH_64 ? FOUR(bit) : THREE(bit)))
            parts[count++] = parts_by_level[i].part;
    }
    return count;
}

unsigned entry_pat_index(uint64_t entry)
{
    return (entry & ENTRY_PAT ? 4u : 0u) | (entry & ENTRY_PCD ? 2u : 0u) | (entry & ENTRY_PWT ? 1u : 0u);
}

/* Intel SDM volume 3, table 12-10. */
const char *entry_memory_type(unsigned pat_index)
{
    static const char *const names[] = {
        [0] = "uncached",        [1] = "write-combining", [4] = "write-through",
        [5] = "write-protected", [6] = "write-back",      [7] = "uncached unless an MTRR says write-combining",
    };
    unsigned type = (unsigned)(CPU_PAT >> (8 * pat_index)) & 0xff;

    return type < ARRAY_SIZE(names) && names[type] ? names[type] : "reserved";
}
