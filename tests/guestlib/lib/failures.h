/* SPDX-License-Identifier: MIT */
/* What the library reported: gathered, so that a test can say what it expects.  Included behind cmocka.h. */
#pragma once

#include <string.h>

#include <guest/mmu_failure.h>

#define FAILURES_MAX 64u

static struct mmu_failure failures[FAILURES_MAX];
static unsigned nr_failures;

static inline void gather_failure(const struct mmu_failure *failure)
{
    assert_in_range(nr_failures, 0, FAILURES_MAX - 1);
    failures[nr_failures++] = *failure;
}

static inline void failures_begin(void)
{
    nr_failures = 0;
    (void)mmu_set_failure_handler(gather_failure);
}

/* The only failure so far is one at @where, and is forgotten. */
static inline void expect_failure_at(const char *where)
{
    assert_int_equal(nr_failures, 1);
    assert_string_equal(failures[0].where, where);
    nr_failures = 0;
}
