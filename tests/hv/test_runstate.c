/* SPDX-License-Identifier: MIT */
/* The states of vCPUs: what changes them, how long each has lasted, and what of it the guest finds in its memory. */
/* links: hv/domain/sched.c hv/domain/fair.c hv/domain/runstate.c hv/domain/zombie.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/fake_stack.c tests/hv/lib/sched_host.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/runstate.h>
#include <tests/hv/lib/sched_host.h>

static void test_wake(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    runstate_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    sched_start(&vcpus[0]);
    vcpus[0].run.info.state = RUNSTATE_blocked;
    runstate_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
    vcpus[0].run.info.state = RUNSTATE_running;
    runstate_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_running);
    vcpus[0].run.info.state = RUNSTATE_blocked;
    sched_start(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_blocked);
}

/* One that blocks and is stopped is offline at once, and only a start brings it back. */
static void test_stop_blocked(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    sched_start(&vcpus[0]);
    vcpus[0].run.info.state = RUNSTATE_blocked;
    sched_stop(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    runstate_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    sched_start(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
}

static void guest_takes_time(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    now += 3 * MS;
    sched_yield();
    now += 4 * MS;
}

/* Shows vcpu_op.runstate. */
static void test_times(void **state)
{
    struct vcpu_runstate_info info;

    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_takes_time;
    now += MS;
    start_all();
    now += 2 * MS;
    info = runstate_read(&vcpus[0]);
    assert_int_equal(info.state, RUNSTATE_runnable);
    assert_int_equal(info.time[RUNSTATE_offline], MS);
    assert_int_equal(info.time[RUNSTATE_runnable], 2 * MS);
    assert_int_equal(info.state_entry_time, now - 2 * MS); /* when, not until when it has been counted */
    assert_int_equal(vcpus[0].run.info.time[RUNSTATE_runnable], 0);
    run();
    info = runstate_read(&vcpus[0]);
    assert_int_equal(info.state, RUNSTATE_offline);
    assert_int_equal(info.time[RUNSTATE_running], 7 * MS);
    assert_int_equal(info.time[RUNSTATE_runnable], 2 * MS);
    assert_int_equal(info.time[RUNSTATE_blocked], 0);
}

static void guest_looks(struct hv_vcpu *vcpu)
{
    struct vcpu_runstate_info info = vcpu->run.info;
    struct compat_vcpu_runstate_info compat;

    assert_int_equal(area_written, 1);
    if (domain.engine.width == WIDTH_64) {
        assert_int_equal(area_size, sizeof(info));
        assert_memory_equal(area, &info, sizeof(info));
    } else {
        memcpy(&compat, area, sizeof(compat));
        assert_int_equal(area_size, sizeof(compat));
        assert_int_equal(compat.state, RUNSTATE_running);
        assert_int_equal(compat.state_entry_time, info.state_entry_time);
        assert_memory_equal(compat.time, info.time, sizeof(info.time));
    }
    vcpu->engine.user_mode = true;
    runstate_show(vcpu);
    vcpu->engine.user_mode = false;
    assert_int_equal(area_written, 1);
    area_is_gone = true;
    runstate_show(vcpu);
    vcpu->run.area = 0;
    area_is_gone = false;
    runstate_show(vcpu);
    assert_int_equal(area_written, 1);
}

/*
 * Written when the vCPU gets the processor, in the layout of its width; not to user mode, nor where nothing is.  Shows
 * vcpu_op.runstate-area.
 */
static void test_area(void **state)
{
    (void)state;
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        make(1, width);
        guests[0] = guest_looks;
        vcpus[0].run.area = AREA;
        now += MS;
        start_all();
        now += MS;
        run();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_stop_blocked),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_area),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
