/* SPDX-License-Identifier: MIT */
/* What guests see of time, computed like a guest does it, and the vCPUs' timers. */
/* links: hv/domain/vcpu_time.c hv/time/timer.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/base/clock.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/vcpu_time.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>

__extension__ typedef unsigned __int128 uint128_t;

#define AREA UINT64_C(0x1000)

/*
 * ---- The rest of the hypervisor.
 */

struct cpu cpu_boot;
static struct hv_domain domain;
static struct hv_vcpu vcpus[2];
static struct vcpu *vcpu_table[2] = {&vcpus[0].engine, &vcpus[1].engine};
static _Alignas(4096) uint8_t shared[4096];
static struct vcpu_time_info area;
static bool area_mapped;
static unsigned virqs, wakes, ended;
static uint64_t interrupt_in;

/*
 * The clock stands still but for a nanosecond a reading, and goes on when the test says so.  The scale is that of a TSC
 * of 2 GHz, or of 500 MHz, exactly: half a nanosecond a tick, or two.
 */
static uint64_t now = 12345678;
static bool slow, constant;

uint64_t time_now(void)
{
    return ++now;
}

static uint64_t tsc_at(uint64_t when)
{
    return UINT64_C(0x123456789a) + (slow ? when / 2 : when * 2);
}

struct time_reading time_read(void)
{
    now += 2 - now % 2; /* even: no half a tick of the slow one */
    return (struct time_reading){tsc_at(now), now, {UINT32_C(0x80000000), slow ? 2 : 0}};
}

bool time_is_constant(void)
{
    return constant;
}

uint64_t time_ticks_in(uint64_t ns)
{
    return tsc_at(now + ns);
}

void apic_set_timer(uint64_t ns)
{
    interrupt_in = ns;
}

void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    assert_int_equal(virq, VIRQ_TIMER);
    virqs++;
}

void runstate_wake(struct hv_vcpu *vcpu)
{
    assert_ptr_equal(vcpu, &vcpus[0]);
    wakes++;
}

void shutdown_by_watchdog(struct hv_domain *which)
{
    assert_ptr_equal(which, &domain);
    ended = 100 + SHUTDOWN_watchdog;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu;
    if (!area_mapped)
        return false;
    assert_true(to.v >= AREA && to.v + size <= AREA + sizeof(area));
    if (to.v + size > AREA + offsetof(struct vcpu_time_info, tsc_timestamp))
        assert_true(to.v > AREA && area.version % 2); /* nobody takes the rest for something whole meanwhile */
    memcpy((uint8_t *)&area + (to.v - AREA), from, size);
    return true;
}

static int set_up(void **state)
{
    (void)state;
    memset(shared, 0, sizeof(shared));
    memset(vcpus, 0, sizeof(vcpus));
    memset(&area, 0xee, sizeof(area));
    domain = (struct hv_domain){.shared_info = shared};
    domain.engine.vcpus = vcpu_table;
    domain.engine.nr_vcpus = 2;
    for (unsigned i = 0; i < 2; i++) {
        vcpus[i].engine.domain = &domain.engine;
        vcpus[i].engine.id = i;
        vcpus[i].info = (struct vcpu_info *)shared + i;
        vcpu_time_create(&vcpus[i]);
    }
    virqs = wakes = ended = 0;
    slow = constant = false;
    area_mapped = true;
    cpu_boot.current = &vcpus[0];
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    vcpu_time_stop(&vcpus[0]);
    vcpu_time_stop(&vcpus[1]);
    return 0;
}

static void wait_until(uint64_t when)
{
    now = when > now ? when : now;
    timer_run();
}

/*
 * ---- What guests see.
 */

static uint64_t guest_time(const struct vcpu_time_info *info, uint64_t tsc)
{
    uint64_t delta = tsc - info->tsc_timestamp;

    delta = info->tsc_shift < 0 ? delta >> -info->tsc_shift : delta << info->tsc_shift;
    return info->system_time + (uint64_t)((uint128_t)delta * info->tsc_to_system_mul >> 32);
}

/* The clock that the guest makes of it runs as ours does, for a second and longer. */
static void check_guest_time(const struct vcpu_time_info *info)
{
    static const uint64_t later[] = {0, 1000, NS_PER_SECOND, 3600 * NS_PER_SECOND};

    assert_true(info->version % 2 == 0 && info->version > 0);
    for (unsigned i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
        uint64_t when = (now & ~UINT64_C(1)) + later[i];

        assert_int_equal(guest_time(info, tsc_at(when)), when);
    }
}

/* Shows time.system-time. */
static void test_info(void **state)
{
    const struct vcpu_time_info *info = &vcpus[0].info->time;
    uint32_t version = info->version;

    (void)state;
    check_guest_time(info);
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(info->version, version + 2);
    check_guest_time(info);
    vcpus[0].info->time.version = 12345; /* the guest's own fault, and nobody else's */
    slow = true;
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(info->version, version + 4);
    check_guest_time(info);
    assert_int_equal(vcpus[0].info->evtchn_upcall_pending, 0);
    assert_true(vcpus[0].info->arch.cr2 == 0);
}

/* Whether all processors' clocks agree, and go on at one rate, is promised to guests where it is so. */
static void test_flags(void **state)
{
    (void)state;
    assert_int_equal(vcpus[0].info->time.flags, 0);
    constant = true;
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(vcpus[0].info->time.flags, 1);
}

/* Once a second, whatever the guest does.  Shows time.refreshed. */
static void test_refresh(void **state)
{
    const struct vcpu_time_info *info = &vcpus[1].info->time;
    uint32_t version = info->version;

    (void)state;
    timer_run();
    assert_true(interrupt_in <= NS_PER_SECOND);
    assert_int_equal(info->version, version);
    for (unsigned i = 1; i < 4; i++) {
        wait_until(now + NS_PER_SECOND);
        assert_int_equal(info->version, version + 2 * i);
    }
    vcpu_time_stop(&vcpus[1]);
    wait_until(now + 2 * NS_PER_SECOND);
    assert_int_equal(info->version, version + 6);
}

/* Shows vcpu_op.time-area. */
static void test_area(void **state)
{
    (void)state;
    vcpus[0].time.area = AREA;
    vcpu_time_update(&vcpus[0]);
    check_guest_time(&area);
    assert_memory_equal(&area, &vcpus[0].info->time, sizeof(area));

    memset(&area, 0xee, sizeof(area));
    vcpus[0].engine.user_mode = true;
    vcpu_time_update(&vcpus[0]);
    vcpus[0].engine.user_mode = false;
    cpu_boot.current = &vcpus[1];
    vcpu_time_update(&vcpus[0]);
    cpu_boot.current = &vcpus[0];
    area_mapped = false;
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(area.version, 0xeeeeeeee);
}

/* Another processor, which has found no area, comes to its end. */
static void end_update(int signal)
{
    (void)signal;
    __atomic_store_n(&vcpus[0].time.is_updated, false, __ATOMIC_RELEASE);
}

/* An update elsewhere excuses others, but not the one for which the guest has named another place. */
static void test_move(void **state)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 1000}};
    uint32_t version = vcpus[0].info->time.version;

    (void)state;
    vcpus[0].time.is_updated = true;
    vcpu_time_update(&vcpus[0]);
    assert_int_equal(vcpus[0].info->time.version, version);
    vcpus[0].time.area = AREA;
    signal(SIGALRM, end_update);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    vcpu_time_move(&vcpus[0]);
    check_guest_time(&area);
    assert_int_equal(vcpus[0].info->time.version, version + 2);
    assert_false(vcpus[0].time.is_updated);
}

/* What the area has missed it gets when the vCPU comes to a processor in its kernel, and nothing is written before. */
static void test_arrival(void **state)
{
    uint32_t version;

    (void)state;
    vcpus[0].time.area = AREA;
    vcpu_time_update(&vcpus[0]);
    version = area.version;
    vcpu_time_arrive(&vcpus[0]);
    assert_int_equal(vcpus[0].info->time.version, version);
    cpu_boot.current = &vcpus[1];
    wait_until(now + NS_PER_SECOND);
    assert_int_equal(area.version, version);
    cpu_boot.current = &vcpus[0];
    vcpus[0].engine.user_mode = true;
    vcpu_time_arrive(&vcpus[0]);
    assert_int_equal(area.version, version);
    check_guest_time(&area);
    vcpus[0].engine.user_mode = false;
    vcpu_time_arrive(&vcpus[0]);
    assert_true(area.version > version);
    assert_memory_equal(&area, &vcpus[0].info->time, sizeof(area));
    version = area.version;
    vcpu_time_arrive(&vcpus[0]);
    assert_int_equal(vcpus[0].info->time.version, version);
    vcpus[1].engine.user_mode = true; /* who has no area misses nothing */
    wait_until(now + NS_PER_SECOND);
    vcpus[1].engine.user_mode = false;
    version = vcpus[1].info->time.version;
    vcpu_time_arrive(&vcpus[1]);
    assert_int_equal(vcpus[1].info->time.version, version);
}

/*
 * ---- Timers.
 */

/* Shows vcpu_op.singleshot, set_timer_op.past. */
static void test_singleshot(void **state)
{
    uint64_t begin = time_now();

    (void)state;
    vcpu_time_set_singleshot(&vcpus[0], begin);
    assert_int_equal(virqs, 1);
    vcpu_time_set_singleshot(&vcpus[0], begin + 1000000);
    assert_int_equal(virqs, 1);
    wait_until(begin + 1000000);
    assert_int_equal(virqs, 2);
    vcpu_time_set_singleshot(&vcpus[0], time_now() + 1000000);
    vcpu_time_set_singleshot(&vcpus[0], 1); /* replaces it */
    assert_int_equal(virqs, 3);
    assert_false(vcpus[0].time.singleshot.active);
    vcpu_time_set_singleshot(&vcpus[0], time_now() + NS_PER_SECOND);
    vcpu_time_stop_singleshot(&vcpus[0]);
    wait_until(now + 2 * NS_PER_SECOND);
    assert_int_equal(virqs, 3);
}

/* Shows vcpu_op.periodic. */
static void test_periodic(void **state)
{
    uint64_t begin;

    (void)state;
    vcpu_time_set_periodic(&vcpus[0], 1000000);
    begin = vcpus[0].time.periodic.deadline;
    wait_until(begin);
    assert_int_equal(virqs, 1);
    wait_until(begin + 5500000); /* late: once for all that was missed, and in step afterwards */
    assert_int_equal(virqs, 2);
    assert_true(vcpus[0].time.periodic.active);
    assert_true(vcpus[0].time.periodic.deadline == begin + 6000000);
    vcpu_time_set_periodic(&vcpus[0], 0);
    assert_false(vcpus[0].time.periodic.active);
}

static void test_poll_and_watchdogs(void **state)
{
    uint64_t begin = time_now();

    (void)state;
    vcpu_time_set_poll(&vcpus[0], begin + 1000);
    wait_until(begin + 1000);
    assert_int_equal(wakes, 1);
    wait_until(now + NS_PER_SECOND);
    assert_int_equal(wakes, 1);
    vcpu_time_set_poll(&vcpus[0], now + 1000);
    vcpu_time_stop_poll(&vcpus[0]);
    wait_until(now + NS_PER_SECOND);
    assert_int_equal(wakes, 1);
    vcpu_time_set_watchdog(&domain, 0, 3);
    vcpu_time_set_watchdog(&domain, 1, 1);
    assert_true(vcpu_time_has_watchdog(&domain, 0) && vcpu_time_has_watchdog(&domain, 1));
    vcpu_time_set_watchdog(&domain, 0, 0);
    assert_false(vcpu_time_has_watchdog(&domain, 0));
    wait_until(now + NS_PER_SECOND - 1000);
    assert_int_equal(ended, 0);
    wait_until(now + 1000);
    assert_int_equal(ended, 100 + 4);
    assert_false(vcpu_time_has_watchdog(&domain, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_info, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_flags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refresh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_area, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_arrival, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_singleshot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_periodic, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_poll_and_watchdogs, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
