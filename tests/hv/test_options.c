/* SPDX-License-Identifier: MIT */
/* The words of the command line. */
/* links: hv/base/options.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/options.h>

static void test_options(void **state)
{
    char line[] = "a proofs=abcd proof=abc proof=abcde proof=abcd proof=efgh", text[5];
    uint64_t value = 7;

    (void)state;
    assert_true(option_is_set("a selftest b", "selftest"));
    assert_true(option_is_set("  selftest", "selftest"));
    assert_false(option_is_set("selftest=fault selftests noselftest", "selftest"));
    assert_false(option_is_set("", "selftest"));
    assert_true(option_take_text(line, "proof", text, sizeof(text)));
    assert_string_equal(text, "abcd");
    assert_string_equal(line, "a proofs=abcd proof=abc proof=abcde proof=**** proof=efgh");
    assert_false(option_take_text(line, "proo", text, sizeof(text)));
    assert_string_equal(text, "abcd");
    assert_true(option_number("x seed=1f y", "seed", &value) && value == 0x1f);
    assert_true(option_number("seed= seed=g seed=ffffffffffffffff", "seed", &value) && value == UINT64_MAX);
    assert_false(option_number("seed seeds=1 seed=10000000000000000 seed=1F", "seed", &value));
    assert_int_equal(value, UINT64_MAX);
    assert_true(option_count("cpus=10 cpus=11", "cpus", &value) && value == 10);
    assert_true(option_count("cpus=1f cpus=18446744073709551615", "cpus", &value) && value == UINT64_MAX);
    assert_false(option_count("cpus=18446744073709551616 cpus=99999999999999999999 cpus=", "cpus", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
