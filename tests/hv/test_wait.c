/* SPDX-License-Identifier: MIT */
/* How long is spun, and the halt. */
/* links: hv/cpu/wait.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <hv/cpu/trap.h>
#include <hv/cpu/wait.h>
#include <tests/hv/lib/fake_cpu.h>

struct cpu cpu_boot;

static void wait_for(uint64_t ticks)
{
    wait_begin(&cpu_boot);
    cpu_boot.wait_began -= ticks;
    wait_end(&cpu_boot, &cpu_boot.for_locks);
}

/* Patience shrinks with waits that are not worth it, and comes back with one that is. */
static void test_patience(void **state)
{
    (void)state;
    for (uint64_t patience = WAIT_PATIENCE_MOST; patience; patience /= 2) {
        cpu_boot.wait_patience = WAIT_PATIENCE_MOST / 2;
        wait_for(0);
        assert_int_equal(cpu_boot.wait_patience, WAIT_PATIENCE_MOST);
        cpu_boot.wait_patience = patience;
        wait_for(WAIT_PATIENCE_MOST + 1);
        assert_int_equal(cpu_boot.wait_patience, patience / 2);
    }
}

/* Two that share a real processor get on as soon as one halts: that it was soon is no reason to spin in the next. */
static void test_short_halt(void **state)
{
    (void)state;
    cpu_boot.waits = 2;
    cpu_boot.wait_patience = 1024;
    cpu_boot.for_locks = (struct wait_sum){0};
    wait_for(WAIT_PATIENCE_MOST / 2);
    assert_int_equal(cpu_boot.wait_patience, 512);
    assert_true(cpu_boot.for_locks.halts_ticks >= WAIT_PATIENCE_MOST / 2);
    assert_int_equal(cpu_boot.for_locks.ticks, cpu_boot.for_locks.halts_ticks);
    assert_int_equal(cpu_boot.for_locks.halts, 1);
    cpu_boot.wait_patience = WAIT_PATIENCE_MOST / 2;
    wait_for(1024);
    assert_int_equal(cpu_boot.wait_patience, WAIT_PATIENCE_MOST);
    assert_true(cpu_boot.for_locks.ticks > cpu_boot.for_locks.halts_ticks);
    assert_int_equal(cpu_boot.for_locks.halts, 1);
}

/* One in eight has all of it. */
static void test_trial(void **state)
{
    unsigned trials = 0;

    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        cpu_boot.wait_patience = 0;
        wait_begin(&cpu_boot);
        trials += !wait_is_long(&cpu_boot);
        wait_end(&cpu_boot, &cpu_boot.for_locks);
    }
    assert_int_equal(trials, 2);
}

static void test_is_long(void **state)
{
    (void)state;
    wait_begin(&cpu_boot);
    assert_true(wait_is_one(cpu_boot.waits));
    cpu_boot.wait_patience = UINT64_C(1) << 50;
    assert_false(wait_is_long(&cpu_boot));
    cpu_boot.waits = 3; /* no trial */
    cpu_boot.wait_patience = 0;
    assert_true(wait_is_long(&cpu_boot));
    cpu_boot.nmi_ticks = 9;
    wait_end(&cpu_boot, &cpu_boot.for_locks);
    assert_false(wait_is_one(cpu_boot.waits));
    assert_int_equal(cpu_boot.nmi_ticks, 0);
}

/* Those of a class no higher than the priority wait. */
static bool may_come(unsigned vector)
{
    return vector >> 4 > fake_cpu.priority;
}

static void look(void)
{
    assert_true(fake_cpu.interrupts);
    assert_true(may_come(VECTOR_KICK));
    assert_false(may_come(VECTOR_INTERRUPTS));
    assert_false(may_come(VECTOR_INTERRUPTS - 1));
}

static void test_halted(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_cpu.on_halt = look;
    wait_halted();
    assert_int_equal(*wait_hlt, 0xf4); /* one byte: hlt, Intel SDM volume 2 */
    assert_int_equal(fake_cpu.halts, 1);
    assert_false(fake_cpu.interrupts);
    assert_true(may_come(VECTOR_EXCEPTIONS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience), cmocka_unit_test(test_short_halt), cmocka_unit_test(test_trial),
        cmocka_unit_test(test_is_long),  cmocka_unit_test(test_halted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
