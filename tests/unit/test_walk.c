/* SPDX-License-Identifier: MIT */
/* The software walk: where it ends, and that it agrees with the processor's. */
#include <engine/level.h>
#include <engine/walk.h>

#include <tests/unit/lib/unit.h>

static void test_boot_pages(void **state)
{
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    for (uint64_t pfn = 0; pfn < unit.guest->nr_pages; pfn++) {
        vaddr_t vaddr = guest_vaddr(unit.guest, PFN(pfn));
        uint64_t entry = walk_read_l1(unit.vcpu, vaddr);
        bool writable;

        assert_int_equal(pte_mfn(entry).v, guest_mfn(unit.guest, PFN(pfn)).v);
        assert_int_equal(sim_peek(unit.vcpu, vaddr, &writable).v, guest_mfn(unit.guest, PFN(pfn)).v);
        assert_int_equal(writable, !!(entry & PTE_RW));
    }
    unit_destroy(&unit);
}

static void test_window(void **state)
{
    struct frame *table = NULL;
    struct unit unit;
    unsigned index;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    assert_true(walk_find_l1(unit.vcpu, unit_window(&unit, 77), &table, &index));
    assert_int_equal(frame_mfn(unit.machine, table).v, unit_window_table(&unit).v);
    assert_int_equal(index, 77);
    assert_int_equal(walk_read_l1(unit.vcpu, unit_window(&unit, 77)), 0);
    unit_entries(&unit, unit_window_table(&unit))[77] = 0x1234560; /* not present: returned as it is */
    assert_int_equal(walk_read_l1(unit.vcpu, unit_window(&unit, 77)), 0x1234560);
    unit_entries(&unit, unit_window_table(&unit))[77] = 0;
    unit_destroy(&unit);
}

/* No table, or not the guest's address. */
static void test_nowhere(void **state)
{
    static const uint64_t wide[] = {
        0,          0x7fffffffffff,    0x800000000000, HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 1,
        UINT64_MAX, 0xffff8a0000000000};
    static const uint64_t narrow[] = {0xf5800000, 0xffffffff, 0x100000000, UINT64_MAX, 0xe0000000};
    bool pae = unit_width(state) == WIDTH_PAE;
    struct frame *table;
    struct unit unit;
    unsigned index;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    for (unsigned i = 0; i < (pae ? ARRAY_SIZE(narrow) : ARRAY_SIZE(wide)); i++) {
        vaddr_t vaddr = VADDR(pae ? narrow[i] : wide[i]);

        assert_false(walk_find_l1(unit.vcpu, vaddr, &table, &index));
        assert_int_equal(walk_read_l1(unit.vcpu, vaddr), 0);
    }
    unit_destroy(&unit);
}

/* Each level above may be missing: they are taken away one by one, from below. */
static void test_missing_levels(void **state)
{
    bool pae = unit_width(state) == WIDTH_PAE;
    vaddr_t vaddr = VADDR(pae ? 0x40000000 : 0x40000000000);
    struct guest_leaf leaf = {vaddr, 0};
    struct guest_tree tree;
    struct frame *table;
    struct unit unit;
    unsigned index;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    leaf.entry = pte(unit_page(&unit), PTE_RO_PAGE);
    guest_build_tree(unit.guest, unit.vcpu, root_level(unit.domain), GUEST_TREE_KERNEL, &leaf, 1, &tree);
    assert_int_equal(guest_new_baseptr(unit.vcpu, tree.root), 0);
    assert_int_equal(pte_mfn(walk_read_l1(unit.vcpu, vaddr)).v, pte_mfn(leaf.entry).v);
    for (unsigned level = 2; level <= root_level(unit.domain); level++) {
        mfn_t parent;
        unsigned slot;

        assert_true(guest_find_entry(unit.guest, tree.root, vaddr, level, &parent, &slot));
        assert_int_equal(guest_set_entry(unit.vcpu, parent, slot, 0), 0);
        assert_false(walk_find_l1(unit.vcpu, vaddr, &table, &index));
        assert_int_equal(walk_read_l1(unit.vcpu, vaddr), 0);
    }
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

static void test_no_root(void **state)
{
    const struct sim_config config = {.nr_frames = 64, .nr_domains = 1, .domains[0].width = unit_width(state)};
    struct sim *sim = sim_create(&config);
    struct frame *table;
    unsigned index;

    assert_false(walk_find_l1(sim_vcpu(sim, 0, 0), VADDR(0), &table, &index));
    assert_int_equal(walk_read_l1(sim_vcpu(sim, 0, 0), VADDR(0x1000)), 0);
    sim_destroy(sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_boot_pages),     unit_test_both(test_window),  unit_test_both(test_nowhere),
        unit_test_both(test_missing_levels), unit_test_both(test_no_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
