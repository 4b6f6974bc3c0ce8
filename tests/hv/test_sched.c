/* SPDX-License-Identifier: MIT */
/*
 * Who runs, when, and on which stack: hv/domain/sched.c with real switches of stacks, on a processor that is made up.
 * Here a vCPU's guest is a function that calls the scheduler as hypercalls do.  That trap.c comes here on each way back
 * to the guest is seen by test_trap.c, and on the machine by guests/tests/events and tests/linux.
 */
/* links: hv/domain/sched.c tests/hv/lib/fake_cpu.c tests/hv/lib/fake_stack.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>
#include <cmocka.h>

#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/time/nmi_watchdog.h>
#include <tests/hv/lib/fake_cpu.h>
#include <tests/hv/lib/fake_stack.h>

#define VCPUS 3u
#define MS    UINT64_C(1000000)
#define AREA  UINT64_C(0x7000)

/*
 * ---- The rest of the hypervisor, which notes what it is asked, in order.
 */

struct cpu cpu_boot;

/* The leak checker calls sched_yield(), which is not the C library's here; the scheduler allocates nothing. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

static struct machine machine;
static struct hv_domain domain;
static struct hv_vcpu vcpus[VCPUS];
static void (*guests[VCPUS])(struct hv_vcpu *vcpu);

static char told[1024];
static uint64_t now, turn_ends, area_written;
static unsigned timers_run, arrivals, ticks;
static bool timers_due, area_is_gone, watched;
static uint64_t period;
static uint8_t area[64];
static size_t area_size;
static struct timer *turn;
static jmp_buf *halted; /* set: a broken invariant is expected */

static void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    size_t length = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + length, sizeof(told) - length, format, args);
    va_end(args);
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    if (halted)
        longjmp(*halted, 1);
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

uint64_t time_now(void)
{
    return now;
}

void time_set_periodic(struct hv_vcpu *vcpu, uint64_t ns)
{
    (void)vcpu;
    period = ns;
    ticks++;
}

void time_update_vcpu(struct hv_vcpu *vcpu)
{
    tell("t%u ", vcpu->vcpu.id);
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    turn = timer;
    turn_ends = deadline;
}

void timer_stop(struct timer *timer)
{
    if (turn == timer)
        turn = NULL;
}

bool timer_is_due(void)
{
    return timers_due;
}

void timer_run(void)
{
    timers_due = false;
    timers_run++;
    sched_wake(&vcpus[1]);
}

void nmi_watchdog_start(void)
{
    watched = true;
    cpu_boot.nmi_ticks = 5;
}

void nmi_watchdog_stop(void)
{
    watched = false;
}

void state_save(struct hv_vcpu *vcpu)
{
    tell("s%u%s ", vcpu->vcpu.id, vcpu->run.arrives ? "-" : "");
}

void state_load(struct hv_vcpu *vcpu)
{
    tell("l%u ", vcpu->vcpu.id);
}

void state_load_segments(struct hv_vcpu *vcpu)
{
    uint64_t top = vcpu->run.stack, here = (uint64_t)__builtin_frame_address(0); /* the sanitizer moves variables */

    assert_ptr_equal(vcpu, cpu_here()->current);
    assert_true(vcpu->run.arrives);
    assert_in_range(here, top - FAKE_STACK_SIZE, top);
    arrivals++;
}

void vcpu_switch(struct machine *which, struct hv_vcpu *vcpu)
{
    assert_ptr_equal(which, &machine);
    cpu_boot.current = vcpu;
    if (vcpu)
        tell("w%u ", vcpu->vcpu.id);
    else
        tell("w- ");
}

void domain_begin_end(struct domain *which)
{
    assert_ptr_equal(which, &domain.domain);
    tell("end ");
}

bool access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    assert_ptr_equal(vcpu, &cpu_boot.current->vcpu);
    assert_int_equal(to.v, AREA);
    assert_true(size <= sizeof(area));
    if (area_is_gone)
        return false;
    memcpy(area, from, size);
    area_size = size;
    area_written++;
    return true;
}

void fake_stack_first(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    assert_true(watched);
    assert_int_equal(cpu_boot.nmi_ticks, 0); /* who gets the processor has all the time that the watchdog gives */
    assert_ptr_equal(frame, vcpu->frame);
    assert_ptr_equal(frame + 1, vcpu->run.stack);
    sched_arrive();
    guests[vcpu->vcpu.id](vcpu);
    domain.ended = true;
    for (;;)
        sched_stop(vcpu);
}

/*
 * ---- A domain of @count vCPUs, all offline.
 */

static void make(unsigned count, enum width width)
{
    fake_cpu_reset();
    fake_stacks = 0;
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(vcpus, 0, sizeof(vcpus));
    memset(guests, 0, sizeof(guests));
    memset(&domain, 0, sizeof(domain));
    memset(area, 0xee, sizeof(area));
    domain.domain = (struct domain){.machine = &machine, .width = width, .nr_vcpus = count, .vcpus = domain.vcpus};
    told[0] = '\0';
    now = 1000 * MS;
    timers_run = arrivals = ticks = 0;
    area_written = 0;
    timers_due = area_is_gone = false;
    turn = NULL;
    halted = NULL;
    for (unsigned i = 0; i < count; i++) {
        vcpus[i].vcpu = (struct vcpu){.domain = &domain.domain, .id = i};
        vcpus[i].window = 64 + i;
        domain.vcpus[i] = &vcpus[i].vcpu;
        assert_int_equal(sched_create(&vcpus[i]), 0);
    }
}

static void start_all(void)
{
    for (unsigned i = 0; i < domain.domain.nr_vcpus; i++)
        sched_start(&vcpus[i]);
}

static void run(void)
{
    sched_run(&machine, &domain);
    assert_false(watched || cpu_boot.in_vcpu);
    assert_null(cpu_boot.current);
}

static int state_of(unsigned id)
{
    return vcpus[id].run.info.state;
}

/*
 * ---- Making, starting, stopping.
 */

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
    vcpus[2].vcpu.domain = &domain.domain;
    vcpus[2].window = 66;
    assert_int_equal(sched_create(&vcpus[2]), -XEN_ENOMEM);
    fake_stack_limit = FAKE_STACKS;
    sched_destroy(&vcpus[1]);
    sched_destroy(&vcpus[0]);
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

static void test_wake(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    sched_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    sched_start(&vcpus[0]);
    vcpus[0].run.info.state = RUNSTATE_blocked;
    sched_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
    vcpus[0].run.info.state = RUNSTATE_running;
    sched_wake(&vcpus[0]);
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
    sched_wake(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_offline);
    sched_start(&vcpus[0]);
    assert_int_equal(state_of(0), RUNSTATE_runnable);
}

/*
 * ---- Turns.
 */

static unsigned rounds;

static void guest_yields(struct hv_vcpu *vcpu)
{
    for (unsigned i = 0; i < rounds; i++) {
        tell("%u ", vcpu->vcpu.id);
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

/* A turn is 10 ms long, and counts only while others want to run. */
static void guest_is_due(struct hv_vcpu *vcpu)
{
    assert_false(sched_is_due());
    now += 10 * MS - 1;
    assert_false(sched_is_due());
    now++;
    assert_int_equal(sched_is_due(), domain.domain.nr_vcpus > 1);
    if (domain.domain.nr_vcpus == 1)
        return;
    vcpus[!vcpu->vcpu.id].run.info.state = RUNSTATE_blocked;
    assert_false(sched_is_due());
    vcpus[!vcpu->vcpu.id].run.info.state = RUNSTATE_runnable;
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

static void wake_at_second_halt(void)
{
    assert_true(fake_cpu.interrupts); /* or nothing would ever end the halt */
    assert_false(sched_is_on_vcpu());
    now += 5 * MS;
    if (fake_cpu.halts == 2)
        sched_wake(&vcpus[0]);
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
    if (vcpu->vcpu.id == 1) {
        sched_block(vcpu);
        tell("woken ");
        return;
    }
    timers_due = true;
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
    if (vcpu->vcpu.id == 0)
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
    domain.domain.operations++;
    if (vcpu->vcpu.id == 1)
        domain.ended = true; /* while the other's operation has not begun yet, or is under way */
    for (unsigned i = 0; i < 2; i++)
        sched_yield();
    domain.domain.operations--;
    tell("done%u ", vcpu->vcpu.id);
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
    assert_int_equal(domain.domain.operations, 0);
    assert_non_null(strstr(told, "end "));
    assert_true(strstr(told, "end ") < strstr(told, "done"));
    assert_string_equal(told + strlen(told) - 3, "w- ");
}

static unsigned progress;

/* 1 waits for 2 to get on with its operation. */
static void guest_waits(struct hv_vcpu *vcpu)
{
    domain.domain.operations++;
    sched_yield();
    domain.ended = true;
    for (unsigned i = 0; i < 9 && progress < 5; i++) {
        progress += vcpu->vcpu.id == 2;
        sched_yield();
    }
    domain.domain.operations--;
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
    assert_int_equal(domain.domain.operations, 0);
}

static void test_end_without_operations(void **state)
{
    (void)state;
    make(1, WIDTH_64);
    domain.ended = true;
    start_all();
    run();
    assert_string_equal(told, "end w- ");
}

/* An operation of which nobody is left is a broken invariant, not a loop. */
static void test_end_stuck(void **state)
{
    jmp_buf here;

    (void)state;
    make(1, WIDTH_64);
    domain.ended = true;
    domain.domain.operations = 1;
    halted = &here;
    if (setjmp(here) == 0) {
        sched_run(&machine, &domain);
        fail();
    }
    halted = NULL;
}

/*
 * ---- Runstates.
 */

static void guest_takes_time(struct hv_vcpu *vcpu)
{
    (void)vcpu;
    now += 3 * MS;
    sched_yield();
    now += 4 * MS;
}

static void test_times(void **state)
{
    struct vcpu_runstate_info info;

    (void)state;
    make(1, WIDTH_64);
    guests[0] = guest_takes_time;
    now += MS;
    start_all();
    now += 2 * MS;
    info = sched_runstate(&vcpus[0]);
    assert_int_equal(info.state, RUNSTATE_runnable);
    assert_int_equal(info.time[RUNSTATE_offline], MS);
    assert_int_equal(info.time[RUNSTATE_runnable], 2 * MS);
    assert_int_equal(info.state_entry_time, now - 2 * MS); /* when, not until when it has been counted */
    assert_int_equal(vcpus[0].run.info.time[RUNSTATE_runnable], 0);
    run();
    info = sched_runstate(&vcpus[0]);
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
    if (domain.domain.width == WIDTH_64) {
        assert_int_equal(area_size, sizeof(info));
        assert_memory_equal(area, &info, sizeof(info));
    } else {
        memcpy(&compat, area, sizeof(compat));
        assert_int_equal(area_size, sizeof(compat));
        assert_int_equal(compat.state, RUNSTATE_running);
        assert_int_equal(compat.state_entry_time, info.state_entry_time);
        assert_memory_equal(compat.time, info.time, sizeof(info.time));
    }
    vcpu->vcpu.user_mode = true;
    sched_show_runstate(vcpu);
    vcpu->vcpu.user_mode = false;
    assert_int_equal(area_written, 1);
    area_is_gone = true;
    sched_show_runstate(vcpu);
    vcpu->run.area = 0;
    area_is_gone = false;
    sched_show_runstate(vcpu);
    assert_int_equal(area_written, 1);
}

/* Written when the vCPU gets the processor, in the layout of its width; not to user mode, nor where nothing is. */
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
        cmocka_unit_test(test_create),
        cmocka_unit_test(test_start),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_stop_blocked),
        cmocka_unit_test(test_switches),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_on_vcpu),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_timers_between_turns),
        cmocka_unit_test(test_stop_oneself),
        cmocka_unit_test(test_end_operations),
        cmocka_unit_test(test_end_in_turn),
        cmocka_unit_test(test_end_without_operations),
        cmocka_unit_test(test_end_stuck),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_area),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
