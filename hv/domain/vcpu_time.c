/* SPDX-License-Identifier: MIT */
/* In order: what a guest sees of the clock; the vCPUs' timers. */
#include <stddef.h>

#include <abi/sched.h>
#include <engine/access.h>
#include <hv/base/clock.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/runstate.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define REFRESH_NS NS_PER_SECOND

/*
 * ---- What a guest sees of the clock.
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

/*
 * An address of the kernel's: it means something in its own tables only.  Where nothing is mapped, nothing happens.
 * Programs read there at the same time, on other processors: the version goes before and behind the rest, each by
 * itself, because a processor may write the words of one copy in any order (Intel SDM volume 3, 9.2.4).
 */
static void write_area(struct hv_vcpu *vcpu, const struct vcpu_time_info *info)
{
    const size_t rest = offsetof(struct vcpu_time_info, tsc_timestamp);
    struct vcpu_time_info changing = *info;
    uint64_t at = vcpu->time.area;
    bool is_away = cpu_here()->current != vcpu || vcpu->engine.user_mode, written;

    __atomic_store_n(&vcpu->time.is_behind, at && is_away, __ATOMIC_RELAXED);
    if (!at || is_away)
        return;
    changing.version |= 1;
    written = access_write(&vcpu->engine, VADDR(at), &changing, rest) &&
              access_write(&vcpu->engine, VADDR(at + rest), &info->tsc_timestamp, sizeof(*info) - rest) &&
              access_write(&vcpu->engine, VADDR(at), info, rest);
    (void)written;
}

static void update(struct hv_vcpu *vcpu)
{
    struct time_reading reading = time_read();
    struct vcpu_time_info info = {
        .version = vcpu->time.version + 2,
        .tsc_timestamp = reading.tsc,
        .system_time = reading.now,
        .tsc_to_system_mul = reading.scale.mul,
        .tsc_shift = reading.scale.shift,
        .flags = time_is_constant() ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
    };

    vcpu->time.version = info.version;
    write_info((uint8_t *)vcpu->info + offsetof(struct vcpu_info, time), &info);
    write_area(vcpu, &info);
}

/* False: another processor is at it. */
static bool try_update(struct hv_vcpu *vcpu)
{
    if (__atomic_exchange_n(&vcpu->time.is_updated, true, __ATOMIC_ACQUIRE))
        return false;
    update(vcpu);
    __atomic_store_n(&vcpu->time.is_updated, false, __ATOMIC_RELEASE);
    return true;
}

/* Who comes while another processor is at it leaves it to that one, whose reading is as good. */
void vcpu_time_update(struct hv_vcpu *vcpu)
{
    (void)try_update(vcpu);
}
_Static_assert(offsetof(struct vcpu_info, time) == offsetof(struct compat_vcpu_info, time), "vcpu_time_update()");

/* That one waits for nobody. */
void vcpu_time_move(struct hv_vcpu *vcpu)
{
    while (!try_update(vcpu))
        __builtin_ia32_pause();
}

/* All processors have one clock, and all readings one scale: an old one tells the same time as a new one. */
void vcpu_time_arrive(struct hv_vcpu *vcpu)
{
    if (__atomic_load_n(&vcpu->time.is_behind, __ATOMIC_RELAXED) && !vcpu->engine.user_mode)
        vcpu_time_update(vcpu);
}

/*
 * ---- Timers.
 */

#define VCPU_OF(timer, member) ((struct hv_vcpu *)((uint8_t *)(timer)-offsetof(struct hv_vcpu, time.member)))

static void refresh(struct timer *timer)
{
    vcpu_time_update(VCPU_OF(timer, refresh));
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
    runstate_wake(VCPU_OF(timer, poll));
}

static void watchdog0_expire(struct timer *timer)
{
    shutdown_by_watchdog(hv_vcpu_domain(VCPU_OF(timer, watchdogs[0])));
}

static void watchdog1_expire(struct timer *timer)
{
    shutdown_by_watchdog(hv_vcpu_domain(VCPU_OF(timer, watchdogs[1])));
}

void vcpu_time_create(struct hv_vcpu *vcpu)
{
    vcpu->time = (struct vcpu_time){
        .refresh.expire = refresh,
        .singleshot.expire = singleshot_expire,
        .periodic.expire = periodic_expire,
        .poll.expire = poll_expire,
        .watchdogs = {{.expire = watchdog0_expire}, {.expire = watchdog1_expire}},
    };
    vcpu_time_update(vcpu);
    timer_set(&vcpu->time.refresh, time_now() + REFRESH_NS);
}

void vcpu_time_stop(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.refresh);
    timer_stop(&vcpu->time.singleshot);
    timer_stop(&vcpu->time.periodic);
    timer_stop(&vcpu->time.poll);
    for (unsigned i = 0; i < WATCHDOGS; i++)
        timer_stop(&vcpu->time.watchdogs[i]);
}

void vcpu_time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline)
{
    if (deadline > time_now()) {
        timer_set(&vcpu->time.singleshot, deadline);
        return;
    }
    timer_stop(&vcpu->time.singleshot);
    event_raise_virq(vcpu, VIRQ_TIMER);
}

void vcpu_time_stop_singleshot(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.singleshot);
}

void vcpu_time_set_periodic(struct hv_vcpu *vcpu, uint64_t period)
{
    vcpu->time.period = period;
    if (period)
        timer_set(&vcpu->time.periodic, time_now() + period);
    else
        timer_stop(&vcpu->time.periodic);
}

void vcpu_time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline)
{
    timer_set(&vcpu->time.poll, deadline);
}

void vcpu_time_stop_poll(struct hv_vcpu *vcpu)
{
    timer_stop(&vcpu->time.poll);
}

void vcpu_time_set_watchdog(struct hv_domain *domain, unsigned id, uint32_t seconds)
{
    struct timer *timer = &hv_vcpu_find(domain, 0)->time.watchdogs[id];

    if (seconds)
        timer_set(timer, time_now() + seconds * NS_PER_SECOND);
    else
        timer_stop(timer);
}

bool vcpu_time_has_watchdog(const struct hv_domain *domain, unsigned id)
{
    return hv_vcpu_find(domain, 0)->time.watchdogs[id].active;
}
