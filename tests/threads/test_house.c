/* SPDX-License-Identifier: MIT */
/*
 * What several processors do in the house: hypercalls and the events that they send, while the guest takes those as it
 * likes; timers of everybody's, and of one processor alone.
 */
/* links: hv/cpu/lock.c hv/call/hypercall.c hv/domain/event_2level.c hv/time/timer.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <engine/port.h>
#include <hv/call/calls.h>
#include <hv/cpu/house.h>
#include <hv/domain/event_2level.h>
#include <hv/domain/vcpu.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>
#include <tests/threads/lib/processors.h>

#define PROCESSORS 4u
#define TURNS      4000u
#define PORTS      128u

static struct shared_info shared;
static struct hv_domain domain = {.shared_info = &shared};
static struct hv_vcpu vcpus[PROCESSORS]; /* one that runs on each processor */

/* The house's, as ordinary memory. */
static unsigned long sent[PORTS], told, calls;
static unsigned long taken[PORTS]; /* by the guest */
static unsigned senders;

/*
 * ---- Hypercalls.
 */

#define CALL(name)                                                    \
    int64_t call_##name(struct hv_vcpu *vcpu, const uint64_t args[6]) \
    {                                                                 \
        (void)vcpu;                                                   \
        (void)args;                                                   \
        calls++;                                                      \
        return 0;                                                     \
    }
CALL(sched_op_compat)
CALL(platform_op)
CALL(memory_op)
CALL(set_timer_op)
CALL(event_channel_op_compat)
CALL(console_io)
CALL(physdev_op_compat)
CALL(vm_assist)
CALL(vcpu_op)
CALL(sched_op)
CALL(physdev_op)

/* Of the caller's own: its frame is what it counts in. */
#define OWN_CALL(name)                                                \
    int64_t call_##name(struct hv_vcpu *vcpu, const uint64_t args[6]) \
    {                                                                 \
        (void)args;                                                   \
        vcpu->bounce.kernel_sp++;                                     \
        return 0;                                                     \
    }
OWN_CALL(stack_switch)
OWN_CALL(set_callbacks)
OWN_CALL(fpu_taskswitch)
OWN_CALL(set_debugreg)
OWN_CALL(get_debugreg)
OWN_CALL(xen_version)
OWN_CALL(iret)
OWN_CALL(set_segment_base)
OWN_CALL(nmi_op)
OWN_CALL(callback_op)

/* An event for port args[0], to the first vCPU. */
int64_t call_event_channel_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    (void)vcpu;
    if (event_2level_set_pending(&domain, (uint32_t)args[0]))
        return 0;
    sent[args[0]]++;
    told += event_2level_select(&vcpus[0], (uint32_t)args[0]);
    return 0;
}

static void create(void)
{
    domain.engine.width = WIDTH_64;
    for (unsigned i = 0; i < PROCESSORS; i++) {
        vcpus[i].engine.domain = &domain.engine;
        vcpus[i].info = &shared.vcpu_info[i];
    }
}

static void call_anything(unsigned id)
{
    for (unsigned i = 0; i < TURNS; i++) {
        unsigned number = (unsigned)random_below(48);

        if (number != __HYPERVISOR_event_channel_op)
            (void)port_hypercall(&vcpus[id].engine, number, (const uint64_t[6]){0});
    }
}

static void test_calls(void **state)
{
    unsigned long own = 0;

    (void)state;
    create();
    processors_run(PROCESSORS, call_anything);
    for (unsigned i = 0; i < PROCESSORS; i++)
        own += vcpus[i].bounce.kernel_sp;
    assert_true(calls > 0 && own > 0);
    assert_true(domain.unknown_calls > 0);
    assert_true(calls + own + domain.unknown_calls <= PROCESSORS * TURNS);
}

static void take_events(void)
{
    uint64_t selectors = __atomic_exchange_n(&shared.vcpu_info[0].evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

    for (; selectors; selectors &= selectors - 1) {
        unsigned word = (unsigned)__builtin_ctzll(selectors);
        uint64_t pending = __atomic_exchange_n(&shared.evtchn_pending[word], 0, __ATOMIC_SEQ_CST);

        for (; pending; pending &= pending - 1)
            taken[word * 64 + (unsigned)__builtin_ctzll(pending)]++;
    }
}

/* The guest is processor 0, which only takes; the others send. */
static void send_or_take(unsigned id)
{
    if (id == 0) {
        while (__atomic_load_n(&senders, __ATOMIC_ACQUIRE) > 0) {
            take_events();
            processor_pause();
        }
        take_events();
        return;
    }
    for (unsigned i = 0; i < TURNS; i++) {
        const uint64_t args[6] = {random_below(PORTS)};

        (void)port_hypercall(&vcpus[id].engine, __HYPERVISOR_event_channel_op, args);
    }
    __atomic_sub_fetch(&senders, 1, __ATOMIC_RELEASE);
}

/* What was sent has been taken, as often as it was. */
static void test_events(void **state)
{
    (void)state;
    create();
    senders = PROCESSORS - 1;
    processors_run(PROCESSORS, send_or_take);
    for (unsigned port = 0; port < PORTS; port++)
        assert_int_equal(taken[port], sent[port]);
    assert_true(told > 0);
}

/*
 * ---- Timers.
 */

static uint64_t now;

uint64_t time_now(void)
{
    return __atomic_add_fetch(&now, 1, __ATOMIC_RELAXED);
}

uint64_t time_ticks_in(uint64_t ns)
{
    return ns;
}

void apic_set_timer(uint64_t ns)
{
    (void)ns;
}

#define SHARED_TIMERS 8u

static struct timer shared_timers[SHARED_TIMERS], turns[PROCESSORS];
static unsigned long expired, own_expired[PROCESSORS]; /* the former is the house's */

static void expire_shared(struct timer *timer)
{
    if (timer->active || !house_is_mine())
        abort();
    expired++;
}

static void expire_own(struct timer *timer)
{
    own_expired[timer - turns]++;
}

static void use_timers(unsigned id)
{
    for (unsigned i = 0; i < TURNS; i++) {
        struct timer *timer = &shared_timers[random_below(SHARED_TIMERS)];

        house_enter();
        if (random_below(3))
            timer_set(timer, time_now() + random_below(100));
        else
            timer_stop(timer);
        house_leave();
        timer_set(&turns[id], time_now() + random_below(20));
        if (random_below(2))
            timer_run();
        if (random_below(4) == 0)
            timer_stop(&turns[id]);
    }
}

static void stop_timers(unsigned id)
{
    timer_stop(&turns[id]);
    house_enter();
    for (unsigned i = 0; i < SHARED_TIMERS; i++)
        timer_stop(&shared_timers[i]);
    house_leave();
    timer_run();
}

static void test_timers(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHARED_TIMERS; i++)
        shared_timers[i].expire = expire_shared;
    for (unsigned i = 0; i < PROCESSORS; i++)
        turns[i].expire = expire_own;
    processors_run(PROCESSORS, use_timers);
    processors_run(PROCESSORS, stop_timers);
    assert_true(expired > 0);
    for (unsigned i = 0; i < PROCESSORS; i++)
        assert_true(own_expired[i] > 0 && !turns[i].active);
    for (unsigned i = 0; i < SHARED_TIMERS; i++)
        assert_false(shared_timers[i].active);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_timers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
