/* SPDX-License-Identifier: MIT */
/* A reset: an exception that no table has a gate for. */
/* links: hv/base/reset.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/reset.h>
#include <tests/hv/lib/fake_cpu.h>

static sigjmp_buf raised;

static void note(int number)
{
    siglongjmp(raised, number);
}

static void test_reset(void **state)
{
    const struct sigaction action = {.sa_handler = note};
    volatile int number;

    (void)state;
    fake_cpu_reset();
    fake_cpu.idt_limit = 0xfff;
    assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
    number = sigsetjmp(raised, 1);
    if (!number)
        reset_machine();
    assert_int_equal(number, SIGILL);
    assert_int_equal(fake_cpu.idt_limit, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
