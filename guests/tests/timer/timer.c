/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand timer interrupts while the guest is busy: each comes once, none early, none is lost.
 */
#include <abi/errno.h>
#include <abi/vcpu.h>
#include <guest/errno.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define TICKS    10000u
#define MS       UINT64_C(1000000)
#define PERIOD   (MS / 20)
#define PATIENCE (3000 * MS)

static volatile unsigned ticks;
static unsigned early, refused;
static uint64_t deadline;

static void set_next(void)
{
    deadline = time_now() + PERIOD;
    if (timer_set(deadline))
        refused++;
}

static void tick(evtchn_port_t port)
{
    (void)port;
    if (time_now() < deadline)
        early++;
    ticks++;
    if (ticks < TICKS)
        set_next();
}

static void count(evtchn_port_t port)
{
    (void)port;
    ticks++;
}

/* Work of several kinds: calls, updates, faults into the hypervisor, computing. */
static void work(uint64_t *page, unsigned turn)
{
    uintptr_t cr3;

    switch (turn % 4) {
    case 0:
        (void)hypercall_xen_version(0, NULL);
        break;
    case 1:
        if (turn & 4 ? table_set_writable(page) : table_set_readonly(page))
            refused++;
        break;
    case 2:
        __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
        break;
    default:
        for (unsigned i = 0; i < 200; i++)
            cpu_relax();
        break;
    }
}

/* Wait, with events on, until there were @count ticks; false if they stop coming. */
static bool wait_for(unsigned count)
{
    uint64_t last = time_now();
    unsigned seen = ticks;

    while (ticks < count) {
        if (ticks != seen) {
            seen = ticks;
            last = time_now();
        }
        if (time_now() > last + PATIENCE)
            return false;
        cpu_relax();
    }
    return true;
}

static void under_load(void)
{
    uint64_t *page = page_alloc();
    uint64_t last = time_now();
    unsigned seen = 0;

    event_enable();
    set_next();
    for (unsigned turn = 0; ticks < TICKS; turn++) {
        work(page, turn);
        if (ticks != seen) {
            seen = ticks;
            last = time_now();
        } else if (time_now() > last + PATIENCE) {
            break;
        }
    }
    test_check(ticks == TICKS, "under load, none lost", "the interrupts stopped after %u of %u", ticks, TICKS);
    test_equal("none early", early, 0);
    test_equal("nothing refused", refused, 0);
}

/* With VCPU_SSHOTTMR_future: an error and no interrupt, or, as Xen has it, the interrupt at once. */
static void refuse_past(void)
{
    struct vcpu_set_singleshot_timer past = {.timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future};
    unsigned before = ticks;
    long result = hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 0, &past);

    if (result) {
        test_result("a time that has passed, with VCPU_SSHOTTMR_future", result, -XEN_ETIME);
        test_equal("it does not fire", ticks, before);
    } else {
        test_check(wait_for(before + 1), "a time that has passed, with VCPU_SSHOTTMR_future", "0, but no interrupt");
        ticks = before;
    }
}

/* What the timer calls say, and that each way to set a timer raises the interrupt.  Shows vcpu_op.singleshot. */
static void single(void)
{
    struct vcpu_set_singleshot_timer past = {.timeout_abs_ns = 1};
    struct vcpu_set_periodic_timer periodic = {.period_ns = 10 * MS};
    uint64_t begin;

    event_set_handler(timer_port(), count);
    ticks = 0;
    test_result("a time that has passed", timer_set(1), 0);
    test_check(wait_for(1), "it fires at once", "no interrupt");
    refuse_past();
    test_result("a timer of a vCPU that does not exist", hypercall_vcpu_op(VCPUOP_set_singleshot_timer, 4000, &past),
                -XEN_ENOENT);
    test_result("set_timer_op", hypercall_set_timer_op(time_now() + MS), 0);
    test_check(wait_for(2), "set_timer_op fires", "no interrupt");
    test_result("set_timer_op, passed", hypercall_set_timer_op(1), 0);
    test_check(wait_for(3), "set_timer_op fires at once", "no interrupt");
    begin = time_now();
    test_result("set_timer_op, negative", hypercall_set_timer_op(UINT64_C(1) << 63), 0);
    test_check(wait_for(4) && time_now() - begin >= 50 * MS, "it fires after 100 ms", "after %" PRIu64 " us",
               (time_now() - begin) / 1000);
    test_need(timer_set(time_now() + 5 * MS), "timer");
    test_result("stop_singleshot", timer_stop(), 0);
    begin = time_now();
    while (time_now() < begin + 20 * MS)
        cpu_relax();
    test_equal("a stopped timer does not fire", ticks, 4);
    test_result("set_periodic_timer", hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic), 0);
    test_check(wait_for(9), "it fires again and again", "%u times", ticks - 4);
    test_result("stop_periodic_timer", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    periodic.period_ns = 1000;
    test_result("a period below a millisecond", hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &periodic),
                -XEN_EINVAL);
    event_disable();
}

/* Shows set_timer_op.same-timer. */
static void sleeping(void)
{
    uint64_t begin = time_now(), passed;

    time_sleep(30 * MS);
    passed = time_now() - begin;
    test_check(passed >= 30 * MS && passed < 2000 * MS, "asleep in SCHEDOP_block", "%" PRIu64 " us", passed / 1000);
    event_disable();
}

static void polling(void)
{
    evtchn_port_t port = timer_port();
    struct sched_poll poll = {.ports = arg_of(&port), .nr_ports = 1, .timeout = time_now() + 20 * MS};
    uint64_t begin = time_now();

    event_mask(port);
    test_result("poll, nothing comes", hypercall_sched_op(SCHEDOP_poll, &poll), 0);
    test_check(time_now() - begin >= 20 * MS, "it lasts until its time", "%" PRIu64 " us", (time_now() - begin) / 1000);
    test_need(timer_set(time_now() + 5 * MS), "timer");
    poll.timeout = time_now() + 3000 * MS;
    test_result("poll, the timer comes", hypercall_sched_op(SCHEDOP_poll, &poll), 0);
    test_check(event_pending(port) && time_now() < poll.timeout, "it ends by the event", "after its time");
    poll.nr_ports = 129;
    test_result("poll of 129 ports", hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.nr_ports = 1;
    port = EVTCHN_2L_NR_CHANNELS + 1000000;
    test_result("poll of a port out of range", hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
}

static unsigned firsts;

static void first_tick(evtchn_port_t port)
{
    (void)port;
    firsts++;
}

/* A vCPU comes with a tick of 10 ms, until timer_init() stops it.  Shows vcpu_op.periodic. */
static void from_the_start(void)
{
    uint64_t begin = time_now();
    evtchn_port_t port;

    test_need(event_bind_virq(VIRQ_TIMER, first_tick, &port), "bind VIRQ_TIMER");
    event_enable();
    while (firsts < 5 && time_now() < begin + 3000 * MS)
        cpu_relax();
    event_disable();
    test_check(firsts >= 5 && time_now() - begin >= 40 * MS, "a new vCPU ticks every 10 ms",
               "%u times in %" PRIu64 " us", firsts, (time_now() - begin) / 1000);
    test_need(event_close(port), "close the port");
}

void test_main(void)
{
    from_the_start();
    test_need(timer_init(tick), "bind VIRQ_TIMER");
    under_load();
    single();
    sleeping();
    polling();
}
