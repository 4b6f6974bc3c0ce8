/* SPDX-License-Identifier: MIT */
/* Processes: demand paging, fork, wait, exit, and what they may not do. */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/processor.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/process.h>
#include <guests/paravirt/program.h>
#include <guests/paravirt/test.h>

#define SHARED 40u /* pages of a space that is forked; more than one page of a queue would need */

/* Run one program to its end; its status. */
static int64_t run_program(const char *label)
{
    struct process *process = process_create(PROGRAM(label), FOREST_PAGES);

    expect(process, "no process");
    process_run();
    expect(process->state == PROCESS_ENDED, "it has not ended");
    process_forget(process);
    return process->status;
}

static void test_family(void)
{
    uint64_t pages = pool_count();
    int64_t status = run_program(program_family);

    expect(status == 101 + 102 + 103, "the children's statuses add up to %" PRId64, status);
    expect_nothing_lost(pages);
}

static void test_yield(void)
{
    uint64_t pages = pool_count(), switches;
    struct process *both[2];

    for (unsigned i = 0; i < 2; i++) {
        both[i] = process_create(PROGRAM(program_yield), FOREST_PAGES);
        expect(both[i], "no process");
    }
    switches = process_switches;
    process_run();
    for (unsigned i = 0; i < 2; i++) {
        expect(both[i]->state == PROCESS_ENDED && both[i]->status == 50, "status %" PRId64, both[i]->status);
        process_forget(both[i]);
    }
    expect(process_switches - switches >= 100, "%" PRIu64 " switches only", process_switches - switches);
    expect_nothing_lost(pages);
}

static void test_bad_access(void)
{
    uint64_t pages = pool_count();

    expect(run_program(program_stray) == STATUS_BAD_ACCESS, "a write to nowhere succeeded");
    expect(run_program(program_code) == STATUS_BAD_ACCESS, "a write to the code succeeded");
    expect_nothing_lost(pages);
}

static uint64_t word_at(uint64_t page, uint64_t generation)
{
    return page << 32 | generation;
}

static void write_pages(uint64_t first, uint64_t end, uint64_t generation)
{
    for (uint64_t page = first; page < end; page++)
        expect(test_write(DATA_BASE + page * PAGE_SIZE, word_at(page, generation)),
               "page %" PRIu64 " cannot be written", page);
}

static void expect_pages(uint64_t first, uint64_t end, uint64_t generation)
{
    for (uint64_t page = first; page < end; page++) {
        uint64_t value = 0;

        expect(test_read(DATA_BASE + page * PAGE_SIZE, &value) && value == word_at(page, generation),
               "page %" PRIu64 " holds %" PRIx64 ", not generation %" PRIu64, page, value, generation);
    }
}

/* The kernel writes in three generations of spaces, through their user addresses. */
static void test_copy_on_write(void)
{
    uint64_t pages = pool_count(), value;
    struct space first, second, third;

    expect(space_create(&first, SHARED) == 0, "no space");
    space_load(&first);
    write_pages(0, SHARED - 1, 1);
    expect(space_fork(&second, &first) == 0, "no fork");
    write_pages(0, 10, 2);
    space_load(&second);
    expect_pages(0, SHARED - 1, 1);
    write_pages(5, 15, 3);
    expect(space_fork(&third, &second) == 0, "no second fork");
    space_destroy(&second);
    space_load(&first);
    expect_pages(0, 10, 2);
    expect_pages(10, SHARED - 1, 1);
    space_load(&third);
    expect_pages(0, 5, 1);
    expect_pages(5, 15, 3);
    expect_pages(15, SHARED - 1, 1);
    expect(test_read(DATA_BASE + (SHARED - 1) * PAGE_SIZE, &value) && value == 0, "a new page holds %" PRIx64, value);
    expect(!test_read(DATA_BASE + SHARED * PAGE_SIZE, &value), "there is a page behind the end");
    space_destroy(&first);
    write_pages(0, SHARED, 4); /* nobody else uses them any more */
    space_destroy(&third);
    expect_nothing_lost(pages);
}

/* A fork that runs out of pages at each point undoes itself. */
static void test_no_memory(void)
{
    uint64_t pages = pool_count();
    struct space parent, child;
    unsigned left = 0;

    expect(space_create(&parent, SHARED) == 0, "no space");
    space_load(&parent);
    write_pages(0, SHARED, 1);
    for (;; left++) {
        uint64_t before = pool_count();
        int error;

        pool_set_reserve(before - left);
        error = space_fork(&child, &parent);
        pool_set_reserve(0);
        if (!error) {
            space_destroy(&child);
            break;
        }
        expect(error == -XEN_ENOMEM && pool_count() == before, "with %u pages left: error %d, %" PRIu64 " pages lost",
               left, error, before - pool_count());
    }
    /* A root, what goes with it, in 64 bits one L3, and an L2 and an L1 twice. */
    expect(left == TOP_LEVEL + (guest.native ? 2 : 3), "a fork takes %u pages", left);
    write_pages(0, SHARED, 2);
    space_destroy(&parent);
    expect_nothing_lost(pages);
}

const struct test tests_process[] = {
    {"a fork shares pages until somebody writes", test_copy_on_write},
    {"a fork without memory undoes itself", test_no_memory},
    {"processes fork, wait and exit", test_family},
    {"processes take turns", test_yield},
    {"processes end where they may not go", test_bad_access},
    {NULL, NULL},
};
