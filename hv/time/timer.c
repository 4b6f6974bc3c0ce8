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
    uint64_t programmed; /* by its processor, which alone looks at it: when its APIC interrupts */
} lists[MAX_CPUS] = {[0 ... MAX_CPUS - 1] = {.lock = LOCK_INIT(LOCK_TIMERS, 0), .programmed = UINT64_MAX}};

static struct list *list_here(void)
{
    return &lists[cpu_here()->id];
}

/* Only its own APIC can a processor program: for @deadline, UINT64_MAX for never. */
static void program(struct list *list, uint64_t deadline)
{
    uint64_t now = time_now(), left;

    list->programmed = deadline;
    if (deadline == UINT64_MAX) {
        cpu_here()->timer_ticks = 0;
        apic_set_timer(UINT64_MAX);
        return;
    }
    left = deadline > now ? deadline - now : 0;
    cpu_here()->timer_ticks = time_ticks_in(left);
    apic_set_timer(left);
}

/* With the list's lock. */
static void unlink(struct list *list, struct timer *timer)
{
    struct timer **link = &list->first;

    while (*link != timer)
        link = &(*link)->next;
    *link = timer->next;
    timer->active = false;
}

/* The same; timers of the same deadline expire in the order in which they were set. */
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

static uint64_t first_deadline(const struct list *list)
{
    return list->first ? list->first->deadline : UINT64_MAX;
}

/* The APIC's timer is left as it is: it wakes a processor once for nothing. */
void timer_stop(struct timer *timer)
{
    struct list *list = &lists[timer->cpu];

    if (!timer->active)
        return;
    lock_take(&list->lock);
    unlink(list, timer);
    lock_drop(&list->lock);
}

/* Where the APIC is to interrupt before that anyway, for one that has been stopped, timer_run() sees to the rest. */
void timer_set(struct timer *timer, uint64_t deadline)
{
    struct list *list = list_here();
    uint64_t first;

    if (timer->active && &lists[timer->cpu] != list)
        timer_stop(timer);
    lock_take(&list->lock);
    if (timer->active)
        unlink(list, timer);
    timer->deadline = deadline;
    insert(list, timer);
    first = first_deadline(list);
    lock_drop(&list->lock);
    if (first < list->programmed)
        program(list, first);
}

/* The next one whose time has come, which is not on the list any more; NULL: none, and *@next is when one does. */
static struct timer *take_due(struct list *list, uint64_t now, uint64_t *next)
{
    struct timer *timer = NULL;

    lock_take(&list->lock);
    *next = first_deadline(list);
    if (*next <= now) {
        timer = list->first;
        unlink(list, timer);
    }
    lock_drop(&list->lock);
    return timer;
}

/* What is to be done then belongs to the house. */
void timer_run(void)
{
    struct list *list = list_here();
    uint64_t now = time_now(), next;
    bool entered = house_enter_if_out();
    struct timer *timer;

    while ((timer = take_due(list, now, &next)))
        timer->expire(timer);
    program(list, next);
    house_leave_if(entered);
}
