/* SPDX-License-Identifier: MIT */
/* A list for each processor in the order of the deadlines: there are a few timers for each vCPU, and most are off. */
#include <stddef.h>

#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

static struct list {
    struct timer *first;
    uint64_t first_ticks; /* of the TSC, when that expires; 0: there is none */
} lists[MAX_CPUS];

static struct list *list_here(void)
{
    return &lists[cpu_here()->id];
}

/* Only its own APIC can a processor program. */
static void program(struct list *list)
{
    uint64_t now = time_now(), left;

    if (!list->first) {
        list->first_ticks = 0;
        apic_set_timer(UINT64_MAX);
        return;
    }
    left = list->first->deadline > now ? list->first->deadline - now : 0;
    list->first_ticks = time_ticks_in(left);
    apic_set_timer(left);
}

bool timer_is_due(void)
{
    uint64_t first_ticks = list_here()->first_ticks;

    return first_ticks && asm_read_tsc() >= first_ticks;
}

static void unlink(struct timer *timer)
{
    struct timer **link = &lists[timer->cpu].first;

    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    timer->active = false;
}

/* Timers of the same deadline expire in the order in which they were set. */
static void insert(struct list *list, struct timer *timer)
{
    struct timer **link = &list->first;

    while (*link && (*link)->deadline <= timer->deadline)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
    timer->active = true;
    timer->cpu = (unsigned)(list - lists);
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    struct list *list = list_here();
    const struct timer *old_first = list->first;

    if (timer->active)
        unlink(timer);
    timer->deadline = deadline;
    insert(list, timer);
    if (list->first == timer || old_first == timer)
        program(list);
}

/* The APIC's timer is left as it is: it wakes a processor once for nothing. */
void timer_stop(struct timer *timer)
{
    if (timer->active)
        unlink(timer);
}

/* What is to be done then belongs to the house. */
void timer_run(void)
{
    struct list *list = list_here();
    uint64_t now = time_now();
    bool entered = house_enter_if_out();

    while (list->first && list->first->deadline <= now) {
        struct timer *timer = list->first;

        unlink(timer);
        timer->expire(timer);
    }
    program(list);
    house_leave_if(entered);
}
