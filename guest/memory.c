/* SPDX-License-Identifier: MIT */
/* Free pages: a list of those that came back, and a row of those that were never handed out. */
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/string.h>

/* A free page holds the address of the next one. */
struct free_page {
    struct free_page *next;
};

static struct free_page *free_pages;
static size_t nr_free;
static uint64_t fresh, fresh_end; /* pfns that were never handed out */

void memory_add(uint64_t first, uint64_t end)
{
    if (fresh_end != first)
        fresh = first;
    fresh_end = end;
}

void *pages_alloc(size_t count)
{
    void *first;

    if (count > fresh_end - fresh)
        guest_panic("out of memory: %zu pages wanted, %" PRIu64 " left in a row", count, fresh_end - fresh);
    first = pfn_to_virt(PFN(fresh));
    fresh += count;
    memset(first, 0, count * PAGE_SIZE);
    return first;
}

void *page_alloc(void)
{
    struct free_page *page = free_pages;

    if (!page)
        return pages_alloc(1);
    free_pages = page->next;
    nr_free--;
    memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    struct free_page *freed = page;

    freed->next = free_pages;
    free_pages = freed;
    nr_free++;
}

size_t pages_free_count(void)
{
    return nr_free + (size_t)(fresh_end - fresh);
}
