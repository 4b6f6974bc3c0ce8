/* SPDX-License-Identifier: MIT */
/* The queue of updates: what goes out when, what a reader sees, who is told of a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <guest/lazy.h>
#include <guest/memory.h>
#include <guest/mmu_port.h>
#include <guest/table.h>
#include <tests/guestlib/lib/failures.h>
#include <tests/guestlib/lib/world.h>

#define ENTRY_MASK (PTE_FRAME | PTE_P | PTE_RW)

static uint64_t *l1, *page;

static int set_up(void **state)
{
    (void)state;
    world_create(1);
    failures_begin();
    l1 = world_l1();
    page = world_page_alloc();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(nr_failures, 0);
    assert_int_equal(lazy_queued(), 0);
    world_destroy();
    return 0;
}

static uint64_t good(void)
{
    return pte_make(virt_to_mfn(page), PTE_KERNEL);
}

/* A writable mapping of a table that is in use. */
static uint64_t bad(void)
{
    return pte_make(virt_to_mfn(l1), PTE_KERNEL);
}

static uint64_t seen(const uint64_t *entry)
{
    uint64_t value;

    return (lazy_read(entry, &value) ? value : *entry) & ENTRY_MASK;
}

static void flush_page(const char *where)
{
    struct mmuext_op op = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = 0x1000};

    lazy_mmuext(&op, where);
}

static void assert_counts(uint64_t hypercalls, uint64_t updates, uint64_t ops)
{
    assert_int_equal(mmu_counts.hypercalls, hypercalls);
    assert_int_equal(mmu_counts.updates, updates);
    assert_int_equal(mmu_counts.ops, ops);
}

static void test_at_once(void **state)
{
    (void)state;
    lazy_update(&l1[0], good(), "a");
    assert_counts(1, 1, 0);
    assert_int_equal(l1[0] & ENTRY_MASK, good() & ENTRY_MASK);
    flush_page("b");
    assert_counts(2, 1, 1);
    lazy_flush(); /* there is nothing */
    assert_counts(2, 1, 1);
}

static void test_merged(void **state)
{
    (void)state;
    lazy_enter("enter");
    assert_true(lazy_active());
    for (unsigned i = 0; i < 20; i++)
        lazy_update(&l1[i], good(), "update");
    assert_counts(0, 0, 0);
    assert_int_equal(lazy_queued(), 20);
    lazy_leave("leave");
    assert_counts(1, 20, 0);
    assert_false(lazy_active());
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(l1[i] & ENTRY_MASK, good() & ENTRY_MASK);
}

/* Three runs of updates, two of operations between them: one multicall of five calls. */
static void test_mixed(void **state)
{
    (void)state;
    lazy_enter("enter");
    for (unsigned i = 0; i < 9; i++) {
        lazy_update(&l1[i], good(), "update");
        if (i == 2 || i == 5) {
            flush_page("op");
            flush_page("op");
        }
    }
    lazy_leave("leave");
    assert_counts(1, 9, 4);
    assert_int_equal(l1[8] & ENTRY_MASK, good() & ENTRY_MASK);
}

static void test_groups(void **state)
{
    (void)state;
    lazy_group_begin();
    lazy_update(&l1[0], good(), "update");
    lazy_group_begin();
    flush_page("op");
    lazy_group_end();
    assert_counts(0, 0, 0);
    lazy_group_end();
    assert_counts(1, 1, 1);
    lazy_enter("enter");
    lazy_group_begin();
    lazy_update(&l1[1], good(), "update");
    lazy_group_end();
    assert_counts(1, 1, 1);
    lazy_leave("leave");
    assert_counts(2, 2, 1);
}

static void test_without_queueing(void **state)
{
    (void)state;
    lazy_set_queueing(false);
    lazy_enter("enter");
    lazy_update(&l1[0], good(), "update");
    lazy_update(&l1[1], good(), "update");
    assert_counts(2, 2, 0);
    lazy_leave("leave");
    lazy_set_queueing(true);
    assert_counts(2, 2, 0);
}

static void test_newest_is_read(void **state)
{
    uint64_t value;

    (void)state;
    assert_false(lazy_read(&l1[5], &value));
    lazy_enter("enter");
    lazy_update(&l1[5], good(), "first");
    assert_int_equal(seen(&l1[5]), good() & ENTRY_MASK);
    lazy_update(&l1[6], 0, "other");
    lazy_update(&l1[5], 0x1230, "second");
    assert_true(lazy_read(&l1[5], &value));
    assert_int_equal(value, 0x1230);
    assert_int_equal(l1[5], 0);
    lazy_leave("leave");
    assert_false(lazy_read(&l1[5], &value));
    assert_int_equal(l1[5], 0x1230);
}

static void test_preserving(void **state)
{
    uint64_t value;

    (void)state;
    lazy_update(&l1[0], good() & ~(PTE_A | PTE_D), "map");
    lazy_enter("enter");
    lazy_update_preserving(&l1[0], good() & ~(PTE_A | PTE_D | PTE_RW), "protect");
    l1[0] |= PTE_A | PTE_D; /* as a processor does */
    assert_true(lazy_read(&l1[0], &value));
    assert_int_equal(value & (PTE_A | PTE_D | PTE_RW), PTE_A | PTE_D);
    lazy_leave("leave");
    assert_int_equal(l1[0] & (PTE_A | PTE_D | PTE_RW), PTE_A | PTE_D);
}

/* Each of the three arrays runs full: updates, operations, runs. */
static void test_full(void **state)
{
    (void)state;
    lazy_enter("enter");
    for (unsigned i = 0; i < LAZY_UPDATES + 1; i++)
        lazy_update(&l1[i % 512], good(), "update");
    assert_counts(1, LAZY_UPDATES, 0);
    assert_int_equal(lazy_queued(), 1);
    lazy_flush();
    assert_counts(2, LAZY_UPDATES + 1, 0);
    for (unsigned i = 0; i < LAZY_OPS + 1; i++)
        flush_page("op");
    assert_counts(3, LAZY_UPDATES + 1, LAZY_OPS);
    lazy_flush();
    for (unsigned i = 0; i < LAZY_CALLS / 2 + 1; i++) {
        lazy_update(&l1[i], good(), "update");
        flush_page("op");
    }
    lazy_leave("leave");
    assert_counts(6, LAZY_UPDATES + LAZY_CALLS / 2 + 2, LAZY_OPS + LAZY_CALLS / 2 + 2);
    assert_int_equal(l1[LAZY_CALLS / 2] & ENTRY_MASK, good() & ENTRY_MASK);
}

/* Whichever of eight updates are refused, these are reported and the others are done. */
static void test_refusals(void **state)
{
    static const char *const places[8] = {"p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7"};

    (void)state;
    for (unsigned refused = 0; refused < 256; refused++) {
        unsigned next = 0;

        for (unsigned i = 0; i < 8; i++)
            lazy_update(&l1[i], 0, "clear");
        lazy_enter("enter");
        for (unsigned i = 0; i < 8; i++) {
            lazy_update(&l1[i], refused >> i & 1 ? bad() : good(), places[i]);
            if (refused & 1 && i == 3)
                flush_page("op");
        }
        lazy_leave("leave");
        for (unsigned i = 0; i < 8; i++) {
            bool refuse = refused >> i & 1;

            assert_int_equal(l1[i] & ENTRY_MASK, refuse ? 0 : good() & ENTRY_MASK);
            if (refuse) {
                assert_string_equal(failures[next].where, places[i]);
                assert_ptr_equal((void *)failures[next].subject, &l1[i]);
                assert_int_equal(failures[next].value, bad());
                assert_true(failures[next].error < 0);
                next++;
            }
        }
        assert_int_equal(nr_failures, next);
        nr_failures = 0;
    }
}

static void test_refused_operation(void **state)
{
    struct mmuext_op unpin = {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = virt_to_mfn(page).v};

    (void)state;
    lazy_enter("enter");
    flush_page("first");
    lazy_mmuext(&unpin, "unpin");
    flush_page("last");
    lazy_update(&l1[0], good(), "update");
    lazy_leave("leave");
    assert_int_equal(failures[0].subject, unpin.arg1.mfn);
    assert_int_equal(failures[0].value, MMUEXT_UNPIN_TABLE);
    expect_failure_at("unpin");
    assert_counts(2, 1, 4); /* the last one again, behind the refused one */
    assert_int_equal(l1[0] & ENTRY_MASK, good() & ENTRY_MASK);
}

static void test_refused_multicall(void **state)
{
    (void)state;
    lazy_enter("enter");
    flush_page("op");
    lazy_update(&l1[0], good(), "update");
    world_fail_next_call(-14);
    lazy_leave("leave");
    assert_int_equal(failures[0].error, -14);
    assert_int_equal(nr_failures, 1);
    nr_failures = 0;
    assert_int_equal(lazy_queued(), 0);
}

static void test_wrong_use(void **state)
{
    (void)state;
    lazy_leave("too early");
    expect_failure_at("too early");
    lazy_enter("once");
    lazy_enter("twice");
    expect_failure_at("twice");
    lazy_leave("leave");
    lazy_leave("again");
    expect_failure_at("again");
}

/*
 * Random updates against an array that simply remembers.  One table is in use; the others are ordinary pages, where
 * updates are plain writes, and whose entries share buckets of the queue's index with those of the first.
 */
#define TABLES 3u

static void test_random(void **state)
{
    uint64_t expected[TABLES * ENTRIES_PER_TABLE] = {0};
    uint64_t *tables[TABLES] = {l1, world_page_alloc(), world_page_alloc()};
    bool inside = false;

    (void)state;
    srand(7);
    for (unsigned step = 0; step < 40000; step++) {
        unsigned slot = (unsigned)rand() % (TABLES * ENTRIES_PER_TABLE);
        uint64_t *entry = &tables[slot % TABLES][slot / TABLES];

        switch (rand() % 128) {
        case 0:
            inside ? lazy_leave("leave") : lazy_enter("enter");
            inside = !inside;
            break;
        case 1:
            flush_page("op");
            break;
        default:
            expected[slot] = rand() % 2 ? good() : (uint64_t)rand() << PAGE_SHIFT;
            lazy_update(entry, expected[slot], "update");
        }
        slot = (unsigned)rand() % (TABLES * ENTRIES_PER_TABLE);
        assert_int_equal(seen(&tables[slot % TABLES][slot / TABLES]), expected[slot] & ENTRY_MASK);
        if (!inside)
            assert_int_equal(lazy_queued(), 0);
    }
    if (inside)
        lazy_leave("leave");
    for (unsigned slot = 0; slot < TABLES * ENTRIES_PER_TABLE; slot++)
        assert_int_equal(tables[slot % TABLES][slot / TABLES] & ENTRY_MASK, expected[slot] & ENTRY_MASK);
    world_page_free(tables[1]);
    world_page_free(tables[2]);
    world_check();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_at_once),
        TEST(test_merged),
        TEST(test_mixed),
        TEST(test_groups),
        TEST(test_without_queueing),
        TEST(test_newest_is_read),
        TEST(test_preserving),
        TEST(test_full),
        TEST(test_refusals),
        TEST(test_refused_operation),
        TEST(test_refused_multicall),
        TEST(test_wrong_use),
        TEST(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
