/* SPDX-License-Identifier: MIT */
/*
 * Who runs, when, and on which stack: hv/domain/sched.c with real switches of stacks.  That trap.c comes here on each
 * way back to the guest is seen by test_trap.c, and on the machine by guests/tests/events and tests/linux.
 */
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
#include <tests/hv/lib/sched_host.h>

static void test_create(void **state)
{
    static const struct cpu_frame zero;

    (void)state;
    make(2, WIDTH_64);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(vcpus[i].run.down);
        assert_false(vcpus[i].run.started);
        assert_int_equal(state_of(i), RUNSTATE_offline);
        assert_int_equal(vcpus[i].run.info.state_entry_time, now);
        assert_memory_equal(vcpus[i].frame, &zero, sizeof(zero));
    }
    fake_stack_limit = 2;
    vcpus[2].engine.domain = &domain.engine;
    vcpus[2].window = 66;
    assert_int_equal(sched_create(&vcpus[2]), -XEN_ENOMEM);
    fake_stack_limit = FAKE_STACKS;
    make(0, WIDTH_64);
    assert_int_equal(fake_stacks, 0);
}

/* A vCPU ticks from its first start on, and is not set ticking again. */
static void test_start(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    sched_start(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
    assert_false(vcpus[0].run.down);
    assert_int_equal(ticks, 1);
    assert_int_equal(period, 10 * MS);
    sched_stop(&vcpus[0]);
    assert_true(vcpus[0].run.down && vcpus[0].run.attention);
    assert_int_equal(state_of(0), RUNSTATE_runnable); /* it may be inside a call: it stops on its own way out */
    sched_start(&vcpus[0]);
    assert_int_equal(ticks, 1);
    assert_false(vcpus[0].run.down);
}

/*
 * ---- Turns.
 */

static unsigned rounds;

static void guest_yields(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        tell("%u ", vcpu->engine.id);
        sched_yield();
    }
}

/* Each gets its state, then its segments on its own stack; who was there before is saved first. */
static void test_switches(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guests[1] = guest_yields;
    rounds = 2;
    start_all();
    run();
    assert_string_equal(told, "w1 l1 t1 1 s1 w0 l0 t0 0 s0 w1 l1 t1 1 s1 w0 l0 t0 0 s0 w1 l1 t1 end w- ");
    assert_int_equal(arrivals, 5);
    assert_int_equal(fake_cpu.halts, 0);
}

/* Alone it keeps the processor, and nothing is saved or loaded. */
static void test_alone(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_yields;
    rounds = 3;
    start_all();
    run();
    assert_string_equal(told, "w0 l0 t0 0 0 0 end w- ");
    assert_int_equal(arrivals, 1);
}

static void guest_steps_back(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        tell("%u ", vcpu->engine.id);
        sched_step_back();
    }
    tell("done ");
}

/* SCHEDOP_yield is for others: where nobody else wants to run, the stack stays. */
static void test_step_back(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guests[1] = guest_steps_back;
    rounds = 1;
    start_all();
    run();
    assert_string_equal(told, "w1 l1 t1 1 s1 w0 l0 t0 0 s0 w1 l1 t1 done end w- ");
    make(1, WIDTH_64);
    guests[0] = guest_steps_back;
    rounds = 3;
    start_all();
    run();
    assert_string_equal(told, "w0 l0 t0 0 0 0 done end w- ");
    assert_int_equal(arrivals, 1);
    assert_int_equal(turns_ended, 1);
}

/* A selector that means nothing any more: the kernel hears of all four, before the vCPU counts as arrived. */
static void test_stale_selectors(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_yields;
    rounds = 1;
    refuses_selectors = true;
    vcpus[0].state.ds = 0x11;
    vcpus[0].state.es = 0x12;
    vcpus[0].state.fs = 0x13;
    vcpus[0].state.gs = 0x14;
    start_all();
    run();
    assert_string_equal(told, "w0 l0 t0 f0(11 12 13 14) 0 end w- ");
    assert_false(vcpus[0].run.arrives);
}

/* Nobody is passed over, and who is offline does not run. */
static void test_round_robin(void **state)
{
    char order[64];
    unsigned n = 0;

    (void)state;
    make(3, WIDTH_64);
    guests[0] = guests[1] = guests[2] = guest_yields;
    rounds = 3;
    start_all();
    run();
    for (const char *c = told; *c; c++) {
        if ((c == told || c[-1] == ' ') && *c >= '0' && *c <= '9')
            order[n++] = *c;
    }
    order[n] = '\0';
    assert_string_equal(order, "120120120");

    make(3, WIDTH_64);
    guests[0] = guests[2] = guest_yields;
    rounds = 2;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    run();
    assert_null(strstr(told, "w1"));
    assert_non_null(strstr(told, "w2 l2 t2 2 s2 w0 l0 t0 0 "));
}

static void guest_is_on_vcpu(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    assert_true(sched_is_on_vcpu());
    assert_int_equal(turn_ends, now + 10 * MS);
    assert_non_null(turn);
    turn->expire(turn);
}

static void test_on_vcpu(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    assert_false(sched_is_on_vcpu());
    guests[0] = guests[1] = guest_is_on_vcpu;
    start_all();
    run();
    assert_false(sched_is_on_vcpu());
    assert_null(turn); /* the timer of a turn ends with it */
}

static bool has_to_look(void)
{
    return sched_look() != TURN_GOES_ON;
}

/* A turn is 10 ms long, and counts only while others want to run.  Until its end nobody has to look. */
static void guest_is_due(struct hv_vcpu *vcpu)
{
    bool is_shared = domain.engine.nr_vcpus > 1;

    vcpu->run.attention = false;
    assert_false(sched_is_due());
    now += 10 * MS - 1;
    assert_false(sched_is_due() || has_to_look());
    now++;
    assert_int_equal(sched_is_due(), is_shared);
    assert_int_equal(has_to_look(), is_shared);
    if (!is_shared)
        return;
    turn->expire(turn);
    assert_true(vcpu->run.attention);
    vcpus[!vcpu->engine.id].run.info.state = RUNSTATE_blocked;
    assert_false(sched_is_due());
    assert_true(has_to_look()); /* the other may have had more until now */
    vcpus[!vcpu->engine.id].run.info.state = RUNSTATE_runnable;
    assert_true(sched_is_due());
}

static void test_due(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 2; count++) {
        make(count, WIDTH_64);
        guests[0] = guests[1] = guest_is_due;
        start_all();
        assert_false(sched_is_due());
        run();
    }
}

/*
 * ---- Nobody wants to run.
 */

static void guest_blocks(struct hv_vcpu *vcpu)
{
    tell("blocks ");
    sched_block(vcpu);
    tell("woken ");
}

/* Who is woken, and has had less, has the processor soon, but not at once: a turn costs more than it begins with. */
static void guest_wakes_another(struct hv_vcpu *vcpu)
{
    uint64_t began = now;

    vcpu->run.attention = false;
    now += 30 * US;
    assert_false(sched_is_due());
    assert_int_equal(turn_ends, began + 10 * MS);
    runstate_wake(&vcpus[1]);
    assert_true(vcpu->run.attention);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(sched_is_due() || has_to_look());
        assert_int_equal(turn_ends, began + MS);
        now = began + MS - 1;
    }
    now++;
    assert_true(sched_is_due() && has_to_look());
    tell("due ");
    vcpu->run.attention = false;
    turn->expire(turn);
    assert_true(vcpu->run.attention);
    assert_int_equal(turn_ends, began + 10 * MS); /* had nobody been woken but one that has had more */
}

static void xsa_332_a_turn_is_not_over_at_once(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guest_wakes_another;
    guests[1] = guest_blocks;
    start_all();
    run();
    assert_non_null(strstr(told, "blocks s1 w0 l0 t0 due "));
}

/*
 * While nobody else wants to run, a turn has no end, no timer is set, and nobody has to look.  One that is woken then,
 * and has had more, waits for the end that the turn would have had, or for another turn.
 */
static void guest_is_alone(struct hv_vcpu *vcpu)
{
    static const uint64_t wakes[] = {5 * MS, 12 * MS}, ends[] = {10 * MS, 22 * MS};
    uint64_t began = now;

    assert_null(turn);
    now += wakes[rounds];
    assert_false(sched_is_due() || has_to_look());
    assert_null(turn);
    vcpus[1].share.had = vcpu->share.had + 100 * MS;
    vcpu->run.attention = false;
    runstate_wake(&vcpus[1]);
    assert_true(vcpu->run.attention);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(!sched_is_due() && has_to_look());
        assert_non_null(turn);
        assert_int_equal(turn_ends, began + ends[rounds]);
        now += MS;
    }
    now = turn_ends;
    vcpu->run.attention = false;
    turn->expire(turn);
    assert_true(vcpu->run.attention);
    assert_int_equal(turn_ends, began + ends[rounds] + 10 * MS);
    tell("alone ");
}

static void test_alone_for_a_while(void **state)
{
    (void)state;
    for (rounds = 0; rounds < 2; rounds++) {
        make(2, WIDTH_64);
        guests[0] = guest_is_alone;
        guests[1] = guest_blocks;
        start_all();
        run();
        assert_non_null(strstr(told, "blocks s1 w0 l0 t0 alone "));
    }
}

static void wake_at_second_halt(void)
{
    assert_true(fake_cpu.interrupts); /* or nothing would ever end the halt */
    assert_false(sched_is_on_vcpu());
    now += 5 * MS;
    if (fake_cpu.halts == 2)
        runstate_wake(&vcpus[0]);
}

/* The processor halts as often as it takes, interrupts on, and takes none afterwards; who wakes has lost nothing. */
static void test_idle(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_blocks;
    fake_cpu.on_halt = wake_at_second_halt;
    start_all();
    run();
    assert_string_equal(told, "w0 l0 t0 blocks woken end w- ");
    assert_int_equal(fake_cpu.halts, 2);
    assert_false(fake_cpu.interrupts);
    assert_int_equal(vcpus[0].run.info.time[RUNSTATE_blocked], 10 * MS);
}

static void guest_makes_timers_due(struct hv_vcpu *vcpu)
{
    if (vcpu->engine.id == 1) {
        sched_block(vcpu);
        tell("woken ");
        return;
    }
    cpu_boot.timer_ticks = 1; /* of the TSC: long ago; timer_run() wakes the second vCPU */
    sched_block(vcpu);
    assert_true(false);
}

/* A timer that is due between turns is run before anybody is looked for: there may be no interrupt for it any more. */
static void test_timers_between_turns(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guests[1] = guest_makes_timers_due;
    start_all();
    run();
    assert_int_equal(timers_run, 1);
    assert_int_equal(fake_cpu.halts, 0);
    assert_non_null(strstr(told, "woken"));
}

static void guest_stops(struct hv_vcpu *vcpu)
{
    if (vcpu->engine.id == 0)
        return;
    tell("stops ");
    sched_stop(vcpu);
    assert_true(false);
}

static void test_stop_oneself(void **state)
{
    (void)state;
    make(2, WIDTH_64);
    guests[0] = guests[1] = guest_stops;
    start_all();
    run();
    assert_non_null(strstr(told, "1 stops s1 w0"));
    assert_int_equal(state_of(1), RUNSTATE_offline);
}

/*
 * ---- The end.
 */

static void guest_is_preempted(struct hv_vcpu *vcpu)
{
    domain.engine.operations++;
    if (vcpu->engine.id == 1)
        end_domain(&domain); /* while the other's operation has not begun yet, or is under way */
    for (unsigned i = 0; i < 2; i++)
        sched_yield();
    domain.engine.operations--;
    tell("done%u ", vcpu->engine.id);
}

/* Operations that hold frames come to their end, though the domain has come to its own. */
static void test_end_operations(void **state)
{
    (void)state;
    make(3, WIDTH_64);
    guests[0] = guests[1] = guests[2] = guest_is_preempted;
    sched_start(&vcpus[0]);
    sched_start(&vcpus[2]);
    sched_start(&vcpus[1]);
    run();
    assert_int_equal(domain.engine.operations, 0);
    assert_non_null(strstr(told, "end "));
    assert_true(strstr(told, "end ") < strstr(told, "done"));
    assert_string_equal(told + strlen(told) - 3, "w- ");
}

static unsigned progress;

/* 1 waits for 2 to get on with its operation. */
static void guest_waits(struct hv_vcpu *vcpu)
{
    domain.engine.operations++;
    sched_yield();
    end_domain(&domain);
    for (unsigned i = 0; i < 9 && progress < 5; i++) {
        progress += vcpu->engine.id == 2;
        sched_yield();
    }
    domain.engine.operations--;
    assert_int_equal(progress, 5);
}

/* They take turns until then. */
static void test_end_in_turn(void **state)
{
    (void)state;
    make(3, WIDTH_64);
    guests[0] = guests[1] = guests[2] = guest_waits;
    progress = 0;
    start_all();
    run();
    assert_int_equal(domain.engine.operations, 0);
}

static void test_end_without_operations(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    end_domain(&domain);
    start_all();
    run();
    assert_string_equal(told, "end ");
}

/* An operation of which nobody is left is a broken invariant, not a loop. */
static void test_end_stuck(void **state)
{
    jmp_buf here;

    (void)state;
    make(1, WIDTH_64);
    end_domain(&domain);
    domain.engine.operations = 1;
    halted = &here;
    if (setjmp(here) == 0) {
        (void)sched_run(&machine);
        fail();
    }
    halted = NULL;
}

/* Nobody at all. */
static void test_nobody(void **state)
{
    (void)state;
    make(0, WIDTH_64);
    assert_null(sched_run(&machine));
    assert_false(cpu_boot.in_vcpu);
}

static void let_go(void)
{
    assert_non_null(turn); /* it is looked at again, whatever else happens */
    vcpus[0].share.is_held = false;
}

/* Nothing of it is given back while another processor has one of its vCPUs.  There are two from here on. */
static void test_end_elsewhere(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    fair_add_processor(1);
    sched_start(&vcpus[0]);
    vcpus[0].engine.cpu = 1;
    vcpus[0].share.is_held = true;
    end_domain(&domain);
    fake_cpu.on_halt = let_go;
    run();
    assert_int_equal(fake_cpu.halts, 1);
    assert_int_equal(state_of(0), RUNSTATE_offline);
}

static void guest_binds_itself(struct hv_vcpu *vcpu)
{
    tell("%u ", vcpu->engine.id);
    sched_bind((cpumask_t){1});
    tell("stays ");
    sched_bind(cpumask_of(1));
    tell("back ");
    sched_bind((cpumask_t){0});
    tell("done ");
}

/* It has left and waits for the other processor, which is to look; there is no other here, so it may come back. */
static void bind_again(void)
{
    assert_int_equal(kicked, 1u << 1);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
    assert_false(vcpus[0].share.is_held);
    assert_int_equal(sched_allowed(&vcpus[0]).bits, 2);
    vcpus[0].share.bound = (cpumask_t){1};
}

static void test_bind(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_binds_itself;
    start_all();
    kicked = 0;
    fake_cpu.on_halt = bind_again;
    run();
    assert_string_equal(told, "w0 l0 t0 0 stays s0 w- w0 l0 t0 back done end w- ");
    assert_int_equal(sched_allowed(&vcpus[0]).bits, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_step_back),
        cmocka_unit_test(test_stale_selectors),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_on_vcpu),
        cmocka_unit_test(test_due),
        cmocka_unit_test(xsa_332_a_turn_is_not_over_at_once),
        cmocka_unit_test(test_alone_for_a_while),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_timers_between_turns),
        cmocka_unit_test(test_stop_oneself),
        cmocka_unit_test(test_end_operations),
        cmocka_unit_test(test_end_in_turn),
        cmocka_unit_test(test_end_without_operations),
        cmocka_unit_test(test_end_stuck),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_end_elsewhere),
        cmocka_unit_test(test_bind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
