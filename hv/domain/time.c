/* SPDX-License-Identifier: MIT */
/* In order: the clock; what a guest sees of it; the vCPUs' timers. */
#include <stddef.h>

#include <abi/sched.h>
#include <engine/access.h>
#include <hv/base/asm.h>
#include <hv/base/clock.h>
#include <hv/base/exit.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/time.h>
#include <hv/domain/vcpu.h>

#define REFRESH_NS NS_PER_SECOND

#define LEAF_EXTENDED      0x80000000u
#define LEAF_POWER         0x80000007u
#define POWER_EDX_CONSTANT (1u << 8) /* the TSC runs at one rate, always */

static uint64_t tsc_hz;
static uint64_t tsc_start;
static struct clock_scale scale;
static bool tsc_constant;

/*
 * ---- The clock.
 */

void time_init(void)
{
    tsc_hz = calibrate_tsc();
    if (tsc_hz < CLOCK_HZ_LEAST || tsc_hz > CLOCK_HZ_MOST)
        exit_unsupported("there is nothing to measure the processor's clock by: no interval timer (PIT) and no "
                         "real-time clock, and CPUID does not tell the TSC's frequency");
    scale = clock_scale_of(tsc_hz);
    tsc_constant = asm_cpuid(LEAF_EXTENDED, 0).eax >= LEAF_POWER && asm_cpuid(LEAF_POWER, 0).edx & POWER_EDX_CONSTANT;
    tsc_start = asm_read_tsc();
    print("clock: TSC of %lu kHz\n", time_tsc_khz());
    wallclock_init();
}

uint64_t time_now(void)
{
    return clock_ticks_to_ns(scale, asm_read_tsc() - tsc_start);
}

uint64_t time_to_ticks(uint64_t ns)
{
    return clock_ns_to_ticks(tsc_hz, ns);
}

uint64_t time_ticks_in(uint64_t ns)
{
    uint64_t ticks = time_to_ticks(ns), now = asm_read_tsc();

    return ticks < UINT64_MAX - now ? now + ticks : UINT64_MAX;
}

uint64_t time_tsc_khz(void)
{
    return tsc_hz / 1000;
}

/*
 * ---- What a guest sees of it.
 */

/*
 * A reader on another processor sees an odd version while the rest changes.  The place is aligned to 4 bytes only, in
 * the vcpu_info of 32-bit guests; the version that the guest may have written there does not matter.
 */
static void write_info(void *place, const struct vcpu_time_info *info)
{
    const size_t rest = offsetof(struct vcpu_time_info, tsc_timestamp);
    uint32_t *version = place;

    __atomic_store_n(version, info->version | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    memcpy((uint8_t *)place + rest, (const uint8_t *)info + rest, sizeof(*info) - rest);
    __atomic_store_n(version, info->version, __ATOMIC_RELEASE);
}

/* An address of the kernel's: it means something in its own tables only.  Where nothing is mapped, nothing happens. */
static void write_area(struct hv_vcpu *vcpu, struct vcpu_time_info *info)
{
    const uint32_t version = info->version;
    bool written;

    if (!vcpu->time.area || cpu_here()->current != vcpu || vcpu->vcpu.user_mode)
        return;
    info->version |= 1;
    written = access_write(&vcpu->vcpu, VADDR(vcpu->time.area), info, sizeof(*info)) &&
              access_write(&vcpu->vcpu, VADDR(vcpu->time.area), &version, sizeof(version));
    (void)written;
}

void time_update_vcpu(struct hv_vcpu *vcpu)
{
    uint64_t tsc = asm_read_tsc();
    struct vcpu_time_info info = {
        .version = vcpu->time.version + 2,
        .tsc_timestamp = tsc,
        .system_time = clock_ticks_to_ns(scale, tsc - tsc_start),
        .tsc_to_system_mul = scale.mul,
        .tsc_shift = scale.shift,
        .flags = tsc_constant ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
    };

    vcpu->time.version = info.version;
    write_info((uint8_t *)vcpu->info + offsetof(struct vcpu_info, time), &info);
    write_area(vcpu, &info);
}
_Static_assert(offsetof(struct vcpu_info, time) == offsetof(struct compat_vcpu_info, time), "time_update_vcpu()");

/*
 * ---- Timers.
 */

#define VCPU_OF(timer, member) ((struct hv_vcpu *)((uint8_t *)(timer)-offsetof(struct hv_vcpu, time.member)))

static void refresh(struct timer *timer)
{
    time_update_vcpu(VCPU_OF(timer, refresh));
    timer_set(timer, time_now() + REFRESH_NS);
}

static void singleshot_expire(struct timer *timer)
{
    event_raise_virq(VCPU_OF(timer, singleshot), VIRQ_TIMER);
}

/* Periods that were missed are left out. */
static void periodic_expire(struct timer *timer)
{
    struct hv_vcpu *vcpu = VCPU_OF(timer, periodic);
    uint64_t late = time_now() - timer->deadline;

    timer_set(timer, timer->deadline + (late / vcpu->time.period + 1) * vcpu->time.period);
    event_raise_virq(vcpu, VIRQ_TIMER);
}

static void poll_expire(struct timer *timer)
{
    sched_wake(VCPU_OF(timer, poll));
}

static void watchdog0_expire(struct timer *timer)
{
    domain_end_by_watchdog(vcpu_domain(VCPU_OF(timer, watchdogs[0])));
}

static void watchdog1_expire(struct timer *timer)
{
    domain_end_by_watchdog(vcpu_domain(VCPU_OF(timer, watchdogs[1])));
}

void time_create(struct hv_vcpu *vcpu)
{
    vcpu->time = (struct vcpu_time){
        .refresh.expire = refresh,
        .singleshot.expire = singleshot_expire,
        .periodic.expire = periodic_expire,
        .poll.expire = poll_expire,
        .watchdogs = {{.expire = watchdog0_expire}, {.expire = watchdog1_expire}},
    };
    time_update_vcpu(vcpu);
    timer_set(&vcpu->time.refresh, time_now() + REFRESH_NS);
}

void time_stop(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.refresh);
    timer_stop(&vcpu->time.singleshot);
    timer_stop(&vcpu->time.periodic);
    timer_stop(&vcpu->time.poll);
    for (unsigned i = 0; i < WATCHDOGS; i++)
        timer_stop(&vcpu->time.watchdogs[i]);
}

void time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline)
{
    if (deadline > time_now()) {
        timer_set(&vcpu->time.singleshot, deadline);
        return;
    }
    timer_stop(&vcpu->time.singleshot);
    event_raise_virq(vcpu, VIRQ_TIMER);
}

void time_stop_singleshot(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.singleshot);
}

void time_set_periodic(struct hv_vcpu *vcpu, uint64_t period)
{
    vcpu->time.period = period;
    if (period)
        timer_set(&vcpu->time.periodic, time_now() + period);
    else
        timer_stop(&vcpu->time.periodic);
}

void time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline)
{
    timer_set(&vcpu->time.poll, deadline);
}

void time_stop_poll(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.poll);
}

void time_set_watchdog(struct hv_domain *domain, unsigned id, uint32_t seconds)
{
    struct timer *timer = &vcpu_find(domain, 0)->time.watchdogs[id];

    if (seconds)
        timer_set(timer, time_now() + seconds * NS_PER_SECOND);
    else
        timer_stop(timer);
}

bool time_has_watchdog(const struct hv_domain *domain, unsigned id)
{
    return vcpu_find(domain, 0)->time.watchdogs[id].active;
}
