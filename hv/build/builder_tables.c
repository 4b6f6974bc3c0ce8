/* SPDX-License-Identifier: MIT */
/*
 * The first page tables of a guest, written as plain memory.  The engine then examines them as if the guest had brought
 * them, so that a mistake in here is refused like any other.
 */
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>

#define LEAF_FLAGS    (LEAF_FLAGS_32 | ENTRY_USER | ENTRY_GUEST_KERNEL)
#define LEAF_FLAGS_32 (ENTRY_PRESENT | ENTRY_RW | ENTRY_ACCESSED) /* its kernel is no user, in ring 1 */
#define TABLE_FLAGS   (ENTRY_PRESENT | ENTRY_RW | ENTRY_USER | ENTRY_AD)

/* Have the entry for @vaddr in the region's table of @level name page @pfn. */
static void write_entry(const struct build *build, const struct layout_region *region, unsigned level, uint64_t vaddr,
                        uint64_t pfn, uint64_t flags)
{
    uint64_t table = 0;
    uint64_t *entries;

    if (level < build->layout.top)
        table = (vaddr >> level_shift(level + 1)) - layout_first_table(&build->layout, region, level);
    entries = port_frame_map(build_frame(build, region->tables[level] + table));
    entries[level_index(level, VADDR(vaddr))] = build_frame(build, pfn).v << PAGE_SHIFT | flags;
}

static bool is_table(const struct layout *layout, uint64_t pfn)
{
    uint64_t first = layout->main.tables[layout->top];

    return pfn >= first && pfn - first < layout->nr_main_tables;
}

static void write_leaves(const struct build *build, const struct layout_region *region)
{
    uint64_t flags = build->layout.top == TOP_LEVEL ? LEAF_FLAGS : LEAF_FLAGS_32;

    for (uint64_t i = 0; i < region->nr_pages; i++) {
        uint64_t pfn = region->first + i;

        write_entry(build, region, 1, region->start + (i << PAGE_SHIFT), pfn,
                    is_table(&build->layout, pfn) ? flags & ~ENTRY_RW : flags);
        port_preempt_point();
    }
}

/* Name the tables of the levels below in those above. */
static void write_tables(const struct build *build, const struct layout_region *region)
{
    for (unsigned level = 1; level < build->layout.top; level++) {
        uint64_t first = layout_first_table(&build->layout, region, level);

        for (uint64_t i = 0; i < region->nr_tables[level]; i++)
            write_entry(build, region, level + 1, (first + i) << level_shift(level + 1), region->tables[level] + i,
                        TABLE_FLAGS);
    }
}

int build_tables(const struct build *build)
{
    const struct layout_region *regions[] = {&build->layout.main, &build->layout.apart};
    mfn_t root = build_frame(build, build->layout.main.tables[build->layout.top]);
    int error;

    for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
        write_leaves(build, regions[i]);
        write_tables(build, regions[i]);
    }
    build->domain->first_table = build->layout.main.tables[build->layout.top];
    build->domain->nr_first_tables = build->layout.nr_main_tables;
    error = domain_pin(&build->domain->engine, root, build->layout.top);
    return error ? error : vcpu_set_roots(build->domain->vcpus[0], root, MFN_NONE);
}
