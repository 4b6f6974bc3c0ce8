/* SPDX-License-Identifier: MIT */
/*
 * Whether #DB gets a stack of its own: the experiment runs as it stands, single-step and all, and the test is the
 * handler of its trap, on a processor that raises two in a row or one.  The breakpoint: Intel SDM volume 3, 18.2.
 */
/* links: hv/cpu/debug_stack.c tests/hv/lib/fake_cpu.c */
#define _GNU_SOURCE /* REG_EFL */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/debug_stack.h>
#include <tests/hv/lib/fake_cpu.h>

#define TRAP_FLAG 0x100

struct cpu cpu_boot;

static bool nests; /* the processor that is made up */
static unsigned traps, stacks;
static volatile uint64_t at_trap[8]; /* the debug registers then */
static volatile uint32_t stored;

void cpu_tables_set_stack(unsigned vector, unsigned ist)
{
    assert_int_equal(vector, 1);
    assert_int_equal(ist, IST_DEBUG);
    stacks++;
}

/* The hypervisor's answer to a #DB of its own: no further step; and a note, if another one has been met. */
static void handle(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    traps++;
    for (unsigned i = 0; i < 8; i++)
        at_trap[i] = fake_cpu.dr[i];
    if (fake_cpu.dr[0])
        stored = *(const uint32_t *)fake_cpu.dr[0];
    cpu_boot.debug_was_nested |= nests;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void begin(bool two_in_a_row)
{
    const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};

    fake_cpu_reset();
    assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    nests = two_in_a_row;
    traps = stacks = 0;
    stored = 0;
}

static void test_stack(void **state)
{
    (void)state;
    for (unsigned two = 0; two < 2; two++) {
        begin(two);
        debug_stack_init();
        assert_int_equal(cpu_boot.debug_has_stack, !two);
        assert_int_equal(stacks, !two);
    }
}

/* The step ends with the store, into the four bytes that breakpoint 0 watches: armed, for writing, four bytes long. */
static void test_experiment(void **state)
{
    (void)state;
    begin(false);
    debug_stack_init();
    assert_int_equal(traps, 1);
    assert_int_equal(stored, 1);
    assert_int_equal(at_trap[0] % 4, 0);
    assert_int_equal(at_trap[7] & 0x3, 1);
    assert_int_equal(at_trap[7] >> 16 & 3, 1);
    assert_int_equal(at_trap[7] >> 18 & 3, 3);
    assert_int_equal(at_trap[7] & 0xfff000fc, 0); /* no other breakpoint */
}

/* Nothing is left behind: no breakpoint, no status. */
static void test_afterwards(void **state)
{
    (void)state;
    begin(false);
    debug_stack_init();
    assert_int_equal(fake_cpu.dr[0], 0);
    assert_int_equal(fake_cpu.dr[6], 0xffff0ff0);
    assert_int_equal(fake_cpu.dr[7], 0x400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack),
        cmocka_unit_test(test_experiment),
        cmocka_unit_test(test_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
