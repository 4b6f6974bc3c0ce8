/* SPDX-License-Identifier: MIT */
/* Stacks in a row, each with as much unmapped below it. */
#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>
#include <hv/mem/stack.h>
#include <hv/mem/window.h>

#define STACK_PAGES (STACK_SIZE / PAGE_SIZE)
#define SLOT_PAGES  (2 * STACK_PAGES) /* the lower half is the guard */

void stack_init(void)
{
    paging_prepare(STACKS_BASE, (uint64_t)WINDOWS_MAX * SLOT_PAGES * PAGE_SIZE);
}

uint64_t stack_top(unsigned number)
{
    CHECK(number < WINDOWS_MAX);
    return STACKS_BASE + (uint64_t)(number + 1) * SLOT_PAGES * PAGE_SIZE;
}

/* Page @page of the stack, counted from its end. */
static uint64_t page_address(unsigned number, unsigned page)
{
    return stack_top(number) - (uint64_t)(page + 1) * PAGE_SIZE;
}

/* Each processor may have run on them, and forgets where they were first. */
static void give_pages(struct machine *machine, unsigned number, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        paging_set(page_address(number, i), paging_get(page_address(number, i)) & ~ENTRY_PRESENT);
    tlb_flush(machine, machine->tlb.cpus);
    for (unsigned i = 0; i < count; i++) {
        uint64_t entry = paging_get(page_address(number, i));

        paging_set(page_address(number, i), 0);
        machine_give(machine, MFN((entry & ENTRY_FRAME) >> PAGE_SHIFT), 0);
    }
}

bool stack_create(struct machine *machine, unsigned number)
{
    mfn_t mfn;

    for (unsigned i = 0; i < STACK_PAGES; i++) {
        if (!machine_take(machine, 0, &mfn)) {
            give_pages(machine, number, i);
            return false;
        }
        paging_set(page_address(number, i), mfn.v << PAGE_SHIFT | MAP_DATA);
    }
    return true;
}

void stack_destroy(struct machine *machine, unsigned number)
{
    give_pages(machine, number, STACK_PAGES);
}
