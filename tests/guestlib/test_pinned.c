/* SPDX-License-Identifier: MIT */
/* Trees of tables: in which world their pages live, what the engine thinks of them, and what changing it costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <guest/lazy.h>
#include <guest/memory.h>
#include <guest/mmu_port.h>
#include <guest/pinned.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <tests/guestlib/lib/failures.h>
#include <tests/guestlib/lib/world.h>

#define TABLES_MAX 64u

static uint8_t levels[WORLD_PAGES];

/* A tree under construction; tables[] without the roots. */
static struct {
    struct pinned_tree roots;
    uint64_t *tables[TABLES_MAX];
    unsigned level[TABLES_MAX];
    unsigned count;
    uint64_t *page;
} tree;

static int set_up(void **state)
{
    (void)state;
    world_create(2);
    failures_begin();
    memset(levels, 0, sizeof(levels));
    memset(&tree, 0, sizeof(tree));
    pinned_init(levels, WORLD_PAGES);
    tree.roots.root = world_page_alloc();
    tree.roots.user_root = world_page_alloc();
    tree.page = world_page_alloc();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(nr_failures, 0);
    assert_int_equal(pinned_count(), 0);
    for (unsigned i = 0; i < tree.count; i++) {
        assert_int_equal(pinned_level(tree.tables[i]), 0);
        assert_true(world_can_write(tree.tables[i]));
        world_page_free(tree.tables[i]);
    }
    world_page_free(tree.roots.root);
    if (tree.roots.user_root)
        world_page_free(tree.roots.user_root);
    world_page_free(tree.page);
    world_destroy();
    return 0;
}

static uint64_t *below(uint64_t *table, unsigned slot, unsigned level)
{
    if (!(table[slot] & PTE_P)) {
        assert_in_range(tree.count, 0, TABLES_MAX - 1);
        tree.tables[tree.count] = world_page_alloc();
        tree.level[tree.count] = level - 1;
        table[slot] = pte_make(virt_to_mfn(tree.tables[tree.count]), PTE_TABLE);
        tree.count++;
    }
    return mfn_to_virt(pte_mfn(table[slot]));
}

/* Ordinary writes: the tree is not pinned. */
static uint64_t *map(uint64_t vaddr)
{
    uint64_t *table = tree.roots.root;

    for (unsigned level = 4; level > 1; level--) {
        uint64_t *next = below(table, table_index(vaddr, level), level);

        if (level == 4 && tree.roots.user_root)
            tree.roots.user_root[table_index(vaddr, 4)] = table[table_index(vaddr, 4)];
        table = next;
    }
    table[table_index(vaddr, 1)] = pte_make(virt_to_mfn(tree.page), PTE_PROGRAM);
    return &table[table_index(vaddr, 1)];
}

static void assert_worlds(bool pinned)
{
    assert_int_equal(pinned_count(), pinned ? tree.count + 1 + !!tree.roots.user_root : 0);
    assert_int_equal(world_type_level(tree.roots.root), pinned ? 4 : 0);
    for (unsigned i = 0; i < tree.count; i++) {
        assert_int_equal(pinned_level(tree.tables[i]), pinned ? tree.level[i] : 0);
        assert_int_equal(world_type_level(tree.tables[i]), pinned ? tree.level[i] : 0);
        assert_int_equal(world_can_write(tree.tables[i]), !pinned);
    }
    world_check();
}

static void test_tree(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 8; i++)
        map(0x1000 + (i << 29) + (i << 38));
    assert_worlds(false);
    pinned_pin_tree(&tree.roots, "pin");
    assert_worlds(true);
    assert_int_equal(mmu_counts.hypercalls, 1);
    assert_int_equal(mmu_counts.updates, tree.count + 2);
    assert_int_equal(mmu_counts.ops, 2);
    pinned_unpin_tree(&tree.roots, "unpin");
    assert_worlds(false);
    assert_int_equal(mmu_counts.hypercalls, 2);
}

static void test_without_user_root(void **state)
{
    (void)state;
    world_page_free(tree.roots.user_root);
    tree.roots.user_root = NULL;
    map(0x5000);
    pinned_pin_tree(&tree.roots, "pin");
    assert_worlds(true);
    pinned_unpin_tree(&tree.roots, "unpin");
    assert_worlds(false);
}

/* In lazy mode the pin may wait, the unpin may not: the pages are written next. */
static void test_lazy(void **state)
{
    uint64_t *entry = map(0x5000);

    (void)state;
    lazy_enter("enter");
    pinned_pin_tree(&tree.roots, "pin");
    assert_int_equal(mmu_counts.hypercalls, 0);
    assert_int_equal(pinned_level(entry), 1);
    lazy_update(entry, 0, "update");
    pinned_unpin_tree(&tree.roots, "unpin");
    assert_int_equal(mmu_counts.hypercalls, 1);
    assert_worlds(false);
    assert_int_equal(*entry, 0);
    lazy_leave("leave");
}

/* A table joins a tree that is pinned, and leaves it; the entry that hooks it is still queued when it is released. */
static void test_one_table(void **state)
{
    uint64_t *l2, *table = world_page_alloc();

    (void)state;
    map(0x5000);
    l2 = tree.tables[1];
    assert_int_equal(tree.level[1], 2);
    pinned_pin_tree(&tree.roots, "pin");
    lazy_enter("enter");
    pinned_add(table, 1, "add");
    assert_int_equal(pinned_level(table), 1);
    lazy_update(&l2[7], pte_make(virt_to_mfn(table), PTE_TABLE), "hook");
    lazy_flush();
    assert_int_equal(world_type_level(table), 1);
    assert_false(world_can_write(table));
    lazy_update(&l2[7], 0, "unhook");
    pinned_remove(table, "remove");
    assert_true(world_can_write(table));
    assert_int_equal(pinned_level(table), 0);
    lazy_leave("leave");
    pinned_unpin_tree(&tree.roots, "unpin");
    world_page_free(table);
}

/* A table that a queued update hooks is found by a walk. */
static void test_queued_hook(void **state)
{
    uint64_t *l2, *table = world_page_alloc();

    (void)state;
    map(0x5000);
    l2 = tree.tables[1];
    pinned_pin_tree(&tree.roots, "pin");
    lazy_enter("enter");
    pinned_add(table, 1, "add");
    lazy_update(&l2[7], pte_make(virt_to_mfn(table), PTE_TABLE), "hook");
    pinned_unpin_tree(&tree.roots, "unpin");
    assert_int_equal(pinned_count(), 0);
    assert_true(world_can_write(table));
    lazy_leave("leave");
    world_page_free(table);
}

/* An entry that maps a table writable: the engine refuses the tree, and the guest learns who wanted it pinned. */
static void test_refused_tree(void **state)
{
    uint64_t *entry = map(0x5000);

    (void)state;
    *entry = pte_make(virt_to_mfn(tree.tables[0]), PTE_PROGRAM);
    pinned_pin_tree(&tree.roots, "pin");
    assert_int_equal(nr_failures, 2); /* the root and the user's root */
    for (unsigned i = 0; i < 2; i++) {
        assert_string_equal(failures[i].where, "pin");
        assert_int_equal(failures[i].value, MMUEXT_PIN_L4_TABLE);
        assert_true(failures[i].error < 0);
    }
    nr_failures = 0;
    pinned_unpin_tree(&tree.roots, "unpin");
    assert_int_equal(nr_failures, 2);
    nr_failures = 0;
    assert_worlds(false);
}

static void test_wrong_use(void **state)
{
    uint64_t *entry = map(0x5000);

    (void)state;
    pinned_unpin_tree(&tree.roots, "not pinned");
    expect_failure_at("not pinned");
    pinned_remove(tree.page, "no table");
    expect_failure_at("no table");
    pinned_pin_tree(&tree.roots, "pin");
    pinned_pin_tree(&tree.roots, "twice");
    expect_failure_at("twice");
    pinned_add(entry, 1, "a table already");
    expect_failure_at("a table already");
    assert_true(pinned_is_level(pinned_level(entry), 1, entry, "right"));
    assert_false(pinned_is_level(pinned_level(entry), 2, entry, "wrong level"));
    expect_failure_at("wrong level");
    pinned_unpin_tree(&tree.roots, "unpin");
    pinned_unpin_tree(&tree.roots, "again");
    expect_failure_at("again");
}

/* Faults that are none of the library's business. */
static void test_other_faults(void **state)
{
    (void)state;
    assert_false(pinned_check_fault(0x1000, FAULT_PRESENT | FAULT_WRITE, 0));
    assert_false(pinned_check_fault(VIRT_BASE, FAULT_WRITE, 0));
    assert_false(pinned_check_fault(VIRT_BASE, FAULT_PRESENT, 0));
}

/* Trees of random shape, pinned, changed, released, many times. */
static void test_random(void **state)
{
    (void)state;
    srand(11);
    for (unsigned round = 0; round < 60; round++) {
        uint64_t *entries[16];
        unsigned count = 0;

        while (count < 16 && tree.count < TABLES_MAX - 3) {
            uint64_t vaddr = ((uint64_t)rand() % 3 << 39) + ((uint64_t)rand() % 3 << 30) +
                             ((uint64_t)rand() % 4 << 21) + ((uint64_t)rand() % 512 << 12);

            entries[count++] = map(vaddr);
        }
        pinned_pin_tree(&tree.roots, "pin");
        assert_worlds(true);
        lazy_enter("enter");
        for (unsigned i = 0; i < count; i++)
            lazy_update(entries[i], rand() % 2 ? 0 : pte_make(virt_to_mfn(tree.page), PTE_PROGRAM & ~PTE_RW), "update");
        if (rand() % 2)
            lazy_flush();
        pinned_unpin_tree(&tree.roots, "unpin");
        lazy_leave("leave");
        assert_worlds(false);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tree),      TEST(test_without_user_root), TEST(test_lazy),
        TEST(test_one_table), TEST(test_queued_hook),       TEST(test_refused_tree),
        TEST(test_wrong_use), TEST(test_other_faults),      TEST(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
