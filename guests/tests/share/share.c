/* SPDX-License-Identifier: MIT */
/*
 * What a guest gets of the processor beside others, while all of them want it: from BEGIN on, for LENGTH.
 *
 *   share=PERCENT    use all of it, and expect so much, give or take a twentieth of that
 *   nap=1            sleep and wake a hundred times a second, and expect to run within a millisecond, or late=MS, until
 *                    the others have been measured, or until=SECONDS
 *
 * Without a word: share=100, for a guest that is alone.
 */
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define MS     UINT64_C(1000000)
#define BEGIN  (20000 * MS) /* all have started by then */
#define LENGTH (2000 * MS)
#define END    (BEGIN + LENGTH + 1000 * MS) /* nobody ends before all have measured: that keeps the others waiting */
#define NAP    (10 * MS)
#define LATE   1 /* ms */

static uint64_t time_running(void)
{
    struct vcpu_runstate_info info;

    test_need((int)hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, &info), "VCPUOP_get_runstate_info");
    return info.time[RUNSTATE_running];
}

static void burn(unsigned percent)
{
    uint64_t began, ended, ran, share, wanted = (uint64_t)percent * 100;

    (void)time_sleep_until(BEGIN);
    began = time_now();
    ran = time_running();
    while ((ended = time_now()) < BEGIN + LENGTH)
        continue;
    share = (time_running() - ran) * 10000 / (ended - began);
    (void)time_sleep_until(END);
    test_note("share_error=%" PRIu64, (share > wanted ? share - wanted : wanted - share) * 1000 / wanted);
    test_check(share * 20 >= wanted * 19 && share * 20 <= wanted * 21, "the share of its weight",
               "%" PRIu64 " hundredths of a percent instead of %" PRIu64, share, wanted);
}

static void nap(void)
{
    const uint64_t until = guest_option("until", (BEGIN + LENGTH) / (1000 * MS)) * 1000 * MS;
    uint64_t latest = 0;

    /* At first all are equal, having slept. */
    for (uint64_t at = BEGIN + LENGTH / 4; at < until; at += NAP) {
        uint64_t late = time_sleep_until(at);

        if (late > latest)
            latest = late;
    }
    (void)time_sleep_until(END);
    test_note("wake_us=%" PRIu64, latest / 1000);
    test_check(latest < guest_option("late", LATE) * MS, "awake in time", "%" PRIu64 " ns late", latest);
}

void test_main(void)
{
    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    if (guest_option("nap", 0))
        nap();
    else
        burn((unsigned)guest_option("share", 100));
}
