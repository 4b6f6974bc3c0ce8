/* SPDX-License-Identifier: MIT */
/*
 * The clock: never back, at a plausible rate, refreshed while the guest only looks; the time of day; copies elsewhere.
 */
#include <abi/errno.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define SECOND UINT64_C(1000000000)

static void monotonic(void)
{
    uint64_t begin = time_now(), last = begin, backward = 0;

    for (unsigned i = 0; i < 200000; i++) {
        uint64_t now = time_now();

        backward += now < last;
        last = now;
        if (i % 64 == 0)
            (void)hypercall_xen_version(0, NULL);
    }
    test_equal("system time never steps back", backward, 0);
    test_check(last > begin, "system time advances", "it stands at %" PRIu64, last);
}

static void watch(const struct vcpu_time_info *time)
{
    uint32_t version = READ_ONCE(time->version);
    uint64_t begin = time_from(time), last = begin, backward = 0;

    while (READ_ONCE(time->version) == version && last < begin + 10 * SECOND) {
        uint64_t now = time_from(time);

        backward += now < last;
        last = now;
    }
    test_check(READ_ONCE(time->version) != version, "the version changes while the guest spins",
               "not in %" PRIu64 " ms", (last - begin) / 1000000);
    test_equal("no step back at the refresh", backward, 0);
    test_note("after %" PRIu64 " ms", (last - begin) / 1000000);
}

/*
 * A guest that computes the rate of the TSC waits for the version to change, and does nothing else.  Shows
 * time.refreshed.
 */
static void refreshed(void)
{
    watch(&guest.vcpu->time);
}

/* Shows time.system-time. */
static void rate(void)
{
    const struct vcpu_time_info *time = &guest.vcpu->time;
    uint64_t tsc = rdtsc(), begin = time_now(), ticks, passed;

    while (time_now() < begin + SECOND / 5)
        cpu_relax();
    passed = time_now() - begin;
    ticks = rdtsc() - tsc;
    test_check(time->tsc_to_system_mul >= 0x80000000, "the multiplier is normalised", "%x", time->tsc_to_system_mul);
    test_check(ticks / (passed / 1000000) > 1000, "the TSC runs at more than a megahertz",
               "%" PRIu64 " ticks in %" PRIu64 " ns", ticks, passed);
    test_equal("the version is even", time->version & 1, 0);
}

/* Shows time.wallclock. */
static void wallclock(void)
{
    uint64_t day = (time_wallclock() + time_now()) / SECOND;

    test_check(day > 1700000000 && day < 4000000000, "the time of day is in this century", "%" PRIu64 " s since 1970",
               day);
    test_equal("the version is even", guest.shared->wc_version & 1, 0);
    test_check(guest.shared->wc_nsec < SECOND, "nanoseconds are below a second", "%u", guest.shared->wc_nsec);
}

static void copies(void)
{
    static struct vcpu_time_info copy __attribute__((aligned(64)));
    static struct vcpu_runstate_info runstate __attribute__((aligned(64)));
    struct vcpu_register_time_memory_area where = {.addr.v = arg_of(&copy)};
    struct vcpu_register_runstate_memory_area runstate_at = {.addr.v = arg_of(&runstate)};
    struct vcpu_runstate_info once;
    uint64_t there, here;

    test_result("register_runstate_memory_area",
                hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &runstate_at), 0);
    time_sleep(20000000);
    test_equal("runstate: running", (uint64_t)runstate.state, RUNSTATE_running);
    test_check(runstate.time[RUNSTATE_blocked] >= 10000000, "runstate: it slept", "%" PRIu64 " ns blocked",
               runstate.time[RUNSTATE_blocked]);
    test_result("get_runstate_info", hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &once), 0);
    test_check(once.time[RUNSTATE_blocked] >= runstate.time[RUNSTATE_blocked], "it is no older than the area", "older");
    test_check(once.time[0] + once.time[1] + once.time[2] + once.time[3] <= time_now(), "the times add up",
               "to more than there was");
    event_disable();
    test_result("register_vcpu_time_memory_area", hypercall_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &where),
                0);
    here = time_now();
    there = time_from(&copy);
    test_check(there >= here && there < here + SECOND, "the copy tells the same time", "%" PRIu64 " and %" PRIu64,
               there, here);
    test_equal("the copy promises the same", copy.flags, guest.vcpu->time.flags);
    watch(&copy);
    where.addr.v = (uintptr_t)(HYPERVISOR_VIRT_END - PAGE_SIZE);
    test_result("an area of the hypervisor's", hypercall_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &where),
                -XEN_EFAULT);
}

void test_main(void)
{
    test_need(timer_init(event_only_wakes), "timer");
    monotonic();
    rate();
    refreshed();
    wallclock();
    copies();
}
