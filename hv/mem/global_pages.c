/* SPDX-License-Identifier: MIT */
/*
 * CR4.PGE makes a load of cr3 cheaper for who finds translations again, and each flush of everything dearer: it takes
 * two writes of CR4, behind that of cr3 where there is one.  QEMU's TCG forgets everything at each of these writes,
 * whatever is global.  So a processor is asked: a page shows another frame from now on, and is not flushed.
 */
#include <engine/check.h>
#include <hv/base/asm.h>
#include <hv/mem/allocate.h>
#include <hv/mem/global_pages.h>
#include <hv/mem/paging.h>

#define TRIES 8u /* what a processor keeps, it may still lose */

static bool stays(volatile uint64_t *page, uint64_t other_entry)
{
    uint64_t vaddr = (uint64_t)page, entry = paging_get(vaddr), before = *page;
    bool found;

    paging_set(vaddr, other_entry);
    asm_write_cr3(asm_read_cr3());
    found = *page == before;
    paging_set(vaddr, entry);
    asm_flush_page(vaddr);
    return found;
}

bool global_pages_stay(void)
{
    uint64_t *page = allocate(PAGE_SIZE), *other = allocate(PAGE_SIZE);
    bool found = false;

    if (page && other) {
        *page = 1;
        *other = 2;
        for (unsigned i = 0; i < TRIES && !found; i++)
            found = stays(page, paging_get((uint64_t)other));
    }
    release(page, PAGE_SIZE);
    release(other, PAGE_SIZE);
    return found;
}
