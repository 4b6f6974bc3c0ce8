/* SPDX-License-Identifier: MIT */
/* Who runs is found by its number; others are not. */
/* links: hv/cpu/online.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>

struct cpu cpu_boot;

static void test_online(void **state)
{
    static struct cpu others[2] = {{.id = 1}, {.id = 2}};

    (void)state;
    assert_int_equal(cpus_online().bits, 0);
    cpu_set_online(&cpu_boot);
    assert_ptr_equal(cpu_find(0), &cpu_boot);
    assert_null(cpu_find(1));
    for (unsigned i = 0; i < 2; i++) {
        cpu_set_online(&others[i]);
        assert_ptr_equal(cpu_find(i + 1), &others[i]);
    }
    assert_int_equal(cpus_online().bits, 7);
    assert_null(cpu_find(3));
    assert_null(cpu_find(64));
    assert_null(cpu_find(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_online)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
