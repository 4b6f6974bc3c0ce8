/* SPDX-License-Identifier: MIT */
/*
 * Objects lie in a row of pages of their own, at HEAP_BASE, whose frames come one at a time: when guests have their
 * memory, hardly two free frames are neighbours.
 */
#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/layout.h>
#include <hv/cpu/lock.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>

#define HEAP_PAGES (HEAP_SIZE / PAGE_SIZE)

static struct machine *machine;
static struct lock lock = LOCK_INIT(LOCK_HEAP, 0); /* over the next, and the entries of the pages */
static uint8_t taken[HEAP_PAGES];                  /* by page: does it belong to an object? */

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

/*
 * Any processor may have a translation of a page that goes, and would reach the old frame through it when the page is
 * there again: all forget it first.
 */
static void give_pages(size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        paging_set(page_address(i), paging_get(page_address(i)) & ~ENTRY_PRESENT);
    tlb_flush(machine, machine->tlb.cpus);
    for (size_t i = first; i < first + count; i++) {
        uint64_t entry = paging_get(page_address(i));

        paging_set(page_address(i), 0);
        taken[i] = false;
        machine_give(machine, MFN((entry & ENTRY_FRAME) >> PAGE_SHIFT), 0);
    }
}

/* A frame for each of @count pages from @first on, which nobody has. */
static bool take_pages(size_t first, size_t count)
{
    mfn_t mfn;

    for (size_t i = first; i < first + count; i++) {
        if (!machine_take(machine, 0, &mfn)) {
            give_pages(first, i - first);
            return false;
        }
        paging_set(page_address(i), mfn.v << PAGE_SHIFT | MAP_DATA);
        taken[i] = true;
    }
    return true;
}

void *allocate(size_t size)
{
    size_t count = pages_of(size), first;
    bool done;

    lock_take(&lock);
    first = find_pages(count);
    done = count > 0 && first < HEAP_PAGES && take_pages(first, count);
    lock_drop(&lock);
    return done ? (void *)page_address(first) : NULL;
}

void release(void *object, size_t size)
{
    if (!object)
        return;
    lock_take(&lock);
    give_pages(((uint64_t)object - HEAP_BASE) / PAGE_SIZE, pages_of(size));
    lock_drop(&lock);
}
