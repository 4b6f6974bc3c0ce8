/* SPDX-License-Identifier: MIT */
/*
 * Where in a new domain's memory everything goes: abi/layout.h, "Start-of-day memory layout".  Arithmetic alone, so
 * that what a kernel needs is known before anything has been taken.
 */
#pragma once

#include <engine/level.h>
#include <hv/kernel/judge.h>

#define TOP_LEVEL 4u /* the highest that there is; layout->top is a guest's own */

/* Consecutive pfns mapped at consecutive addresses, and the tables for it: of each level consecutive pfns as well. */
struct layout_region {
    uint64_t start; /* the virtual address of the first page */
    uint64_t first; /* its pfn */
    uint64_t nr_pages;
    uint64_t tables[TOP_LEVEL + 1]; /* by level: the first pfn */
    uint64_t nr_tables[TOP_LEVEL + 1];
};

struct layout {
    unsigned top;                   /* the level of the root: 4, or 3 of a 32-bit guest */
    uint64_t symbols, symbols_size; /* in bytes, the place from pfn 0 on; size 0: none */
    uint64_t ramdisk, nr_ramdisk;   /* in pages, like the rest; nr 0: none */
    uint64_t p2m, nr_p2m;
    uint64_t start_info;
    uint64_t store, console; /* 0: none */
    uint64_t stack;
    struct layout_region main;  /* from VIRT_BASE on; the table of the top level is its */
    uint64_t nr_main_tables;    /* consecutive, from main.tables[top] on */
    struct layout_region apart; /* the P2M at INIT_P2M; nr_pages 0: it is in the main region */
    uint64_t nr_needed;         /* pages; the domain is large enough if it has as many */
};

/*
 * Lay out a domain of @nr_pages, at most 2 to the 40.  The layout is right only if @nr_pages is at least
 * layout->nr_needed, which is for the caller to see to.  -XEN_EINVAL: it cannot be laid out, whatever its size;
 * *@problem says why.
 */
int __must_check layout_make(const struct kernel *kernel, uint64_t ramdisk_size, bool initial, uint64_t nr_pages,
                             struct layout *layout, enum finding_id *problem);

/* How many pages a domain needs for that; as layout_make(). */
int __must_check layout_minimum(const struct kernel *kernel, uint64_t ramdisk_size, bool initial, uint64_t *nr_pages,
                                enum finding_id *problem);

/*
 * Which of all tables of @level, counted from address 0 on, the region's first one is.  A 32-bit guest has all four L2
 * from the start, since its L3 is read as a whole and slot 3 is never empty.
 */
static inline uint64_t layout_first_table(const struct layout *layout, const struct layout_region *region,
                                          unsigned level)
{
    return layout->top == 3 && level == 2 ? 0 : region->start >> level_shift(level + 1);
}

/* The bytes of an entry of the P2M. */
static inline unsigned layout_p2m_entry(enum width width)
{
    return width == WIDTH_64 ? 8 : 4;
}

static inline uint64_t layout_pages(uint64_t size)
{
    return (size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}
