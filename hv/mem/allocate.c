/* SPDX-License-Identifier: MIT */
/*
 * Objects lie in a row of pages of their own, at HEAP_BASE, whose frames come one at a time: when guests have their
 * memory, hardly two free frames are neighbours.
 */
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>

#define HEAP_PAGES (HEAP_SIZE / PAGE_SIZE)

static struct machine *machine;
static uint8_t taken[HEAP_PAGES]; /* by page: does it belong to an object? */

void allocate_prepare(void)
{
    paging_prepare(HEAP_BASE, HEAP_SIZE);
}

void allocate_init(struct machine *of)
{
    machine = of;
}

static size_t pages_of(size_t size)
{
    return (size + PAGE_SIZE - 1) / PAGE_SIZE;
}

static uint64_t page_address(size_t page)
{
    return HEAP_BASE + (uint64_t)page * PAGE_SIZE;
}

/* The first of @count free pages in a row; HEAP_PAGES: there are none. */
static size_t find_pages(size_t count)
{
    size_t row = 0;

    for (size_t i = 0; i < HEAP_PAGES; i++) {
        row = taken[i] ? 0 : row + 1;
        if (row == count)
            return i + 1 - count;
    }
    return HEAP_PAGES;
}

static void give_pages(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        uint64_t entry = paging_get(page_address(i));

        paging_set(page_address(i), 0);
        asm_flush_page(page_address(i));
        taken[i] = false;
        machine_give(machine, MFN((entry & ENTRY_FRAME) >> PAGE_SHIFT), 0);
    }
}

void *allocate(size_t size)
{
    size_t count = pages_of(size), first = find_pages(count);
    mfn_t mfn;

    if (count == 0 || first == HEAP_PAGES)
        return NULL;
    for (size_t i = first; i < first + count; i++) {
        if (!machine_take(machine, 0, &mfn)) {
            give_pages(first, i - first);
            return NULL;
        }
        paging_set(page_address(i), mfn.v << PAGE_SHIFT | MAP_DATA);
        taken[i] = true;
    }
    return (void *)page_address(first);
}

void release(void *object, size_t size)
{
    if (object)
        give_pages(((uint64_t)object - HEAP_BASE) / PAGE_SIZE, pages_of(size));
}
