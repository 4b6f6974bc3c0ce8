/* SPDX-License-Identifier: MIT */
/* Whole tables: what validating one takes and leaves, wherever it fails, however often it is preempted. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state)});
}

/* Entries of a table of @level that 64-bit and PAE guests may fill as they like; a PAE L3 is none of them. */
static bool is_open(const struct unit *unit, unsigned level, unsigned slot)
{
    return unit->domain->width == WIDTH_PAE || level < 4 || slot < 256 || slot > 271;
}

static unsigned plain_levels(const struct unit *unit)
{
    return unit->domain->width == WIDTH_64 ? 4 : 2;
}

/* What each open entry of a table of @level may name, and how it looks once it is validated. */
static mfn_t make_child(struct unit *unit, unsigned level)
{
    return level == 1 ? unit_page(unit) : unit_table(unit, level - 1);
}

static void drop_child(struct unit *unit, unsigned level, mfn_t child)
{
    if (level > 1)
        assert_int_equal(guest_unpin(unit->vcpu, child), 0);
}

/* One bad entry at each of many places: the others hold nothing afterwards.  Shows types.checked. */
static void test_bad_entry(void **state)
{
    static const unsigned places[] = {0, 1, 31, 32, 33, 255, 272, 510, 511};
    struct unit unit;

    create(&unit, state);
    for (unsigned level = 1; level <= plain_levels(&unit); level++) {
        mfn_t child = make_child(&unit, level), table = unit_idle_page(&unit);
        uint32_t refs = unit_frame(&unit, child)->refs, uses = type_count(unit_frame(&unit, child)->type);
        uint64_t *entries = unit_entries(&unit, table);

        for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
            unsigned bad = places[i], open = 0;

            for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
                entries[slot] = pte(child, PTE_P | PTE_RW | PTE_US);
            entries[bad] = pte(MFN(UNIT_HOLE), PTE_P);
            assert_int_equal(guest_pin(unit.vcpu, table, level), level == 1 ? -XEN_EPERM : -XEN_EINVAL);
            assert_int_equal(unit.sim->last_refusal.slot.index, bad);
            assert_int_equal(unit.sim->last_refusal.slot.table.v, table.v);
            assert_counts(&unit, child, refs, type_of(unit_frame(&unit, child)->type), uses);
            assert_counts(&unit, table, 1, TYPE_NONE, 0);
            assert_int_equal(entries[bad], pte(MFN(UNIT_HOLE), PTE_P));

            entries[bad] = 0x5550; /* not present: anything */
            assert_int_equal(guest_pin(unit.vcpu, table, level), 0);
            for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
                open += is_open(&unit, level, slot) && slot != bad;
            assert_counts(&unit, child, refs + open, level == 1 ? TYPE_WRITABLE : (enum frame_type)(level - 1),
                          uses + open);
            assert_int_equal(entries[bad], 0x5550);
            guest_assert_clean(unit.sim);
            assert_int_equal(guest_unpin(unit.vcpu, table), 0);
            assert_counts(&unit, child, refs, type_of(unit_frame(&unit, child)->type), uses);
        }
        drop_child(&unit, level, child);
    }
    unit_destroy(&unit);
}

/* Shows pte.refer-error, mmuext_op.pin-bad-entry. */
static void test_deep_error(void **state)
{
    static const struct {
        uint64_t flags;
        int error;
    } rows[] = {{PTE_RW_PAGE, -XEN_EBUSY}, {PTE_P | PTE_PCD, -XEN_EINVAL}, {PTE_RO_PAGE, 0}};
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct guest_leaf leaves[] = {{VADDR(0x1000), 0}, {VADDR(0x200000), 0}, {VADDR(0x40000000), 0}};
        struct guest_tree tree;

        leaves[0].entry = leaves[1].entry = pte(unit_page(&unit), PTE_RW_PAGE);
        leaves[2].entry = pte(guest_root(unit.guest), rows[i].flags);
        guest_build_tree(unit.guest, unit.vcpu, root_level(unit.domain), GUEST_TREE_PLAIN, leaves, 3, &tree);
        assert_int_equal(guest_pin(unit.vcpu, tree.root, tree.level), rows[i].error);
        guest_assert_clean(unit.sim);
        for (unsigned j = 0; j < tree.nr_tables && rows[i].error; j++)
            assert_counts(&unit, guest_mfn(unit.guest, tree.tables[j]), 2, TYPE_NONE, 0);
        if (rows[i].error == 0)
            assert_int_equal(guest_unpin(unit.vcpu, tree.root), 0);
        guest_free_tree(unit.guest, unit.vcpu, &tree);
    }
    unit_destroy(&unit);
}

/* ---- The hypervisor's slots. */

/* Shows layout.own-entries. */
static void test_root_slots(void **state)
{
    struct unit unit;
    uint64_t *entries;
    mfn_t root;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_64});
    root = unit_idle_page(&unit);
    entries = unit_entries(&unit, root);
    for (unsigned slot = 256; slot <= 271; slot++)
        entries[slot] = ~UINT64_C(0); /* the guest's nonsense does not count, and does not stay */
    assert_int_equal(guest_pin(unit.vcpu, root, 4), 0);
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
        assert_int_equal(entries[slot], slot >= 256 && slot <= 271 ? unit.machine->root_slots[slot - 256] : 0);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
        assert_int_equal(entries[slot], 0);
    unit_destroy(&unit);
}

/* Shows layout.own-entries. */
static void test_compat_slots(void **state)
{
    struct unit unit;
    uint64_t *entries;
    mfn_t root, top;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    root = unit_idle_page(&unit);
    top = unit_idle_page(&unit);
    entries = unit_entries(&unit, top);
    unit_entries(&unit, root)[3] = pte(top, PTE_P);
    for (unsigned slot = 428; slot < ENTRIES_PER_TABLE; slot++)
        entries[slot] = ~UINT64_C(0);
    for (unsigned slot = 4; slot < ENTRIES_PER_TABLE; slot++)
        unit_entries(&unit, root)[slot] = ~UINT64_C(0);
    assert_int_equal(guest_pin(unit.vcpu, root, 3), 0);
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++)
        assert_int_equal(entries[slot], slot >= 428 ? unit.machine->compat_slots[slot - 428] : 0);
    for (unsigned slot = 4; slot < ENTRIES_PER_TABLE; slot++)
        assert_int_equal(unit_entries(&unit, root)[slot], 0);
    assert_counts(&unit, top, 2, TYPE_L2_TOP, 1);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    for (unsigned slot = 428; slot < ENTRIES_PER_TABLE; slot++)
        assert_int_equal(entries[slot], 0);
    unit_destroy(&unit);
}

/* ---- 32-bit roots as a whole. */

/* Shows mmuext_op.pin-slot-missing. */
static void test_slot_missing(void **state)
{
    struct unit unit;
    mfn_t root;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    root = unit_idle_page(&unit);
    assert_refused(&unit, guest_pin(unit.vcpu, root, 3), XEN_EINVAL, REFUSE_SLOT_MISSING);
    assert_int_equal(unit.sim->last_refusal.slot.index, 3);
    unit_entries(&unit, root)[3] = pte(unit_idle_page(&unit), PTE_RW);
    assert_refused(&unit, guest_pin(unit.vcpu, root, 3), XEN_EINVAL, REFUSE_SLOT_MISSING);
    unit_destroy(&unit);
}

static pfn_t page_above_4g(struct guest *guest)
{
    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        if (!guest->used[pfn] && guest_mfn(guest, PFN(pfn)).v >= 0x100000) {
            guest->used[pfn] = true;
            return PFN(pfn);
        }
    }
    sim_fail("no page lies above 4 GiB");
}

/*
 * A root above 4 GiB needs the assist that says that cr3 is folded; lower tables may be anywhere.
 * Shows mmuext_op.pin-above-4g, vm_assist.extended-cr3.
 */
static void test_above_4g(void **state)
{
    static const struct frame_range ram[] = {{{0}, {511}}, {{0x100000}, {0x1001ff}}};
    struct sim_config config = {
        .nr_frames = 0x100200,
        .ram = ram,
        .nr_ram = 2,
        .nr_domains = 1,
        .domains[0] = {.width = WIDTH_PAE, .extended_cr3 = true},
    };
    struct unit unit = {.sim = sim_create(&config)};
    mfn_t root, top;

    (void)state;
    unit.machine = &unit.sim->machine;
    unit.guest = guest_boot(unit.sim, 0, UNIT_PAGES);
    unit.domain = unit.guest->domain;
    unit.vcpu = guest_vcpu(unit.guest, 0);
    root = guest_mfn(unit.guest, page_above_4g(unit.guest));
    top = guest_mfn(unit.guest, page_above_4g(unit.guest));
    assert_int_equal(guest_protect(unit.vcpu, unit_pfn(&unit, root)), 0);
    assert_int_equal(guest_protect(unit.vcpu, unit_pfn(&unit, top)), 0);
    unit_entries(&unit, root)[3] = pte(top, PTE_P);
    unit.domain->extended_cr3 = false;
    assert_refused(&unit, guest_pin(unit.vcpu, root, 3), XEN_ERANGE, REFUSE_ROOT_ABOVE_4G);
    assert_int_equal(guest_pin(unit.vcpu, top, 2), 0);
    assert_int_equal(guest_unpin(unit.vcpu, top), 0);
    unit.domain->extended_cr3 = true;
    assert_int_equal(guest_pin(unit.vcpu, root, 3), 0);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    unit_destroy(&unit);
}

/* ---- Preemption. */

/* Points: once a table at least; and the result with all of them taken is the same. */
static void test_preemption(void **state)
{
    struct guest_leaf leaves[8];
    struct guest_tree tree;
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++)
        leaves[i] = (struct guest_leaf){VADDR(UINT64_C(0x40000000) + i * 0x200000), pte(unit_page(&unit), PTE_RW_PAGE)};
    guest_build_tree(unit.guest, unit.vcpu, root_level(unit.domain), GUEST_TREE_PLAIN, leaves, 8, &tree);
    for (unsigned round = 0; round < 2; round++) {
        uint64_t points = unit.sim->preempt_points, yields = unit.sim->yields;

        unit.sim->preemption = round ? SIM_PREEMPT_ALWAYS : SIM_PREEMPT_NEVER;
        assert_int_equal(guest_pin(unit.vcpu, tree.root, tree.level), 0);
        points = unit.sim->preempt_points - points;
        assert_true(points >= ARRAY_SIZE(leaves));
        assert_int_equal(unit.sim->yields - yields, round ? points : 0);
        guest_assert_clean(unit.sim);
        points = unit.sim->preempt_points;
        assert_int_equal(guest_unpin(unit.vcpu, tree.root), 0);
        assert_true(unit.sim->preempt_points - points >= ARRAY_SIZE(leaves));
        guest_assert_clean(unit.sim);
    }
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/*
 * A table that leads to a frame that it may write: of nothing is flushed for one that has just come from the pool, nor
 * for one that was written before, and everything for one that was a table.
 */
static void test_first_use(void **state)
{
    static const enum frame_type was[] = {TYPE_NONE, TYPE_WRITABLE, TYPE_L1};

    for (unsigned i = 0; i < ARRAY_SIZE(was); i++) {
        struct unit unit;
        mfn_t page, table;
        uint64_t flushes;

        create(&unit, state);
        page = unit_idle_page(&unit);
        table = unit_idle_page(&unit);
        unit_frame(&unit, page)->type = type_word(was[i], 0, 0);
        unit_frame(&unit, page)->epoch = tlb_stamp(unit.machine);
        unit_entries(&unit, table)[7] = pte(page, PTE_RW_PAGE | PTE_US);
        unit_frame(&unit, table)->type = type_word(TYPE_NONE, 0, 0);
        flushes = unit.sim->cpus[0].full_flushes;
        assert_int_equal(guest_pin(unit.vcpu, table, 1), 0);
        assert_int_equal(unit.sim->cpus[0].full_flushes, flushes + (was[i] == TYPE_L1));
        assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
        assert_int_equal(guest_unpin(unit.vcpu, table), 0);
        assert_counts(&unit, page, 1, TYPE_WRITABLE, 0);
        unit_destroy(&unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_bad_entry),      unit_test_both(test_deep_error),     cmocka_unit_test(test_root_slots),
        cmocka_unit_test(test_compat_slots), cmocka_unit_test(test_slot_missing), cmocka_unit_test(test_above_4g),
        unit_test_both(test_preemption),     unit_test_both(test_first_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
