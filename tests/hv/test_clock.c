/* SPDX-License-Identifier: MIT */
/* The clock's arithmetic against 128-bit arithmetic. */
/* links: hv/base/clock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/base/clock.h>

static void check_scale(uint64_t hz)
{
    struct clock_scale made = clock_scale_of(hz);
    static const uint64_t seconds[] = {0, 1, 2, 3600, 86400, 315360000};

    assert_true(made.mul >> 31 == 1);
    for (unsigned i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        uint64_t ticks = hz * seconds[i], ns = clock_ticks_to_ns(made, ticks), exact = seconds[i] * NS_PER_SECOND;

        uint128_t shifted = made.shift < 0 ? ticks >> -made.shift : (uint128_t)ticks << made.shift;

        assert_true(ns == (uint64_t)(shifted * made.mul >> 32));
        assert_true(ns <= exact);
        assert_true(exact - ns <= (exact >> 30) + 2);
    }
}

static void test_scales(void **state)
{
    (void)state;
    srandom(1);
    check_scale(CLOCK_HZ_LEAST);
    check_scale(CLOCK_HZ_MOST);
    for (unsigned shift = 0; shift < 4; shift++) {
        for (uint64_t delta = 0; delta < 3; delta++) {
            check_scale((NS_PER_SECOND << shift) + delta - 1);
            check_scale((NS_PER_SECOND >> shift) + delta - 1);
        }
    }
    for (unsigned i = 0; i < 100000; i++)
        check_scale(CLOCK_HZ_LEAST +
                    ((uint64_t)random() << 31 | (uint64_t)random()) % (CLOCK_HZ_MOST - CLOCK_HZ_LEAST));
}

/* A guest's clock, which adds to an older reading, is never ahead of the hypervisor's: no step back at a refresh. */
static void test_no_step_back(void **state)
{
    (void)state;
    srandom(2);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t hz = CLOCK_HZ_LEAST + (uint64_t)random() * 4;
        struct clock_scale made = clock_scale_of(hz);
        uint64_t a = (uint64_t)random() << 20, b = (uint64_t)random();
        uint64_t sum = clock_ticks_to_ns(made, a + b);
        uint64_t parts = clock_ticks_to_ns(made, a) + clock_ticks_to_ns(made, b);

        assert_true(parts <= sum);
        assert_true(sum - parts <= 2 + (made.shift < 0 ? 1u << -made.shift : 0));
    }
}

static void check_ticks(uint64_t hz, uint64_t ns)
{
    uint128_t exact = (uint128_t)ns * hz / NS_PER_SECOND;

    assert_true(clock_ns_to_ticks(hz, ns) == (exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact));
}

static void test_ticks(void **state)
{
    (void)state;
    srandom(3);
    check_ticks(CLOCK_HZ_MOST, UINT64_MAX);
    check_ticks(CLOCK_HZ_LEAST, UINT64_MAX);
    check_ticks(UINT64_C(2000000000), 0);
    for (unsigned i = 0; i < 1000000; i++) {
        uint64_t ns = ((uint64_t)random() << 33 ^ (uint64_t)random() << 11) >> random() % 64;

        check_ticks(CLOCK_HZ_LEAST + ((uint64_t)random() << 3) % (CLOCK_HZ_MOST - CLOCK_HZ_LEAST), ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scales),
        cmocka_unit_test(test_no_step_back),
        cmocka_unit_test(test_ticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
