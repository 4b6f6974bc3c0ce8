/* SPDX-License-Identifier: MIT */
/* The time of day: what it was when time_now() was 0. */
#include <abi/errno.h>
#include <hv/base/clock.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/domain/wallclock.h>
#include <hv/time/rtc.h>
#include <hv/time/time.h>

static uint64_t start_seconds; /* since 1970 UTC */
static uint32_t start_nanoseconds;
static uint32_t version; /* of the last update of any domain */

void wallclock_init(void)
{
    uint64_t seconds;

    if (!rtc_read(&seconds)) {
        print("clock: no time of day; guests start in 1970\n");
        return;
    }
    if (wallclock_set(seconds, 0, time_now()))
        print("clock: the time of day is not usable\n");
}

int wallclock_set(uint64_t seconds, uint64_t nanoseconds, uint64_t at)
{
    uint64_t before = at % NS_PER_SECOND;
    bool borrow = nanoseconds < before;

    if (nanoseconds >= NS_PER_SECOND)
        return -XEN_EINVAL;
    start_nanoseconds = (uint32_t)(nanoseconds + (borrow ? NS_PER_SECOND : 0) - before);
    start_seconds = seconds - at / NS_PER_SECOND - (borrow ? 1 : 0);
    return 0;
}

struct wallclock_place {
    uint32_t *version, *seconds, *nanoseconds, *seconds_high;
};

static struct wallclock_place find_place(const struct hv_domain *domain)
{
    if (hv_domain_is_64bit(domain)) {
        struct shared_info *shared = domain->shared_info;

        return (struct wallclock_place){&shared->wc_version, &shared->wc_sec, &shared->wc_nsec, &shared->wc_sec_hi};
    } else {
        struct compat_shared_info *shared = domain->shared_info;

        return (struct wallclock_place){&shared->wc_version, &shared->wc_sec, &shared->wc_nsec,
                                        &shared->arch.wc_sec_hi};
    }
}

void wallclock_update(struct hv_domain *domain)
{
    struct wallclock_place place = find_place(domain);

    version += 2;
    __atomic_store_n(place.version, version | 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(place.seconds, (uint32_t)start_seconds, __ATOMIC_RELAXED);
    __atomic_store_n(place.seconds_high, (uint32_t)(start_seconds >> 32), __ATOMIC_RELAXED);
    __atomic_store_n(place.nanoseconds, start_nanoseconds, __ATOMIC_RELAXED);
    __atomic_store_n(place.version, version, __ATOMIC_RELEASE);
}
