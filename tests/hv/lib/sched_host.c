/* SPDX-License-Identifier: MIT */
/* The domain and the machine around it: sched_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>
#include <cmocka.h>

#include <hv/domain/request.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu_time.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/time.h>
#include <tests/hv/lib/sched_host.h>

struct cpu cpu_boot;
struct machine machine;
struct hv_domain domain, other;
struct hv_vcpu vcpus[VCPUS];
void (*guests[VCPUS])(struct hv_vcpu *vcpu);

uint64_t now, period, turn_ends, area_written, kicked;
unsigned turns_ended, timers_run, arrivals, ticks, idles;
void (*on_timer)(void);
bool area_is_gone, refuses_selectors;
jmp_buf *halted;
char told[1024];
struct timer *turn;
uint8_t area[64];
size_t area_size;

static bool watched;
static unsigned created; /* of the vCPUs, by sched_create() */

/* The leak checker calls sched_yield(), which is not the C library's here; the scheduler allocates nothing. */
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

void tell(const char *format, ...)
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

void vcpu_time_set_periodic(struct hv_vcpu *vcpu, uint64_t ns)
{
    (void)vcpu;
    period = ns;
    ticks++;
}

void vcpu_time_arrive(struct hv_vcpu *vcpu)
{
    tell("t%u ", vcpu->engine.id);
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    turn = timer;
    turn->deadline = turn_ends = deadline;
    turn->active = true;
}

void hv_vcpu_give_way(void)
{
    cpu_boot.must_give_way = true;
}

void timer_stop(struct timer *timer)
{
    turns_ended++;
    timer->active = false;
    if (turn == timer)
        turn = NULL;
}

void timer_run(void)
{
    cpu_boot.timer_ticks = 0;
    timers_run++;
    if (on_timer)
        on_timer();
    else
        runstate_wake(&vcpus[1]);
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
    tell("s%u%s ", vcpu->engine.id, vcpu->run.arrives ? "-" : "");
}

void state_load(struct hv_vcpu *vcpu)
{
    tell("l%u ", vcpu->engine.id);
}

bool state_load_segments(const struct hv_vcpu *vcpu)
{
    uint64_t top = vcpu->run.stack, here = (uint64_t)__builtin_frame_address(0); /* the sanitizer moves variables */

    assert_ptr_equal(vcpu, cpu_here()->current);
    assert_true(vcpu->run.arrives);
    assert_in_range(here, top - FAKE_STACK_SIZE, top);
    arrivals++;
    return !refuses_selectors;
}

void bounce_failsafe(struct hv_vcpu *vcpu, const uint64_t selectors[4])
{
    assert_true(vcpu->run.arrives); /* what the processor does not have yet, a switch must not save */
    tell("f%u(%lx %lx %lx %lx) ", vcpu->engine.id, selectors[0], selectors[1], selectors[2], selectors[3]);
}

void hv_vcpu_switch(struct machine *which, struct hv_vcpu *vcpu)
{
    assert_ptr_equal(which, &machine);
    cpu_boot.current = vcpu;
    if (vcpu)
        tell("w%u ", vcpu->engine.id);
    else
        tell("w- ");
}

void domain_set_dying(struct domain *which)
{
    which->dying = true;
    tell(which == &domain.engine ? "end " : "other-end ");
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    assert_ptr_equal(vcpu, &cpu_boot.current->engine);
    assert_int_equal(to.v, AREA);
    assert_true(size <= sizeof(area));
    if (area_is_gone)
        return false;
    memcpy(area, from, size);
    area_size = size;
    area_written++;
    return true;
}

void lock_waits(void)
{
    fail();
}

/* There is nobody else who could ask for anything. */
void request_answer(void)
{
}

void cpu_kick(unsigned id)
{
    kicked |= UINT64_C(1) << id;
}

void request_idle_begin(void)
{
    assert_null(cpu_boot.current);
    idles++;
}

void request_idle_end(void)
{
}

void end_domain(struct hv_domain *which)
{
    which->ended = true;
    hv_vcpu_give_way();
}

void fake_stack_first(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    assert_true(watched);
    assert_int_equal(cpu_boot.nmi_ticks, 0); /* who gets the processor has all the time that the watchdog gives */
    assert_ptr_equal(frame, vcpu->frame);
    assert_ptr_equal(frame + 1, vcpu->run.stack);
    assert_ptr_equal(cpu_frame_owner(frame)->vcpu, vcpu);
    sched_arrive();
    guests[vcpu - vcpus](vcpu);
    end_domain(hv_vcpu_domain(vcpu));
    for (;;)
        sched_stop(vcpu);
}

void make(unsigned count, enum width width)
{
    if (lock_is_mine(&fair_lock))
        lock_drop(&fair_lock); /* a broken invariant has left it held */
    while (created > 0)
        sched_destroy(&vcpus[--created]);
    assert_null(sched_run(&machine)); /* nobody is left, and no work on the last one's end */
    fake_cpu_reset();
    fake_stacks = 0;
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(vcpus, 0, sizeof(vcpus));
    memset(guests, 0, sizeof(guests));
    memset(&domain, 0, sizeof(domain));
    memset(area, 0xee, sizeof(area));
    domain.weight = WEIGHT_DEFAULT;
    domain.engine = (struct domain){.machine = &machine, .width = width, .nr_vcpus = count, .vcpus = domain.vcpus};
    told[0] = '\0';
    now = 1000 * MS;
    turns_ended = timers_run = arrivals = ticks = 0;
    area_written = 0;
    area_is_gone = refuses_selectors = false;
    turn = NULL;
    on_timer = NULL;
    halted = NULL;
    for (unsigned i = 0; i < count; i++) {
        vcpus[i].engine = (struct vcpu){.domain = &domain.engine, .id = i};
        vcpus[i].window = 64 + i;
        domain.vcpus[i] = &vcpus[i].engine;
        assert_int_equal(sched_create(&vcpus[i]), 0);
        created++;
    }
}

void make_other(void)
{
    struct hv_vcpu *vcpu = &vcpus[2];

    assert_int_equal(created, 2);
    memset(&other, 0, sizeof(other));
    other.weight = WEIGHT_DEFAULT;
    other.engine = (struct domain){.machine = &machine, .width = WIDTH_64, .nr_vcpus = 1, .vcpus = other.vcpus};
    vcpu->engine = (struct vcpu){.domain = &other.engine};
    vcpu->window = 66;
    other.vcpus[0] = &vcpu->engine;
    assert_int_equal(sched_create(vcpu), 0);
    created++;
}

void start_all(void)
{
    for (unsigned i = 0; i < domain.engine.nr_vcpus; i++)
        sched_start(&vcpus[i]);
}

void run(void)
{
    assert_ptr_equal(sched_run(&machine), &domain);
    assert_false(watched || cpu_boot.in_vcpu);
    assert_null(cpu_boot.current);
}

int state_of(unsigned id)
{
    return vcpus[id].run.info.state;
}
