/* SPDX-License-Identifier: MIT */
/* That vCPU: its start, and its sleep. */
#include <abi/sched.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/time.h>
#include <guest/vcpu.h>
#include <guests/tests/lessons/lessons_other.h>
#include <guests/tests/lib/test.h>

#define OTHER    1u
#define SLEEP_NS UINT64_C(50000)

static struct {
    other_job *volatile job;
    unsigned rounds; /* that it has begun */
    bool inside;
    unsigned wakes;
    uint64_t latest;
} other;

static uint64_t now(void)
{
    return time_from(&guest.shared->vcpu_info[OTHER].time);
}

void other_sleep(void)
{
    uint64_t deadline = now() + SLEEP_NS, late;
    struct sched_poll poll = {.timeout = deadline};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
    if (!READ_ONCE(other.inside))
        return;
    late = now() - deadline;
    if (late > other.latest)
        WRITE_ONCE(other.latest, late);
    WRITE_ONCE(other.wakes, other.wakes + 1);
}

static void other_main(void *arg)
{
    (void)arg;
    for (;;) {
        other_job *job;

        WRITE_ONCE(other.rounds, other.rounds + 1); /* first: whoever sees it knows which job is meant */
        job = other.job;
        if (job)
            job();
        other_sleep();
    }
}

bool other_start(void)
{
    return vcpu_start(OTHER, other_main, NULL) == 0;
}

void other_do(other_job *job)
{
    unsigned rounds;

    other.job = job;
    barrier();
    rounds = READ_ONCE(other.rounds);
    while (READ_ONCE(other.rounds) == rounds)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

void other_mark(bool inside)
{
    barrier();
    WRITE_ONCE(other.inside, inside);
    barrier();
}

uint64_t other_latest(unsigned *wakes)
{
    uint64_t latest = READ_ONCE(other.latest);

    *wakes = READ_ONCE(other.wakes);
    WRITE_ONCE(other.latest, 0);
    WRITE_ONCE(other.wakes, 0);
    return latest;
}
