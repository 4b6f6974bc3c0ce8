/* SPDX-License-Identifier: MIT */
/* Tests of the kernel by itself: claims, gathered under names, and a verdict. */
#pragma once

#include <guest/mmu_failure.h>
#include <guest/types.h>

struct test {
    const char *name;
    void (*run)(void);
};

extern const struct test tests_mmu[], tests_lazy[], tests_process[], tests_memory[];

/* The largest of them. */
void test_forest(void);

/* Run the tests of a list, which ends with a name of NULL; says "ok NAME" or "not ok NAME: why" for each. */
void test_run(const struct test *tests);

/* A claim about the test that runs. */
__attribute__((format(printf, 2, 3))) void expect(bool holds, const char *format, ...);

/* How many tests failed. */
unsigned test_failures(void);

/* From here to test_failures_end() failures of the library are gathered: how many, and the last of them. */
void test_failures_begin(void);
unsigned test_failures_end(struct mmu_failure *last);

/* Do two places differ by so many lines of the same file? */
bool test_is_line(const char *where, const char *here, int difference);

/* The next number of the sequence that the option "seed" begins. */
uint64_t test_random(void);

/* A claim that no page, no pinned table and no process is left over; the count of free pages was @pages before. */
void expect_nothing_lost(uint64_t pages);

/* Try to write, to read; false: it faulted. */
bool test_write(uint64_t vaddr, uint64_t value);
bool test_read(uint64_t vaddr, uint64_t *value);
