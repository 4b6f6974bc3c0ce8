/* SPDX-License-Identifier: MIT */
/* Two threads as processors, whose TSCs are the same or not: hv/time/tsc_compare.c. */
/* links: -lpthread */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <hv/base/asm.h>

static uint64_t counter;               /* of the machine, which go on with each reading */
static _Thread_local int64_t distance; /* of this processor's from that */

static uint64_t read_fake_tsc(void)
{
    return __atomic_add_fetch(&counter, 10, __ATOMIC_SEQ_CST) + (uint64_t)distance;
}

#define asm_read_tsc read_fake_tsc
#include <hv/time/tsc_compare.c>

#define SECOND UINT64_C(1000000000)

uint64_t time_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

static void *run_other(void *of)
{
    distance = *(const int64_t *)of;
    tsc_compare_other();
    return NULL;
}

static uint64_t compare(int64_t other)
{
    uint64_t off = 77;
    pthread_t thread;

    counter = 1000000;
    tsc_compare_begin();
    assert_int_equal(pthread_create(&thread, NULL, run_other, &other), 0);
    assert_int_equal(tsc_compare_first(600 * SECOND, &off), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return off;
}

static void test_same(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(compare(0), 0);
}

/* Ahead or behind: what is more than a turn takes is seen, and what is said is no more than what is so. */
static void test_off(void **state)
{
    (void)state;
    for (int64_t off = 20; off < 1000000; off *= 7) {
        assert_in_range(compare(off), off - 10, off);
        assert_in_range(compare(-off), off - 10, off);
    }
}

/* One that never takes its turn is not waited for, and finds that out if it comes after all. */
static void test_nobody(void **state)
{
    uint64_t off = 77;

    (void)state;
    tsc_compare_begin();
    assert_int_equal(tsc_compare_first(1000000, &off), -XEN_EBUSY);
    assert_int_equal(off, 77);
    tsc_compare_other();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
