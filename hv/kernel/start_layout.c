/* SPDX-License-Identifier: MIT */
/* Where the parts of a new domain lie, one after the other: abi/start_info.h. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <hv/kernel/placement.h>
#include <hv/kernel/start_layout.h>
#include <hv/kernel/start_symbols.h>

#define SLACK         (UINT64_C(512) << 10) /* at least so much is free and mapped in the end, */
#define MAPPED_ALIGN  (UINT64_C(4) << 20)   /* and then up to a multiple of this */
#define SIZE_MAX_EACH (UINT64_C(1) << 47)
#define L2_TABLES_32  4u

static int fail(enum finding_id *problem, enum finding_id id)
{
    *problem = id;
    return -XEN_EINVAL;
}

/* How many tables of @level it takes to map the region. */
static uint64_t count_tables(const struct layout *layout, const struct layout_region *region, unsigned level)
{
    uint64_t last = region->start + (region->nr_pages << PAGE_SHIFT) - 1;

    if (layout->top == 3 && level == 2)
        return L2_TABLES_32;
    return (last >> level_shift(level + 1)) - layout_first_table(layout, region, level) + 1;
}

/* Place the region's tables from @next on, higher levels first; returns what comes behind them. */
static uint64_t place_tables(const struct layout *layout, struct layout_region *region, unsigned first_level,
                             uint64_t next)
{
    for (unsigned level = first_level; level > 0; level--) {
        region->nr_tables[level] = level == layout->top ? 1 : count_tables(layout, region, level);
        region->tables[level] = next;
        next += region->nr_tables[level];
    }
    return next;
}

/* From the tables to the end of the mapped region.  The region holds its own tables, so its size is found by trying. */
static int place_main(const struct kernel *kernel, struct layout *layout, uint64_t next, enum finding_id *problem)
{
    struct layout_region *main = &layout->main;

    main->start = kernel->virt_base;
    main->nr_pages = next;
    for (;;) {
        uint64_t end, size;

        layout->stack = place_tables(layout, main, layout->top, next);
        layout->nr_main_tables = layout->stack - next;
        size = ((layout->stack + 1) << PAGE_SHIFT) + SLACK;
        end = (main->start + size + MAPPED_ALIGN - 1) & ~(MAPPED_ALIGN - 1); /* 0: the end of the address space */
        if (!placement_is_guests(kernel->image.width, main->start, size) ||
            !placement_is_guests(kernel->image.width, main->start, end - main->start))
            return fail(problem, FINDING_ADDRESSES);
        if ((end - main->start) >> PAGE_SHIFT == main->nr_pages)
            return 0;
        main->nr_pages = (end - main->start) >> PAGE_SHIFT;
    }
}

static uint64_t top_slot(uint64_t vaddr)
{
    return vaddr >> level_shift(TOP_LEVEL);
}

/* The P2M at INIT_P2M, which 64-bit guests have: pages, then tables. */
static int place_apart(const struct kernel *kernel, struct layout *layout, uint64_t *next, enum finding_id *problem)
{
    struct layout_region *apart = &layout->apart;
    uint64_t size = layout->nr_p2m << PAGE_SHIFT;

    layout->p2m = *next;
    apart->start = kernel->init_p2m;
    apart->first = *next;
    apart->nr_pages = layout->nr_p2m;
    if (!placement_is_guests(kernel->image.width, apart->start, size) ||
        top_slot(apart->start + size - 1) >= top_slot(kernel->virt_base))
        return fail(problem, FINDING_P2M_ADDRESSES);
    *next = place_tables(layout, apart, TOP_LEVEL - 1, *next + layout->nr_p2m);
    apart->tables[TOP_LEVEL] = layout->main.tables[TOP_LEVEL];
    return 0;
}

static uint64_t take(uint64_t *next, uint64_t count)
{
    uint64_t first = *next;

    *next += count;
    return first;
}

int layout_make(const struct kernel *kernel, uint64_t ramdisk_size, bool initial, uint64_t nr_pages,
                struct layout *layout, enum finding_id *problem)
{
    uint64_t next;
    int error;

    if (ramdisk_size >= SIZE_MAX_EACH)
        return fail(problem, FINDING_RAMDISK);
    if (kernel->image.width == WIDTH_PAE && nr_pages > COMPAT_MACH2PHYS_NR_ENTRIES)
        return fail(problem, FINDING_TOO_MUCH);
    memset(layout, 0, sizeof(*layout));
    layout->top = kernel->image.width == WIDTH_64 ? TOP_LEVEL : TOP_LEVEL - 1;
    layout->symbols = (kernel->end + symbols_align(kernel) - 1) & ~(uint64_t)(symbols_align(kernel) - 1);
    layout->symbols_size = symbols_size(kernel);
    next = layout_pages(layout->symbols_size > 0 ? layout->symbols + layout->symbols_size : kernel->end);
    layout->nr_ramdisk = layout_pages(ramdisk_size);
    layout->nr_p2m = layout_pages(nr_pages * layout_p2m_entry(kernel->image.width));
    if (!kernel->ramdisk_unmapped)
        layout->ramdisk = take(&next, layout->nr_ramdisk);
    if (!kernel->has_init_p2m)
        layout->p2m = take(&next, layout->nr_p2m);
    layout->start_info = take(&next, 1);
    layout->store = initial ? 0 : take(&next, 1);
    layout->console = initial ? 0 : take(&next, 1);
    error = place_main(kernel, layout, next, problem);
    next = layout->main.nr_pages;
    if (kernel->ramdisk_unmapped)
        layout->ramdisk = take(&next, layout->nr_ramdisk);
    if (!error && kernel->has_init_p2m)
        error = place_apart(kernel, layout, &next, problem);
    layout->nr_needed = next;
    return error;
}

/* With the domain its P2M grows, a page for 512: soon it is large enough for itself. */
int layout_minimum(const struct kernel *kernel, uint64_t ramdisk_size, bool initial, uint64_t *nr_pages,
                   enum finding_id *problem)
{
    struct layout layout = {.nr_needed = 1};
    int error;

    do {
        *nr_pages = layout.nr_needed;
        error = layout_make(kernel, ramdisk_size, initial, *nr_pages, &layout, problem);
    } while (!error && layout.nr_needed > *nr_pages);
    return error;
}
