/* SPDX-License-Identifier: MIT */
/*
 * How much more work is done where two processors do it.  The machine's clock is cut into slices: in even ones the
 * first worker works alone, in odd ones all do, so that what disturbs a measurement disturbs both.  Workers are the
 * vCPUs of this guest; or there is one in each of two guests, which see the same clock.
 *
 *   shared=1        the work of work_shared(); otherwise that of work_separate()
 *   beside=1        the worker of this guest is not the first
 *   from=N slices=N slice=N   from which second of system time on, how many, and how long: ms
 *
 * Prints a line "slice NUMBER PORTIONS CALLS" for each, with what all workers here have done, and how much of the time
 * they were in calls, of a thousand.  And a line "portion ALONE TOGETHER": what the median one takes the first vCPU in
 * ticks of the TSC, 0 where it has done none.  Half of them take no longer, so that this leaves out what the host did
 * to some: the work of two would be 2 * ALONE / TOGETHER times that of one if all were like it.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/time.h>
#include <guest/vcpu.h>
#include <guests/scaling/spread.h>
#include <guests/scaling/work.h>

#define SLICES_MAX 256u
#define MS         UINT64_C(1000000)

static struct worker workers[VCPUS_MAX];
static unsigned portions[VCPUS_MAX][SLICES_MAX];
static uint64_t ticks[VCPUS_MAX][SLICES_MAX], call_ticks[VCPUS_MAX][SLICES_MAX];
static struct spread lengths[2]; /* of the first worker here: alone, together */
static bool done[VCPUS_MAX];
static uint64_t begin, slice_ns;
static unsigned slices, nr_workers;
static bool shared, beside;

static void sleep_until(uint64_t deadline)
{
    const struct sched_poll poll = {.timeout = deadline};

    while (time_now() < deadline)
        (void)hypercall_sched_op(SCHEDOP_poll, &poll);
}

/* A portion counts where it began. */
static void work(unsigned me, unsigned slice)
{
    const uint64_t first = rdtsc(), first_call = workers[me].call_ticks;
    uint64_t length;

    if (shared)
        work_shared(&workers[me], slice % 2 ? (UINT64_C(1) << nr_workers) - 1 : UINT64_C(1) << me);
    else
        work_separate(&workers[me]);
    length = rdtsc() - first;
    portions[me][slice]++;
    ticks[me][slice] += length;
    call_ticks[me][slice] += workers[me].call_ticks - first_call;
    if (me == 0)
        spread_add(&lengths[slice % 2], length);
}

static void work_through(void *arg)
{
    const unsigned me = (unsigned)(uintptr_t)arg;
    const bool always = me == 0 && !beside;
    uint64_t now;

    sleep_until(begin);
    while ((now = time_now()) < begin + slices * slice_ns) {
        const unsigned slice = (unsigned)((now - begin) / slice_ns);

        if (always || slice % 2)
            work(me, slice);
        else
            sleep_until(begin + (slice + 1) * slice_ns);
    }
    __atomic_store_n(&done[me], true, __ATOMIC_RELEASE);
}

static void set_up(void)
{
    begin = guest_option("from", 3) * 1000 * MS;
    slice_ns = guest_option("slice", 500) * MS;
    slices = (unsigned)guest_option("slices", 20);
    shared = guest_option("shared", 0);
    beside = guest_option("beside", 0);
    nr_workers = vcpu_count();
    if (slices > SLICES_MAX)
        guest_panic("slices=%u: %u at most", slices, SLICES_MAX);
    for (unsigned i = 0; i < nr_workers; i++)
        work_prepare(&workers[i], i);
    if (time_now() >= begin)
        guest_panic("it is too late to begin at second %" PRIu64, begin / MS / 1000);
}

void guest_main(void)
{
    set_up();
    for (unsigned i = 1; i < nr_workers; i++) {
        if (vcpu_start(i, work_through, (void *)(uintptr_t)i))
            guest_panic("vCPU %u does not start", i);
    }
    work_through(NULL);
    for (unsigned i = 0; i < nr_workers; i++) {
        while (!__atomic_load_n(&done[i], __ATOMIC_ACQUIRE))
            (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    for (unsigned slice = 0; slice < slices; slice++) {
        uint64_t sum = 0, all = 1, calls = 0;

        for (unsigned i = 0; i < nr_workers; i++) {
            sum += portions[i][slice];
            all += ticks[i][slice];
            calls += call_ticks[i][slice];
        }
        print("slice %u %" PRIu64 " %" PRIu64 "\n", slice, sum, calls * 1000 / all);
    }
    print("portion %" PRIu64 " %" PRIu64 "\n", spread_median(&lengths[0]), spread_median(&lengths[1]));
    print("verdict: success\n");
}
