/* SPDX-License-Identifier: MIT */
/* The clock and the timers on the real machine, interrupts included. */
#include <hv/base/clock.h>
#include <hv/selftest.h>
#include <hv/selftest_expect.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

#define READINGS    100000u
#define DELAY_NS    UINT64_C(5000000)
#define PATIENCE_NS NS_PER_SECOND /* emulators are slow, and share their machine */

static struct probe {
    struct timer timer;
    unsigned expired, place; /* how often, and as which of all */
    uint64_t when;
} probes[3];

static unsigned nr_expired;

static void note(struct timer *timer)
{
    struct probe *probe = (struct probe *)timer;

    probe->expired++;
    probe->place = ++nr_expired;
    probe->when = time_now();
}

/* Let interrupts in until the first @count have expired. */
static void await(unsigned count)
{
    uint64_t end = time_now() + PATIENCE_NS;

    while (nr_expired < count && time_now() < end)
        __asm__ volatile("sti; nop; cli" : : : "memory");
}

static void check_clock(void)
{
    uint64_t begin = time_now(), last = begin;
    bool goes_back = false;

    for (unsigned i = 0; i < READINGS; i++) {
        uint64_t now = time_now();

        goes_back = goes_back || now < last;
        last = now;
    }
    EXPECT(!goes_back);
    EXPECT(last > begin);
}

static void check_delay(void)
{
    uint64_t begin = time_now();

    nr_expired = 0;
    timer_set(&probes[0].timer, begin + DELAY_NS);
    await(1);
    EXPECT(probes[0].expired == 1);
    EXPECT(probes[0].when - begin >= DELAY_NS);
}

static void check_past(void)
{
    nr_expired = 0;
    timer_set(&probes[0].timer, 0);
    EXPECT(nr_expired == 0);
    await(1);
    EXPECT(nr_expired == 1);
}

/* In the order of the deadlines, and not the one that was stopped. */
static void check_order(void)
{
    uint64_t begin = time_now();

    nr_expired = 0;
    timer_set(&probes[0].timer, begin + 2 * DELAY_NS);
    timer_set(&probes[1].timer, begin + DELAY_NS);
    timer_set(&probes[2].timer, begin + DELAY_NS / 2);
    timer_stop(&probes[2].timer);
    await(2);
    EXPECT(probes[1].place == 1 && probes[0].place == 2 && probes[2].expired == 0);
}

void selftest_time(void)
{
    for (unsigned i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
        probes[i] = (struct probe){.timer.expire = note};
    check_clock();
    check_delay();
    check_past();
    check_order();
}
