/* SPDX-License-Identifier: MIT */
/* A window of as many pages as one L1 maps, handed out from its start on. */
#include <backend/mmio.h>
#include <guest/table.h>

#define WINDOW UINT64_C(0xffffffffd0000000)

static unsigned nr_used; /* pages of the window */

volatile uint8_t *mmio_map(uint64_t maddr, uint32_t size)
{
    uint64_t offset = maddr % PAGE_SIZE, count = (offset + size + PAGE_SIZE - 1) / PAGE_SIZE;
    uint64_t vaddr = WINDOW + (uint64_t)nr_used * PAGE_SIZE;

    if (count == 0 || count > ENTRIES_PER_TABLE - nr_used || table_make(WINDOW))
        return NULL;
    for (uint64_t i = 0; i < count; i++) {
        mfn_t mfn = MFN((maddr >> PAGE_SHIFT) + i);

        if (table_map(vaddr + i * PAGE_SIZE, pte_make(mfn, PTE_KERNEL | PTE_PCD | PTE_PWT)))
            return NULL;
    }
    nr_used += (unsigned)count;
    return (volatile uint8_t *)(vaddr + offset);
}
