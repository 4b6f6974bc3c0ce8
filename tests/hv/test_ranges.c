/* SPDX-License-Identifier: MIT */
/* Sets of ranges, with room and without. */
/* links: hv/base/ranges.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/ranges.h>

static void test_ranges(void **state)
{
    struct ranges set = {0};
    struct range taken;

    (void)state;
    assert_true(ranges_add(&set, (struct range){10, 20}) && ranges_add(&set, (struct range){30, 40}));
    assert_true(ranges_add(&set, (struct range){20, 30})); /* touches both */
    assert_int_equal(set.count, 1);
    assert_int_equal(ranges_size(&set), 30);
    assert_true(ranges_remove(&set, (struct range){15, 16}) && set.count == 2);
    assert_true(ranges_contain(&set, (struct range){10, 15}) && !ranges_contain(&set, (struct range){10, 16}));
    assert_true(ranges_contain(&set, (struct range){5, 5}));
    assert_true(ranges_take(&set, 8, 8, 36, &taken) && taken.start == 24 && taken.end == 32);
    assert_int_equal(ranges_size(&set), 21);
    assert_false(ranges_take(&set, 16, 8, UINT64_MAX, &taken));
    assert_true(ranges_take(&set, 4, 2, 16, &taken) && taken.start == 10);
    assert_true(ranges_remove(&set, (struct range){0, UINT64_MAX}) && set.count == 0);
}

static void test_ranges_full(void **state)
{
    struct ranges set = {0};
    struct range taken;

    (void)state;
    for (uint64_t i = RANGES_MAX; i > 0; i--)
        assert_true(ranges_add(&set, (struct range){i * 16, i * 16 + 9}));
    assert_false(ranges_add(&set, (struct range){1, 2}));
    assert_false(ranges_remove(&set, (struct range){16 + 2, 16 + 4}));
    assert_false(ranges_take(&set, 1, 4, 16 + 6, &taken));
    assert_int_equal(ranges_size(&set), RANGES_MAX * 9);
    assert_true(ranges_add(&set, (struct range){0, UINT64_MAX}) && set.count == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_ranges_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
