/* SPDX-License-Identifier: MIT */
/* Divisions of 64 bits as a kernel of 32 bits does them, against the processor's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <guest/x86_32/divide.c>

static const uint64_t edges[] = {
    0,
    1,
    2,
    3,
    10,
    0x7fffffff,
    0x80000000,
    0xffffffff,
    UINT64_C(0x100000000),
    UINT64_C(0x100000001),
    UINT64_C(0x1ffffffff),
    UINT64_C(0x7fffffffffffffff),
    UINT64_C(0x8000000000000000),
    UINT64_C(0xfffffffeffffffff),
    UINT64_C(0xffffffff00000000),
    UINT64_C(0xffffffffffffffff),
};

static void check(uint64_t number, uint64_t by)
{
    uint64_t rest = ~number;

    if (by == 0)
        return;
    assert_int_equal(__udivmoddi4(number, by, &rest), number / by);
    assert_int_equal(rest, number % by);
    assert_int_equal(__udivmoddi4(number, by, NULL), number / by);
    assert_int_equal(__udivdi3(number, by), number / by);
    assert_int_equal(__umoddi3(number, by), number % by);
    if (number == UINT64_C(1) << 63 && by == UINT64_MAX)
        return; /* no quotient */
    assert_int_equal(__divdi3((int64_t)number, (int64_t)by), (int64_t)number / (int64_t)by);
    assert_int_equal(__moddi3((int64_t)number, (int64_t)by), (int64_t)number % (int64_t)by);
}

static void test_edges(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(edges); j++) {
            check(edges[i], edges[j]);
            check(edges[i] - edges[j], edges[i]);
        }
    }
}

static void test_random(void **state)
{
    (void)state;
    srandom(1);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t number = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
        uint64_t by = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();

        check(number >> random() % 64, by >> random() % 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
