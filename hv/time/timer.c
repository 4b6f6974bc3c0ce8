/* SPDX-License-Identifier: MIT */
/*
 * A list for each processor in the order of the deadlines: there are a few timers for each vCPU, and most are off.
 *
 * Each timer belongs to the house, or to the processor whose turn it ends, so that nobody sets or stops one that
 * another sets, or that expires.  Its neighbours in a list are others': each list has a lock, and nobody holds two of
 * them.
 */
#include <stddef.h>

#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

static struct list {
    struct lock lock; /* over @first, and the links */
    struct timer *first;
} lists[MAX_CPUS] = {[0 ... MAX_CPUS - 1] = {.lock = LOCK_INIT(LOCK_TIMERS, 0)}};

static struct list *list_here(void)
{
    return &lists[cpu_here()->id];
}

/* Only its own APIC can a processor program: for @deadline, UINT64_MAX for never. */
static void program(uint64_t deadline)
{
    uint64_t now = time_now(), left;

    if (deadline == UINT64_MAX) {
        cpu_here()->timer_ticks = 0;
        apic_set_timer(UINT64_MAX);
        return;
    }
    left = deadline > now ? deadline - now : 0;
    cpu_here()->timer_ticks = time_ticks_in(left);
    apic_set_timer(left);
}

/* Returns whether it was the first one of its list. */
static bool unlink(struct timer *timer)
{
    struct list *list = &lists[timer->cpu];
    struct timer **link = &list->first;
    bool was_first;

    lock_take(&list->lock);
    was_first = list->first == timer;
    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    timer->active = false;
    lock_drop(&list->lock);
    return was_first;
}

/* Timers of the same deadline expire in the order in which they were set.  Returns whether it is the first one now. */
static bool insert(struct list *list, struct timer *timer)
{
    struct timer **link = &list->first;
    bool is_first;

    lock_take(&list->lock);
    while (*link && (*link)->deadline <= timer->deadline)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
    timer->active = true;
    timer->cpu = (unsigned)(list - lists);
    is_first = list->first == timer;
    lock_drop(&list->lock);
    return is_first;
}

/* When the first one expires; UINT64_MAX: there is none. */
static uint64_t first_deadline(struct list *list)
{
    uint64_t deadline;

    lock_take(&list->lock);
    deadline = list->first ? list->first->deadline : UINT64_MAX;
    lock_drop(&list->lock);
    return deadline;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    struct list *list = list_here();
    bool was_first_here = timer->active && timer->cpu == cpu_here()->id, is_first;

    if (timer->active)
        was_first_here &= unlink(timer);
    timer->deadline = deadline;
    is_first = insert(list, timer);
    if (is_first || was_first_here)
        program(first_deadline(list));
}

/* The APIC's timer is left as it is: it wakes a processor once for nothing. */
void timer_stop(struct timer *timer)
{
    if (timer->active)
        (void)unlink(timer);
}

/* The next one whose time has come, which is not on the list any more; NULL: none. */
static struct timer *take_due(struct list *list, uint64_t now)
{
    struct timer *timer;

    lock_take(&list->lock);
    timer = list->first;
    if (timer && timer->deadline <= now) {
        list->first = timer->next;
        timer->active = false;
    } else {
        timer = NULL;
    }
    lock_drop(&list->lock);
    return timer;
}

/* What is to be done then belongs to the house. */
void timer_run(void)
{
    struct list *list = list_here();
    uint64_t now = time_now();
    bool entered = house_enter_if_out();
    struct timer *timer;

    while ((timer = take_due(list, now)))
        timer->expire(timer);
    program(first_deadline(list));
    house_leave_if(entered);
}
