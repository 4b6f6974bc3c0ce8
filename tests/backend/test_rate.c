/* SPDX-License-Identifier: MIT */
/* What is sent stays below the rate over any time, and reaches it. */
/* links: backend/rate.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/rate.h>
#include <tests/backend/lib/draw.h>

static void test_parse(void **state)
{
    static const char *const refused[] = {"",
                                          "1",
                                          ",",
                                          "1,",
                                          "1,2,",
                                          "1,2 ",
                                          "0,5",
                                          "5,0",
                                          "-1,5",
                                          "1000000001,1",
                                          "1,1000000001",
                                          "a,1",
                                          " 1,2",
                                          "1, 2",
                                          "0x10,1",
                                          "99999999999999999999999,1"};
    struct rate rate;

    (void)state;
    assert_int_equal(rate_parse(&rate, "62500,50000"), 0);
    assert_int_equal(rate.bytes, 62500);
    assert_int_equal(rate.period, 50000000);
    assert_int_equal(rate_parse(&rate, "1000000000,1000000000"), 0);
    for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(rate_parse(&rate, refused[i]), -XEN_EINVAL);
        assert_int_equal(rate.bytes, 0);
        assert_true(rate_allows(&rate, draw()));
    }
}

/* A greedy sender gets what the rate says, whatever it sends at a time and whenever it asks. */
static void test_mean(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct rate rate = {0};
        uint64_t start, now, sent = 0, due;

        draw_seed(seed);
        rate.bytes = 1 + draw_below(draw_below(2) ? 100000 : 100);
        rate.period = 1000 * (1 + draw_below(100000));
        start = now = draw() >> 20;
        for (unsigned i = 0; i < 5000; i++) {
            if (rate_allows(&rate, now)) {
                unsigned size = 14 + draw_below(65521);

                rate_charge(&rate, size);
                sent += size;
            } else {
                assert_true(rate.end > now);
                now = draw_below(2) ? rate.end : now + draw_below((unsigned)rate.period);
            }
        }
        due = ((now - start) / rate.period + 1) * rate.bytes;
        assert_in_range(sent, 0, due + rate.bytes + 65535);
        assert_in_range(due, 0, sent + 2 * rate.bytes);
    }
}

static void test_idle_saves_nothing(void **state)
{
    struct rate rate = {.bytes = 1000, .period = 1000};

    (void)state;
    assert_true(rate_allows(&rate, 5000));
    rate_charge(&rate, 1);
    assert_true(rate_allows(&rate, UINT64_C(1) << 62));
    assert_int_equal(rate.left, 1000);
    rate_charge(&rate, 3500);
    assert_false(rate_allows(&rate, rate.end + 1000));
    assert_true(rate_allows(&rate, rate.end));
    assert_int_equal(rate.left, 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_mean),
        cmocka_unit_test(test_idle_saves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
