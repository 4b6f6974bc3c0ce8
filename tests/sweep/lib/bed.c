/* SPDX-License-Identifier: MIT */
/* In order: names; the guest's tables; the targets; the life of a bed. */
#include <stdlib.h>
#include <string.h>

#include <tests/sweep/lib/bed.h>

#define NR_FRAMES     1024u
#define SELF_PAGES    320u
#define OTHER_PAGES   160u
#define HOLES_FIRST   992u
#define HOLES_LAST    1007u
#define PHYS_BITS     40u
#define DEVICE_ABOVE  UINT64_C(0x10000)
#define ADDRESS_LIMIT (UINT64_C(1) << (PHYS_BITS - PAGE_SHIFT))
#define ALL_ONES      (PTE_FRAME >> PAGE_SHIFT)

#define CHAIN_SLOT 1u /* where a table of the bed leads to the next one */

static const char *const table_names[TABLE_COUNT] = {
    [TABLE_L1] = "L1", [TABLE_L2] = "L2", [TABLE_L2_TOP] = "top L2", [TABLE_L3] = "L3", [TABLE_L4] = "L4",
};

static const unsigned table_levels[TABLE_COUNT] = {
    [TABLE_L1] = 1, [TABLE_L2] = 2, [TABLE_L2_TOP] = 2, [TABLE_L3] = 3, [TABLE_L4] = 4,
};

static const char *const target_names[TARGET_COUNT] = {
    [TARGET_IDLE] = "an idle frame",
    [TARGET_WRITABLE] = "a frame mapped writable",
    [TARGET_LIVE_L1] = "a live L1",
    [TARGET_LIVE_L2] = "a live L2",
    [TARGET_LIVE_L3] = "a live L3",
    [TARGET_LIVE_L4] = "a live L4",
    [TARGET_LIVE_L2_TOP] = "a live top L2",
    [TARGET_SEGDESC] = "a descriptor table",
    [TARGET_SELF] = "the table itself",
    [TARGET_PARENT] = "its parent",
    [TARGET_LINKING] = "a table with a link",
    [TARGET_SHARED] = "a shared frame",
    [TARGET_BUSY_INSIDE] = "an idle frame that maps a table",
    [TARGET_FORBIDDEN_INSIDE] = "an idle frame that maps a device",
    [TARGET_FOREIGN] = "a foreign frame",
    [TARGET_FOREIGN_TABLE] = "a foreign L1",
    [TARGET_HYPERVISOR] = "a frame of the hypervisor",
    [TARGET_POOL] = "a frame of the pool",
    [TARGET_DEVICE] = "a device",
    [TARGET_PERMITTED_DEVICE] = "a permitted device",
    [TARGET_DEVICE_ABOVE] = "a permitted device above the frame table",
    [TARGET_PAST_END] = "the frame past the end",
    [TARGET_PAST_ADDRESS_LINES] = "a frame past the address lines",
    [TARGET_ALL_ONES] = "all ones",
};

const char *bed_table_name(enum table table)
{
    return table_names[table];
}

unsigned bed_table_level(enum table table)
{
    return table_levels[table];
}

const char *bed_target_name(enum target target)
{
    return target_names[target];
}

bool bed_has_table(const struct bed *bed, enum table table)
{
    return !mfn_is_none(bed->tables[table]);
}

mfn_t bed_target(const struct bed *bed, enum table table, enum target target)
{
    if (target == TARGET_SELF)
        return bed->tables[table];
    if (target == TARGET_PARENT)
        return bed->parents[table];
    if (target == TARGET_LINKING)
        return bed->linking[table];
    return bed->targets[target];
}

/* ---- Pages and tables. */

pfn_t bed_pfn(const struct bed *bed, mfn_t mfn)
{
    for (uint64_t pfn = 0; pfn < bed->guest->nr_pages; pfn++) {
        if (mfn_equal(guest_mfn(bed->guest, PFN(pfn)), mfn))
            return PFN(pfn);
    }
    sim_fail("sweep: the guest has no frame %#llx", (unsigned long long)mfn.v);
}

static void must(int64_t result, const char *what)
{
    if (result != 0)
        sim_fail("sweep: %s: %lld", what, (long long)result);
}

mfn_t bed_idle_page(struct bed *bed)
{
    pfn_t pfn = guest_page_alloc(bed->guest);
    mfn_t mfn = guest_mfn(bed->guest, pfn);
    vaddr_t vaddr = guest_vaddr(bed->guest, pfn);

    must(guest_update_va_mapping(bed->vcpu, vaddr, 0, UVMF_INVLPG | UVMF_ALL), "unmap a page");
    memset(sim_frame_entries(bed->sim, mfn), 0, PAGE_SIZE);
    return mfn;
}

void bed_set(struct bed *bed, mfn_t table, unsigned slot, uint64_t entry)
{
    must(guest_set_entry(bed->vcpu, table, slot, entry), "set an entry");
}

void bed_pin(struct bed *bed, mfn_t mfn, unsigned level)
{
    must(guest_pin(bed->vcpu, mfn, level), "pin a table");
    world_hold(&bed->world, mfn, (enum use)(USE_L1 + level - 1));
}

void bed_unpin(struct bed *bed, mfn_t mfn, unsigned level)
{
    must(guest_unpin(bed->vcpu, mfn), "unpin a table");
    world_release(&bed->world, mfn, (enum use)(USE_L1 + level - 1));
}

static mfn_t pinned_page(struct bed *bed, unsigned level)
{
    mfn_t mfn = bed_idle_page(bed);

    bed_pin(bed, mfn, level);
    return mfn;
}

/* An L3 of a 32-bit guest, pinned, with a top L2 under it. */
static mfn_t pinned_pae_root(struct bed *bed, mfn_t *top)
{
    mfn_t root = bed_idle_page(bed);

    *top = bed_idle_page(bed);
    sim_frame_entries(bed->sim, root)[3] = pte(*top, PTE_P);
    bed_pin(bed, root, 3);
    return root;
}

/* The window's L1 and the table above it. */
static void find_window(struct bed *bed)
{
    mfn_t root = guest_root(bed->guest);
    unsigned slot;

    if (!guest_find_entry(bed->guest, root, bed->guest->window, 1, &bed->tables[TABLE_L1], &slot) || slot != 0 ||
        !guest_find_entry(bed->guest, root, bed->guest->window, 2, &bed->parents[TABLE_L1], &slot))
        sim_fail("sweep: the window has no L1 of its own");
    bed->l1_memory = guest_vaddr(bed->guest, bed_pfn(bed, bed->tables[TABLE_L1]));
}

static void make_tables(struct bed *bed)
{
    mfn_t *tables = bed->tables;

    find_window(bed);
    tables[TABLE_L2] = pinned_page(bed, 2);
    bed_set(bed, tables[TABLE_L2], CHAIN_SLOT, pte(tables[TABLE_L1], PTE_TABLE));
    if (bed->config.pae) {
        tables[TABLE_L3] = pinned_pae_root(bed, &tables[TABLE_L2_TOP]);
        bed->parents[TABLE_L2_TOP] = tables[TABLE_L3];
        bed->spare[TABLE_L3] = pinned_page(bed, 2);
    } else {
        tables[TABLE_L3] = pinned_page(bed, 3);
        tables[TABLE_L4] = pinned_page(bed, 4);
        bed_set(bed, tables[TABLE_L4], CHAIN_SLOT, pte(tables[TABLE_L3], PTE_TABLE));
        bed->parents[TABLE_L3] = tables[TABLE_L4];
        bed->spare[TABLE_L3] = pinned_page(bed, 2);
        bed->spare[TABLE_L4] = pinned_page(bed, 3);
    }
    bed_set(bed, tables[TABLE_L3], 0, pte(tables[TABLE_L2], PTE_P | PTE_A));
    bed->parents[TABLE_L2] = tables[TABLE_L3];
    bed->spare[TABLE_L2] = bed->spare[TABLE_L2_TOP] = pinned_page(bed, 1);
    bed->spare[TABLE_L1] = guest_mfn(bed->guest, guest_page_alloc(bed->guest));
}

/* ---- Targets. */

/* An idle page that could be an L1 but for entry 5. */
static mfn_t bad_page(struct bed *bed, uint64_t entry, int error)
{
    mfn_t mfn = bed_idle_page(bed);

    sim_frame_entries(bed->sim, mfn)[5] = entry;
    world_view(&bed->world, mfn)->inside = error;
    return mfn;
}

static mfn_t descriptor_page(struct bed *bed)
{
    mfn_t mfn = bed_idle_page(bed);

    must(guest_set_gdt(bed->vcpu, &mfn, 512), "set a GDT");
    world_hold(&bed->world, mfn, USE_SEGDESC);
    return mfn;
}

static mfn_t pool_frame(const struct bed *bed)
{
    for (uint64_t i = 1; i < HOLES_FIRST; i++) {
        if (world_view(&bed->world, MFN(i))->owner == OWNER_POOL)
            return MFN(i);
    }
    sim_fail("sweep: the pool is empty");
}

static mfn_t foreign_table(const struct bed *bed)
{
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(bed->other, guest_root(bed->other), bed->other->window, 1, &table, &slot))
        sim_fail("sweep: the other guest has no window");
    return table;
}

static void make_live_targets(struct bed *bed)
{
    mfn_t *targets = bed->targets;

    targets[TARGET_LIVE_L1] = pinned_page(bed, 1);
    targets[TARGET_LIVE_L2] = pinned_page(bed, 2);
    if (bed->config.pae) {
        targets[TARGET_LIVE_L3] = pinned_pae_root(bed, &targets[TARGET_LIVE_L2_TOP]);
        return;
    }
    targets[TARGET_LIVE_L3] = pinned_page(bed, 3);
    targets[TARGET_LIVE_L4] = pinned_page(bed, 4);
}

/* A table of @level with a link to @mfn. */
static mfn_t linking_page(struct bed *bed, unsigned level, mfn_t mfn)
{
    mfn_t table = pinned_page(bed, level);

    bed_set(bed, table, CHAIN_SLOT, pte(mfn, PTE_P | PTE_US | PTE_A));
    return table;
}

static void make_links(struct bed *bed)
{
    static const enum target live[] = {
        [TABLE_L2] = TARGET_LIVE_L2, [TABLE_L3] = TARGET_LIVE_L3, [TABLE_L4] = TARGET_LIVE_L4};
    static const enum table tables[] = {TABLE_L2, TABLE_L3, TABLE_L4};

    for (unsigned i = 0; i < (bed->config.pae ? 1 : ARRAY_SIZE(tables)); i++) {
        enum table table = tables[i];

        bed->linking[table] = linking_page(bed, bed_table_level(table), bed->targets[live[table]]);
        if (bed->config.linked)
            (void)linking_page(bed, bed_table_level(table), bed->tables[table]);
    }
    bed->linking[TABLE_L2_TOP] = bed->config.pae ? bed->linking[TABLE_L2] : MFN_NONE;
}

static void make_targets(struct bed *bed)
{
    mfn_t *targets = bed->targets;
    mfn_t root = guest_root(bed->guest);

    make_live_targets(bed);
    if (bed->config.linear)
        make_links(bed);
    targets[TARGET_IDLE] = bed_idle_page(bed);
    targets[TARGET_WRITABLE] = guest_mfn(bed->guest, guest_page_alloc(bed->guest));
    targets[TARGET_SEGDESC] = descriptor_page(bed);
    targets[TARGET_SHARED] = guest_mfn(bed->guest, bed->guest->shared_info);
    targets[TARGET_BUSY_INSIDE] = bad_page(bed, pte(root, PTE_RW_PAGE), -XEN_EBUSY);
    targets[TARGET_FORBIDDEN_INSIDE] = bad_page(bed, pte(MFN(HOLES_LAST), PTE_P), -XEN_EPERM);
    targets[TARGET_FOREIGN] = guest_mfn(bed->other, guest_page_alloc(bed->other));
    targets[TARGET_FOREIGN_TABLE] = foreign_table(bed);
    targets[TARGET_HYPERVISOR] = bed->sim->hypervisor_first;
    targets[TARGET_POOL] = pool_frame(bed);
    targets[TARGET_DEVICE] = MFN(HOLES_LAST);
    if (bed->config.devices) {
        targets[TARGET_PERMITTED_DEVICE] = MFN(HOLES_FIRST);
        targets[TARGET_DEVICE_ABOVE] = MFN(DEVICE_ABOVE);
    }
    targets[TARGET_PAST_END] = MFN(bed->sim->machine.nr_frames);
    targets[TARGET_PAST_ADDRESS_LINES] = MFN(ADDRESS_LIMIT);
    targets[TARGET_ALL_ONES] = MFN(ALL_ONES);
}

/* ---- Life. */

/* The last range is granted although the machine has no such addresses. */
static const struct frame_range devices[] = {
    {{HOLES_FIRST}, {HOLES_FIRST + 7}},
    {{DEVICE_ABOVE}, {DEVICE_ABOVE + 15}},
    {{ADDRESS_LIMIT}, {ADDRESS_LIMIT + 15}},
};

static struct sim *make_machine(const struct bed_config *config)
{
    static const struct frame_range holes = {{HOLES_FIRST}, {HOLES_LAST}};
    struct sim_config machine = {
        .seed = 1,
        .nr_frames = NR_FRAMES,
        .holes = &holes,
        .nr_holes = 1,
        .nr_domains = 2,
        .phys_bits = PHYS_BITS,
        .l1tf = config->l1tf,
    };

    machine.domains[0] = (struct sim_domain_config){
        .width = config->pae ? WIDTH_PAE : WIDTH_64,
        .privileged = config->privileged,
        .writable_tables = true,
        .linear_tables = config->linear,
        .iomem = config->devices ? devices : NULL,
        .nr_iomem = config->devices ? ARRAY_SIZE(devices) : 0,
    };
    machine.domains[1].width = config->pae ? WIDTH_64 : WIDTH_PAE;
    return sim_create(&machine);
}

void bed_create(struct bed *bed, const struct bed_config *config)
{
    sim_destroy(sim_current()); /* of a group that failed */
    *bed = (struct bed){.config = *config, .sim = make_machine(config)};
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        bed->tables[i] = bed->parents[i] = bed->spare[i] = bed->linking[i] = MFN_NONE;
    for (unsigned i = 0; i < TARGET_COUNT; i++)
        bed->targets[i] = MFN_NONE;
    bed->guest = guest_boot(bed->sim, 0, SELF_PAGES);
    bed->other = guest_boot(bed->sim, 1, OTHER_PAGES);
    bed->vcpu = guest_vcpu(bed->guest, 0);
    bed->counts = calloc(bed->sim->machine.nr_frames, sizeof(bed->counts[0]));
    if (!bed->counts)
        abort();
    world_create(&bed->world, bed->sim, bed->guest, bed->other);
    make_tables(bed);
    make_targets(bed);
    bed_check(bed);
}

void bed_destroy(struct bed *bed)
{
    bed_check(bed);
    guest_shutdown(bed->sim);
    world_destroy(&bed->world);
    free(bed->counts);
    sim_destroy(bed->sim);
}

void bed_check(struct bed *bed)
{
    struct audit_finding finding;
    struct sim_finding stale;
    mfn_t wrong;

    if (!audit_machine(&bed->sim->machine, bed->counts, &finding))
        sim_fail("sweep: %s: frame %#llx: %llu expected, %llu found", finding.invariant,
                 (unsigned long long)finding.frame.v, (unsigned long long)finding.expected,
                 (unsigned long long)finding.found);
    if (!sim_check_tlb_rule(bed->sim, &stale)) {
        sim_print_finding(&stale);
        sim_fail("sweep: the rule on TLBs is broken");
    }
    world_recount(&bed->world);
    if (!world_agrees(&bed->world, &wrong))
        sim_fail("sweep: the counts of frame %#llx are wrong", (unsigned long long)wrong.v);
}
