/* SPDX-License-Identifier: MIT */
/* Two domains on hv/domain/sched.c: what the end of one means to the other, and what their turns are charged. */
/* links: hv/domain/sched.c hv/domain/fair.c hv/domain/runstate.c hv/domain/zombie.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/fake_stack.c tests/hv/lib/sched_host.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/domain/runstate.h>
#include <hv/domain/zombie.h>
#include <tests/hv/lib/sched_host.h>

static unsigned rounds;

static void guest_yields(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        tell("%u ", vcpu->engine.id);
        sched_yield();
    }
}

static void guest_blocks(struct hv_vcpu *vcpu)
{
    tell("blocks ");
    sched_block(vcpu);
    tell("woken ");
}

static void guest_ends(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    tell("ends ");
}

/* The end of one takes nothing from the other, which goes on where it was, with its state. */
static void test_other_goes_on(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guest_ends;
    guests[2] = guest_yields;
    rounds = 2;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    run();
    assert_string_equal(told, "w0 l0 t0 0 s0 w0 l0 t0 ends end w- ");
    assert_false(other.ended);
    told[0] = '\0';
    domain.ended = false; /* as if it were gone */
    assert_ptr_equal(sched_run(&machine), &other);
    assert_string_equal(told, "w0 l0 t0 0 other-end w- ");
}

/* A vCPU that is left on the processor when another domain ends is saved. */
static void guest_ends_other(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    end_domain(&domain);
    sched_yield();
    tell("still there ");
}

static void test_saved_at_end_of_other(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[2] = guest_ends_other;
    sched_start(&vcpus[2]);
    run();
    assert_string_equal(told, "w0 l0 t0 end s0 w- ");
    told[0] = '\0';
    domain.ended = false; /* as if it were gone */
    assert_ptr_equal(sched_run(&machine), &other);
    assert_string_equal(told, "w0 l0 t0 still there other-end w- ");
}

static void guest_outlives(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    assert_false(sched_is_due());
    end_domain(&domain);
    assert_true(sched_is_due());
    sched_yield();
    assert_false(sched_is_due());
    tell("goes on ");
}

/* A domain none of whose vCPUs runs is not kept waiting for its release by one that wants the processor for ever. */
static void test_end_of_sleeper(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guest_blocks;
    guests[2] = guest_outlives;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    vcpus[0].run.info.state = RUNSTATE_blocked;
    run();
    assert_string_equal(told, "w0 l0 t0 end s0 w- ");
    domain.ended = false; /* as if it were gone */
    assert_ptr_equal(sched_run(&machine), &other);
    assert_non_null(strstr(told, "goes on "));
}

static void end_by_timer(void)
{
    end_domain(&domain); /* as a watchdog does it */
}

static void guest_leaves_timer_due(struct hv_vcpu *vcpu)
{
    on_timer = end_by_timer;
    cpu_boot.timer_ticks = 1; /* of the TSC: long ago */
    sched_block(vcpu);
}

static void halt_without_end(void)
{
    fail();
}

/* What a timer ends that is due between turns is found at once, though nobody wants to run and no interrupt comes. */
static void test_end_by_timer(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guest_leaves_timer_due;
    fake_cpu.on_halt = halt_without_end;
    sched_start(&vcpus[0]);
    run();
    assert_string_equal(told, "w0 l0 t0 end w- ");
}

static void guest_lets_go(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    domain.engine.nr_frames--;
    cpu_boot.must_give_way = true; /* as port_pool_give() does it */
    sched_yield();
    tell("goes on ");
}

/* A zombie is returned when its last frame has come back, while others run and when nobody is left, once. */
static void test_zombie(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[2] = guest_lets_go;
    sched_start(&vcpus[2]);
    domain.engine.nr_frames = 1;
    zombie_add(&domain);
    assert_ptr_equal(sched_run(&machine), &domain);
    assert_string_equal(told, "w0 l0 t0 s0 w- ");
    told[0] = '\0';
    assert_ptr_equal(sched_run(&machine), &other);
    assert_string_equal(told, "w0 l0 t0 goes on other-end w- ");
    make(0, WIDTH_64);
    zombie_add(&domain);
    assert_ptr_equal(sched_run(&machine), &domain);
    assert_null(sched_run(&machine));
}

static unsigned turns;

static void guest_burns(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(turns++ % 2, vcpu == &vcpus[0]);
        now += 10 * MS - 1;
        assert_false(sched_is_due());
        now++;
        assert_true(sched_is_due());
        sched_yield();
    }
}

/* They take turns as vCPUs of one domain do. */
static void test_turns_of_domains(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guests[2] = guest_burns;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    turns = 0;
    (void)sched_run(&machine);
    assert_int_equal(turns, 6);
}

static void guest_runs_and_blocks(struct hv_vcpu *vcpu)
{
    now += 9 * MS;
    runstate_wake(vcpu); /* nothing: it is not blocked */
    sched_block(vcpu);
}

static void guest_runs_and_wakes(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    now += 4 * MS;
    runstate_wake(&vcpus[2]);
}

/* What a turn has taken counts, however it ends. */
static void test_charges(void **state)
{
    uint64_t before;

    (void)state;
    make(2, WIDTH_64);
    make_other();
    before = vcpus[0].share.had;
    guests[2] = guest_runs_and_blocks;
    guests[0] = guest_runs_and_wakes;
    sched_start(&vcpus[2]);
    sched_start(&vcpus[0]);
    run();
    assert_int_equal(vcpus[2].share.had - before, 9 * MS);
    assert_int_equal(vcpus[0].share.had - before, 4 * MS);
}

static void guest_starts_other(struct hv_vcpu *vcpu)
{
    now += 5000 * MS;
    sched_start(&vcpus[2]);
    assert_true(sched_is_due()); /* what has been used is accounted for */
    assert_in_range(vcpus[2].share.had, vcpu->share.had - FAIR_CREDIT, vcpu->share.had);
}

/* Nor does one that comes up late have all that it has missed. */
static void test_late_start(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guest_starts_other;
    sched_start(&vcpus[0]);
    run();
}

static void guest_wakes_other(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    now += MS;
    assert_false(sched_is_due());
    runstate_wake(&vcpus[2]);
    assert_true(sched_is_due());
    sched_yield();
    tell("back ");
}

/* Who wakes runs at once, ahead of one that has not used up its turn. */
static void test_woken_first(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guest_wakes_other;
    guests[2] = guest_blocks;
    sched_start(&vcpus[2]);
    sched_start(&vcpus[0]);
    assert_ptr_equal(sched_run(&machine), &other);
    assert_string_equal(told, "w0 l0 t0 blocks s0 w0 l0 t0 s0 w0 l0 t0 woken other-end w- ");
}

/*
 * ---- The roof's work.
 */

static void guest_works_beside(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(turn_ends, now + 10 * MS); /* there is another that wants to run: the work */
        now += 10 * MS;
        tell("%u ", vcpu->engine.id);
        assert_true(sched_is_due());
        sched_yield();
    }
}

static void begin_work(void)
{
    make(2, WIDTH_64);
    make_other();
    vcpus[2].engine.id = 2;
    guests[0] = guest_ends;
    guests[2] = guest_works_beside;
    sched_start(&vcpus[0]);
    run();
    sched_retire(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    sched_start(&vcpus[2]);
    told[0] = '\0';
}

/* It has turns of 1 ms, between which others have theirs, as many as are fair; nothing is found to have ended. */
static void test_work_yields(void **state)
{
    (void)state;
    begin_work();
    for (unsigned i = 0; i < 25; i++) {
        assert_false(sched_is_due());
        now += MS - 1;
        assert_false(sched_is_due());
        now++;
        assert_true(sched_is_due());
        sched_yield_work();
        assert_null(cpu_boot.current);
        assert_false(fake_cpu.interrupts);
        tell("work ");
    }
    assert_int_equal(arrivals, 1 + 3); /* each of its 10 ms against ten turns of the work's */
    assert_non_null(strstr(told, "w2 l2 t2 2 s2 w- work work work "));
    domain.ended = false; /* as if it were gone */
    assert_ptr_equal(sched_run(&machine), &other);
}

/* Timers expire between its turns, and who wakes by one runs at once; what it costs is the new vCPU's share. */
static void test_work_in_time(void **state)
{
    (void)state;
    begin_work();
    vcpus[2].run.info.state = RUNSTATE_blocked;
    vcpus[1].run.down = false;
    vcpus[1].run.info.state = RUNSTATE_blocked;
    guests[1] = guest_blocks;
    cpu_boot.timer_ticks = 1;
    sched_yield_work();
    assert_int_equal(timers_run, 1);
    assert_string_equal(told, "w1 l1 t1 blocks s1 w- ");
    now += 7 * MS;
    sched_yield_work();
    sched_follow_work(&vcpus[2]);
    assert_int_equal(vcpus[2].share.had, vcpus[1].share.had + 7 * MS);
}

static void guest_uses(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    now += 7 * MS;
}

/* What a guest has had counts for the work after its end, and for whoever comes in its place. */
static void test_work_goes_on(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[0] = guest_uses;
    guests[2] = guest_yields;
    rounds = 2;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    run();
    sched_follow_work(&vcpus[1]);
    assert_int_equal(vcpus[1].share.had, vcpus[0].share.had);
    assert_int_equal(vcpus[1].share.had, vcpus[2].share.had + 7 * MS);
}

/* Before there was any, nobody runs within it. */
static void test_no_work(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    make_other();
    guests[2] = guest_yields;
    sched_start(&vcpus[2]);
    now += MS;
    assert_false(sched_is_due());
    sched_yield_work();
    assert_string_equal(told, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_goes_on),  cmocka_unit_test(test_saved_at_end_of_other),
        cmocka_unit_test(test_end_of_sleeper), cmocka_unit_test(test_end_by_timer),
        cmocka_unit_test(test_zombie),         cmocka_unit_test(test_turns_of_domains),
        cmocka_unit_test(test_charges),        cmocka_unit_test(test_late_start),
        cmocka_unit_test(test_woken_first),    cmocka_unit_test(test_work_yields),
        cmocka_unit_test(test_work_in_time),   cmocka_unit_test(test_work_goes_on),
        cmocka_unit_test(test_no_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
