/* SPDX-License-Identifier: MIT */
/* What programs may reach: the user bit on each level, each page of a range, and the ends of what a guest has. */
#include <engine/level.h>
#include <engine/reach.h>

#include <tests/unit/lib/unit.h>

#define ROWS 4u

/* Pages of the window whose entries have the bit, or not. */
static const bool opens[ROWS] = {true, true, false, true};

static void map_rows(struct unit *unit)
{
    mfn_t page = unit_page(unit);

    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(unit_map(unit, i, pte(page, PTE_RO_PAGE | (opens[i] ? PTE_US : 0))), 0);
}

static void unmap_rows(struct unit *unit)
{
    for (unsigned i = 0; i < ROWS; i++)
        assert_int_equal(unit_map(unit, i, 0), 0);
}

/* Every page from the first to the last byte has to be open; in a 64-bit guest the table is what divides. */
static void test_ranges(void **state)
{
    static const struct {
        uint64_t start, size;
        bool open;
    } rows[] = {
        {0, 1, true},       {0, 0x2000, true},  {0, 0x2001, false}, {0x1fff, 1, true},       {0x1fff, 2, false},
        {0x2000, 1, false}, {0x2fff, 1, false}, {0x2fff, 2, false}, {0x3000, 0x1000, true},  {0x3000, 0x1001, false},
        {0x2fff, 0, true},  {0x3fff, 1, true},  {0x4000, 1, false}, {0x1000, 0x2000, false}, {0x800, 0x1000, true},
    };
    bool pae = unit_width(state) == WIDTH_PAE;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    map_rows(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        vaddr_t start = VADDR(unit_window(&unit, 0).v + rows[i].start);

        assert_int_equal(reach_by_program(unit.vcpu, start, rows[i].size), rows[i].open || !pae);
    }
    unmap_rows(&unit);
    unit_destroy(&unit);
}

/* The bit of an L2 entry closes all that it leads to; entries of an L3 always have it. */
static void test_levels(void **state)
{
    const vaddr_t vaddr = VADDR(0x40000000);
    struct guest_leaf leaf = {vaddr, 0};
    struct guest_tree tree;
    struct unit unit;
    mfn_t table;
    unsigned slot;
    uint64_t entry;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    leaf.entry = pte(unit_page(&unit), PTE_RO_PAGE | PTE_US);
    guest_build_tree(unit.guest, unit.vcpu, 3, GUEST_TREE_KERNEL, &leaf, 1, &tree);
    assert_int_equal(guest_new_baseptr(unit.vcpu, tree.root), 0);
    assert_true(reach_by_program(unit.vcpu, vaddr, 1));
    assert_true(guest_find_entry(unit.guest, tree.root, vaddr, 2, &table, &slot));
    entry = guest_entry(unit.guest, table, slot);
    assert_int_equal(guest_set_entry(unit.vcpu, table, slot, entry & ~PTE_US), 0);
    assert_false(reach_by_program(unit.vcpu, vaddr, 1));
    assert_int_equal(guest_set_entry(unit.vcpu, table, slot, entry), 0);
    assert_true(reach_by_program(unit.vcpu, vaddr, 1));
    assert_true(guest_find_entry(unit.guest, tree.root, vaddr, 3, &table, &slot));
    entry = guest_entry(unit.guest, table, slot);
    assert_int_equal(guest_set_entry(unit.vcpu, table, slot, entry & ~(PTE_US | PTE_RW)), 0);
    assert_true(reach_by_program(unit.vcpu, vaddr, 1));
    for (unsigned level = 1; level <= 3; level++) { /* missing, from below */
        assert_true(guest_find_entry(unit.guest, tree.root, vaddr, level, &table, &slot));
        assert_int_equal(guest_set_entry(unit.vcpu, table, slot, 0), 0);
        assert_false(reach_by_program(unit.vcpu, vaddr, 1));
    }
    assert_int_equal(guest_new_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
    guest_free_tree(unit.guest, unit.vcpu, &tree);
    unit_destroy(&unit);
}

/* Not the guest's; no root; and nothing any more once the domain goes. */
static void test_nowhere(void **state)
{
    const struct sim_config config = {.nr_frames = 64, .nr_domains = 1, .domains[0].width = WIDTH_PAE};
    struct unit unit;
    struct sim *sim;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    map_rows(&unit);
    assert_false(reach_by_program(unit.vcpu, VADDR(0xf5800000), 1));
    assert_false(reach_by_program(unit.vcpu, VADDR(0xffffffff), 2));
    assert_false(reach_by_program(unit.vcpu, VADDR(0x100000000 + unit_window(&unit, 0).v), 1));
    assert_false(reach_by_program(unit.vcpu, unit_window(&unit, 0), UINT64_MAX));
    unit.domain->dying = true;
    assert_false(reach_by_program(unit.vcpu, unit_window(&unit, 0), 1));
    unit.domain->dying = false;
    assert_true(reach_by_program(unit.vcpu, unit_window(&unit, 0), 1));
    unmap_rows(&unit);
    unit_destroy(&unit);
    sim = sim_create(&config);
    assert_false(reach_by_program(sim_vcpu(sim, 0, 0), VADDR(0x1000), 1));
    sim_destroy(sim);
}

/*
 * A byte is written back through a read-only entry, and stays what it is; not the one that is excepted, nor one that is
 * not the domain's own, nor where nothing is.
 */
static void test_write_back(void **state)
{
    struct unit unit;
    vaddr_t vaddr;
    mfn_t page;
    uint8_t *byte;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    vaddr = VADDR(unit_window(&unit, 0).v + 0x123);
    page = unit_page(&unit);
    assert_false(reach_write_back(unit.vcpu, vaddr, 0));
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    byte = (uint8_t *)port_frame_map(page) + 0x123;
    *byte = 0x90;
    assert_true(reach_write_back(unit.vcpu, vaddr, 0xcc));
    assert_int_equal(*byte, 0x90);
    assert_false(reach_write_back(unit.vcpu, vaddr, 0x90));
    unit.domain->dying = true;
    assert_false(reach_write_back(unit.vcpu, vaddr, 0xcc));
    unit.domain->dying = false;
    frame_set_owner(unit_frame(&unit, page), DOMID_IO);
    assert_false(reach_write_back(unit.vcpu, vaddr, 0xcc));
    frame_set_owner(unit_frame(&unit, page), unit.domain->id.v);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_ranges),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_nowhere),
        unit_test_both(test_write_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
