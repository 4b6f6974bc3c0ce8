/* SPDX-License-Identifier: MIT */
/* What explanations ask of the hypervisor. */
/* links: hv/domain/explain_port.c tests/hv/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/domain/explain_port.h>
#include <tests/hv/lib/frames.h>

static void test_first_tables(void **state)
{
    (void)state;
    domain.first_table = 0x20;
    domain.nr_first_tables = 3;
    assert_false(explain_port_is_first_table(&domain.engine, 0x1f));
    assert_true(explain_port_is_first_table(&domain.engine, 0x20));
    assert_true(explain_port_is_first_table(&domain.engine, 0x22));
    assert_false(explain_port_is_first_table(&domain.engine, 0x23));
}

static void test_watchdog(void **state)
{
    (void)state;
    cpu_here()->nmi_ticks = 5;
    explain_port_get_on();
    assert_int_equal(cpu_here()->nmi_ticks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_tables, make_frames),
        cmocka_unit_test_setup(test_watchdog, make_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
