/* SPDX-License-Identifier: MIT */
/* Queueing, pinning, and wrong use of both. */
#include <guest/guest.h>
#include <guest/lazy.h>
#include <guest/mmu.h>
#include <guest/mmu_port.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/test.h>

#define VADDR UINT64_C(0x70000000)
#define COUNT 32u

/* A loaded space with an empty L1 table at VADDR. */
struct fixture {
    struct mmu_space space;
    uint64_t pages; /* that were free before */
    uint64_t *page;
    uint64_t *table;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.pages = pool_count()};
    expect(mmu_space_create(&fixture->space) == 0, "no space");
    fixture->page = pool_take();
    fixture->table = mmu_walk_make(&fixture->space, VADDR);
    mmu_space_activate(&fixture->space);
}

static void end(struct fixture *fixture)
{
    mmu_space_destroy(&fixture->space);
    pool_put(fixture->page);
    expect_nothing_lost(fixture->pages);
}

static mmu_entry_t some_entry(const struct fixture *fixture)
{
    return mmu_entry_make(virt_to_pfn(fixture->page), PTE_PROGRAM);
}

/* Native: no hypercalls at all. */
static void expect_calls(uint64_t before, uint64_t wanted)
{
    uint64_t calls = mmu_counts.hypercalls - before;

    expect(calls == (guest.native ? 0 : wanted), "%" PRIu64 " hypercalls, expected %" PRIu64, calls, wanted);
}

static void test_queue(void)
{
    struct fixture fixture;
    uint64_t calls, value;

    begin(&fixture);
    calls = mmu_counts.hypercalls;
    mmu_lazy_enter();
    for (unsigned i = 0; i < COUNT; i++) {
        mmu_entry_write(&fixture.space, &fixture.table[i], 1, some_entry(&fixture));
        expect(mmu_entry_pfn(mmu_entry_read(&fixture.table[i])).v == virt_to_pfn(fixture.page).v,
               "entry %u does not show what was written", i);
    }
    mmu_entry_write(&fixture.space, &fixture.table[3], 1, MMU_ENTRY_NONE);
    expect(!mmu_entry_present(mmu_entry_read(&fixture.table[3])), "of two writes the older one shows");
    expect_calls(calls, 0);
    mmu_lazy_leave();
    expect_calls(calls, 1);
    for (unsigned i = 0; i < COUNT; i++)
        expect(test_read(VADDR + i * PAGE_SIZE, &value) == (i != 3), "page %u", i);
    end(&fixture);
}

static void test_mixture(void)
{
    struct fixture fixture;
    uint64_t calls;

    begin(&fixture);
    calls = mmu_counts.hypercalls;
    mmu_lazy_enter();
    for (unsigned i = 0; i < COUNT; i++) {
        mmu_entry_write(&fixture.space, &fixture.table[i], 1, some_entry(&fixture));
        if (i % 8 == 7) {
            mmu_flush_page(VADDR + i * PAGE_SIZE);
            mmu_flush_all();
        }
    }
    mmu_lazy_leave();
    expect_calls(calls, 1);
    mmu_lazy_enter();
    mmu_entry_write(&fixture.space, &fixture.table[0], 1, MMU_ENTRY_NONE);
    mmu_lazy_flush();
    expect_calls(calls, 2);
    mmu_lazy_leave();
    expect_calls(calls, 2);
    end(&fixture);
}

/* The third of five updates maps a table writable.  Bare hardware has nobody who would refuse that. */
static void test_refusal(void)
{
    struct fixture fixture;
    struct mmu_failure failure;
    mmu_entry_t good, bad;
    unsigned failures;

    begin(&fixture);
    good = some_entry(&fixture);
    bad = mmu_entry_make(virt_to_pfn(fixture.table), PTE_PROGRAM);
    test_failures_begin();
    mmu_lazy_enter();
    mmu_entry_write(&fixture.space, &fixture.table[0], 1, good);
    mmu_entry_write(&fixture.space, &fixture.table[1], 1, good);
    mmu_entry_write(&fixture.space, &fixture.table[2], 1, guest.native ? good : bad);
    mmu_entry_write(&fixture.space, &fixture.table[3], 1, good);
    mmu_flush_all();
    mmu_lazy_leave();
    failures = test_failures_end(&failure);
    expect(failures == (guest.native ? 0 : 1), "%u failures", failures);
    if (!guest.native) {
        expect(test_is_line(failure.where, MMU_HERE, -7), "the failure names %s", failure.where);
        expect(failure.subject == (uintptr_t)&fixture.table[2], "the failure is about %" PRIx64, failure.subject);
    }
    expect(mmu_entry_present(mmu_entry_read(&fixture.table[3])), "what came behind was not done");
    expect(mmu_entry_present(mmu_entry_read(&fixture.table[2])) == guest.native, "the refused entry is there");
    end(&fixture);
}

/*
 * A tree of a root and what goes with it, in 64 bits an L3, and 2 + 8 tables is pinned, and released, by one call
 * each.
 */
static void test_trees(void)
{
    struct mmu_space space;
    uint64_t pages = pool_count(), calls, pinned;
    uint64_t *table;

    expect(mmu_space_create(&space) == 0, "no space");
    for (unsigned i = 0; i < 8; i++)
        expect(mmu_walk_make(&space, (uint64_t)i << 28), "no table");
    table = mmu_walk(&space, 0, 1);
    expect(pinned_level(table) == 0, "a table is pinned before the space is used");
    expect(test_write((uintptr_t)table, 0), "a table of the ordinary world cannot be written");
    calls = mmu_counts.hypercalls;
    mmu_space_dup(&space);
    expect_calls(calls, 1);
    pinned = pinned_count();
    expect(pinned == (guest.native ? 0 : 2 + (TOP_LEVEL - 3) + 2 + 8), "%" PRIu64 " tables are pinned", pinned);
    expect(pinned_level(table) == (guest.native ? 0 : 1), "the L1 is pinned at level %u", pinned_level(table));
    mmu_space_exit(&space);
    expect_calls(calls, 2);
    expect(pinned_count() == 0 && test_write((uintptr_t)table, 0), "a released table cannot be written");
    mmu_space_destroy(&space);
    expect_nothing_lost(pages);
}

static void expect_failure(unsigned failures, const struct mmu_failure *failure, const char *here, int difference)
{
    expect(failures == 1, "%u failures", failures);
    expect(failures && test_is_line(failure->where, here, difference), "the failure names %s", failure->where);
}

static void test_wrong_leave(void)
{
    struct mmu_failure failure;

    test_failures_begin();
    mmu_lazy_leave();
    expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    mmu_lazy_enter();
    test_failures_begin();
    mmu_lazy_enter();
    expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    mmu_lazy_leave();
}

/* The pinned world exists under a hypervisor only; the functions are called as the back end calls them. */
static void test_wrong_unpin(void)
{
    struct mmu_failure failure;
    struct mmu_space space;
    uint64_t pages = pool_count();

    expect(mmu_space_create(&space) == 0, "no space");
    test_failures_begin();
    pinned_unpin_tree(&space.tree, MMU_HERE);
    expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    test_failures_begin();
    pinned_remove(space.tree.root, MMU_HERE);
    expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    mmu_space_dup(&space);
    if (!guest.native) {
        test_failures_begin();
        pinned_pin_tree(&space.tree, MMU_HERE);
        expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    }
    mmu_space_destroy(&space);
    expect_nothing_lost(pages);
}

static void test_wrong_write(void)
{
    struct fixture fixture;
    struct mmu_failure failure;
    uint64_t *place;
    unsigned failures;

    begin(&fixture);
    place = mmu_walk(&fixture.space, VADDR, 2);
    test_failures_begin();
    expect(test_write((uintptr_t)place, *place) == guest.native, "a pinned table takes a plain write");
    failures = test_failures_end(&failure);
    expect(failures == (guest.native ? 0 : 1), "%u failures by a plain write", failures);
    expect(guest.native || failure.subject == (uintptr_t)place, "the failure is about %" PRIx64, failure.subject);
    if (!guest.native) {
        test_failures_begin();
        mmu_entry_write(&fixture.space, place, 1, MMU_ENTRY_NONE);
        expect_failure(test_failures_end(&failure), &failure, MMU_HERE, -1);
    }
    end(&fixture);
}

const struct test tests_lazy[] = {
    {"a queued update shows, and goes out with the others", test_queue},
    {"updates and flushes keep their order in one call", test_mixture},
    {"a refused update is traced to who asked for it", test_refusal},
    {"a tree is pinned and released as a whole", test_trees},
    {"wrong use: lazy mode", test_wrong_leave},
    {"wrong use: pinning", test_wrong_unpin},
    {"wrong use: a write past the operations, of a wrong level", test_wrong_write},
    {NULL, NULL},
};
