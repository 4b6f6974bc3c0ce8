/* SPDX-License-Identifier: MIT */
/*
 * The first page tables of a guest, written as plain memory.  The engine then examines them as if the guest had brought
 * them, so that a mistake in here is refused like any other.
 */
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>

#define LEAF_FLAGS  (ENTRY_PRESENT | ENTRY_RW | ENTRY_USER | ENTRY_ACCESSED | ENTRY_GUEST_KERNEL)
#define TABLE_FLAGS (ENTRY_PRESENT | ENTRY_RW | ENTRY_USER | ENTRY_AD)

/* Have the entry for @vaddr in the region's table of @level name page @pfn. */
static void write_entry(const struct build *build, const struct layout_region *region, unsigned level, uint64_t vaddr,
                        uint64_t pfn, uint64_t flags)
{
    uint64_t table = 0;
    uint64_t *entries;

    if (level < TOP_LEVEL)
        table = (vaddr >> layout_shift(level + 1)) - (region->start >> layout_shift(level + 1));
    entries = port_frame_map(build_frame(build, region->tables[level] + table));
    entries[(vaddr >> layout_shift(level)) % ENTRIES_PER_TABLE] = build_frame(build, pfn).v << PAGE_SHIFT | flags;
}

static bool is_table(const struct layout *layout, uint64_t pfn)
{
    return pfn >= layout->main.tables[TOP_LEVEL] && pfn - layout->main.tables[TOP_LEVEL] < layout->nr_main_tables;
}

static void write_leaves(const struct build *build, const struct layout_region *region)
{
    for (uint64_t i = 0; i < region->nr_pages; i++) {
        uint64_t pfn = region->first + i;
        uint64_t flags = is_table(&build->layout, pfn) ? LEAF_FLAGS & ~ENTRY_RW : LEAF_FLAGS;

        write_entry(build, region, 1, region->start + (i << PAGE_SHIFT), pfn, flags);
        port_preempt_point();
    }
}

/* Name the tables of the levels below in those above. */
static void write_tables(const struct build *build, const struct layout_region *region)
{
    for (unsigned level = 1; level < TOP_LEVEL; level++) {
        uint64_t first = region->start >> layout_shift(level + 1);

        for (uint64_t i = 0; i < region->nr_tables[level]; i++)
            write_entry(build, region, level + 1, (first + i) << layout_shift(level + 1), region->tables[level] + i,
                        TABLE_FLAGS);
    }
}

int build_tables(const struct build *build)
{
    const struct layout_region *regions[] = {&build->layout.main, &build->layout.apart};
    mfn_t root = build_frame(build, build->layout.main.tables[TOP_LEVEL]);
    int error;

    for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
        write_leaves(build, regions[i]);
        write_tables(build, regions[i]);
    }
    error = domain_pin(&build->domain->engine, root, TOP_LEVEL);
    return error ? error : vcpu_set_roots(build->domain->vcpus[0], root, MFN_NONE);
}
