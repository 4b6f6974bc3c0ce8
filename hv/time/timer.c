/* SPDX-License-Identifier: MIT */
/* A list in the order of the deadlines: there are a few timers for each vCPU, and most are off. */
#include <stddef.h>

#include <hv/base/asm.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

static struct timer *first;
static uint64_t first_ticks = UINT64_MAX; /* of the TSC, when the first expires */

static void program(void)
{
    uint64_t now = time_now(), left;

    if (!first) {
        first_ticks = UINT64_MAX;
        apic_set_timer(UINT64_MAX);
        return;
    }
    left = first->deadline > now ? first->deadline - now : 0;
    first_ticks = time_ticks_in(left);
    apic_set_timer(left);
}

bool timer_is_due(void)
{
    return asm_read_tsc() >= first_ticks;
}

static void unlink(struct timer *timer)
{
    struct timer **link = &first;

    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    timer->active = false;
}

/* Timers of the same deadline expire in the order in which they were set. */
static void insert(struct timer *timer)
{
    struct timer **link = &first;

    while (*link && (*link)->deadline <= timer->deadline)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
    timer->active = true;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    const struct timer *old_first = first;

    if (timer->active)
        unlink(timer);
    timer->deadline = deadline;
    insert(timer);
    if (first == timer || old_first == timer)
        program();
}

/* The APIC's timer is left as it is: it wakes us once for nothing. */
void timer_stop(struct timer *timer)
{
    if (timer->active)
        unlink(timer);
}

void timer_run(void)
{
    uint64_t now = time_now();

    while (first && first->deadline <= now) {
        struct timer *timer = first;

        unlink(timer);
        timer->expire(timer);
    }
    program();
}
