/* SPDX-License-Identifier: MIT */
/* A bit for each page of the region, which begins where the guest's own memory can reach no more. */
#include <guest/guest.h>
#include <guest/region.h>
#include <guest/table.h>

#define REGION_BASE  (VIRT_BASE + (uint64_t)MAPPED_PAGES_MAX * PAGE_SIZE)
#define REGION_PAGES 4096u

/* As many tables as the region can need below the root, which has an entry for it. */
#define TABLES_MAX (REGION_PAGES / ENTRIES_PER_TABLE + 2)

static uint64_t used[REGION_PAGES / 64];

static bool is_used(unsigned page)
{
    return used[page / 64] >> (page % 64) & 1;
}

static void set_used(unsigned first, unsigned count, bool use)
{
    for (unsigned page = first; page < first + count; page++) {
        uint64_t bit = UINT64_C(1) << (page % 64);

        used[page / 64] = use ? used[page / 64] | bit : used[page / 64] & ~bit;
    }
}

/* The first of @count free pages in a row, REGION_PAGES if there are none. */
static unsigned find(unsigned count)
{
    unsigned row = 0;

    for (unsigned page = 0; page < REGION_PAGES; page++) {
        row = is_used(page) ? 0 : row + 1;
        if (row == count)
            return page + 1 - count;
    }
    return REGION_PAGES;
}

static bool make_tables(uint64_t start, unsigned count)
{
    for (unsigned page = 0; page < count; page++) {
        uint64_t vaddr = start + (uint64_t)page * PAGE_SIZE;

        if (table_entry(vaddr, 1))
            continue;
        if (pages_free_count() < TABLES_MAX || table_make(vaddr))
            return false;
    }
    return true;
}

void *region_alloc(unsigned count)
{
    unsigned first = count ? find(count) : REGION_PAGES;
    uint64_t start = REGION_BASE + (uint64_t)first * PAGE_SIZE;

    if (first == REGION_PAGES || !make_tables(start, count))
        return NULL;
    set_used(first, count, true);
    return (void *)(uintptr_t)start;
}

void region_free(void *start, unsigned count)
{
    set_used((unsigned)(((uintptr_t)start - REGION_BASE) >> PAGE_SHIFT), count, false);
}

void *region_map(uint64_t maddr, size_t size, uint64_t flags)
{
    uint64_t offset = maddr % PAGE_SIZE;
    unsigned count = (unsigned)((offset + size + PAGE_SIZE - 1) >> PAGE_SHIFT);
    char *start = region_alloc(count);

    for (unsigned page = 0; start && page < count; page++) {
        uint64_t entry = pte_make(MFN((maddr >> PAGE_SHIFT) + page), flags);

        if (table_map((uintptr_t)start + (uint64_t)page * PAGE_SIZE, entry) == 0)
            continue;
        while (page--)
            (void)!table_map((uintptr_t)start + (uint64_t)page * PAGE_SIZE, 0);
        region_free(start, count);
        return NULL;
    }
    return start ? start + offset : NULL;
}
