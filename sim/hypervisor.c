/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own frames, from sim->hypervisor_first on: the M2P tables of both widths, the
 * page tables that show them to guests, and one page that no guest may see.  All of them real, so
 * that a processor can walk there.
 */
#include <string.h>

#include <sim/sim_parts.h>

#define M2P_ENTRIES        (PAGE_SIZE / sizeof(uint64_t))
#define COMPAT_M2P_ENTRIES (PAGE_SIZE / sizeof(uint32_t))

/* Entries of the hypervisor: what guests may read, and what they may not. */
#define SHOWN        (ENTRY_PRESENT | ENTRY_USER | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_NO_EXECUTE)
#define HIDDEN       (ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_NO_EXECUTE)
#define COMPAT_SHOWN (ENTRY_PRESENT | ENTRY_ACCESSED | ENTRY_DIRTY | ENTRY_NO_EXECUTE)

/* How many frames each part takes, in the order in which they lie. */
struct layout {
    uint64_t m2p, compat_m2p;
    uint64_t l1, compat_l1;
    uint64_t l2, l3;
    uint64_t hidden; /* L3, L2, L1 and the page */
};

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

static struct layout layout_of(uint64_t nr_entries)
{
    struct layout layout = {
        .m2p = divide_up(nr_entries, M2P_ENTRIES),
        .compat_m2p = divide_up(nr_entries, COMPAT_M2P_ENTRIES),
        .l3 = 1,
        .hidden = 4,
    };

    layout.l1 = divide_up(layout.m2p, ENTRIES_PER_TABLE);
    layout.compat_l1 = divide_up(layout.compat_m2p, ENTRIES_PER_TABLE);
    layout.l2 = divide_up(layout.l1, ENTRIES_PER_TABLE);
    if (layout.compat_l1 > HYPERVISOR_COMPAT_SLOTS)
        sim_fail("sim: too many frames for the M2P of 32-bit guests");
    return layout;
}

static uint64_t layout_total(const struct layout *layout)
{
    return layout->m2p + layout->compat_m2p + layout->l1 + layout->compat_l1 + layout->l2 + layout->l3 + layout->hidden;
}

/* The tables have an entry for each frame, their own frames included: grow until that holds. */
uint64_t hypervisor_frames(uint64_t nr_frames)
{
    uint64_t own = 0;

    for (;;) {
        struct layout layout = layout_of(nr_frames + own);

        if (layout_total(&layout) <= own)
            return own;
        own = layout_total(&layout);
    }
}

/* Let @count entries from the first of @table on name the frames from @target on; a table may run on into the next. */
static void fill(const struct sim *sim, mfn_t table, uint64_t count, mfn_t target, uint64_t flags)
{
    uint64_t *entries = (uint64_t *)(void *)sim_frame_bytes(sim, table);

    for (uint64_t i = 0; i < count; i++)
        entries[i] = mfn_add(target, i).v << PAGE_SHIFT | flags;
}

static void create_m2p(struct sim *sim, const struct layout *layout)
{
    mfn_t m2p = sim->hypervisor_first;
    mfn_t compat = mfn_add(m2p, layout->m2p);
    mfn_t l1 = mfn_add(compat, layout->compat_m2p);
    mfn_t compat_l1 = mfn_add(l1, layout->l1);
    mfn_t l2 = mfn_add(compat_l1, layout->compat_l1);
    mfn_t l3 = mfn_add(l2, layout->l2);

    sim->machine.m2p = (uint64_t *)(void *)sim_frame_bytes(sim, m2p);
    sim->machine.compat_m2p = (uint32_t *)(void *)sim_frame_bytes(sim, compat);
    memset(sim->machine.m2p, 0xff, (layout->m2p + layout->compat_m2p) * PAGE_SIZE);
    fill(sim, l1, layout->m2p, m2p, SHOWN);
    fill(sim, l2, layout->l1, l1, SHOWN);
    fill(sim, l3, layout->l2, l2, SHOWN);
    sim->machine.root_slots[0] = l3.v << PAGE_SHIFT | SHOWN;
    fill(sim, compat_l1, layout->compat_m2p, compat, COMPAT_SHOWN);
    for (uint64_t i = 0; i < layout->compat_l1; i++)
        sim->machine.compat_slots[i] = mfn_add(compat_l1, i).v << PAGE_SHIFT | COMPAT_SHOWN;
}

/* All slots of a root but the M2P's lead to one page, which only the hypervisor may touch. */
static void create_hidden(struct sim *sim, const struct layout *layout)
{
    mfn_t l3 = mfn_add(sim->hypervisor_first, layout_total(layout) - layout->hidden);

    for (unsigned i = 0; i < 3; i++)
        fill(sim, mfn_add(l3, i), 1, mfn_add(l3, i + 1), HIDDEN);
    for (unsigned i = 1; i < HYPERVISOR_ROOT_SLOTS; i++)
        sim->machine.root_slots[i] = l3.v << PAGE_SHIFT | HIDDEN;
}

void hypervisor_create(struct sim *sim)
{
    struct layout layout = layout_of(sim->machine.nr_frames);

    create_m2p(sim, &layout);
    create_hidden(sim, &layout);
}
