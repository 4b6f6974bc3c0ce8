/* SPDX-License-Identifier: MIT */
/* A list, which is hardly ever longer than one. */
#include <stddef.h>

#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/time/time.h>

static struct hv_domain *zombies;

void zombie_add(struct hv_domain *domain)
{
    domain->zombie.next = zombies;
    zombies = domain;
}

static void lose_patience(struct timer *timer)
{
    struct zombie *zombie = (struct zombie *)timer;

    zombie->overdue = true;
    hv_vcpu_give_way();
}
_Static_assert(offsetof(struct zombie, patience) == 0, "lose_patience()");

void zombie_wait(struct hv_domain *domain, uint64_t ns)
{
    domain->zombie.patience.expire = lose_patience;
    timer_set(&domain->zombie.patience, time_now() + ns);
}

/* Where the first empty one is linked in; the end of the list: there is none. */
static struct hv_domain **find_empty(void)
{
    struct hv_domain **at = &zombies;

    while (*at && (*at)->engine.nr_frames > 0)
        at = &(*at)->zombie.next;
    return at;
}

bool zombie_is_empty(void)
{
    return *find_empty() != NULL;
}

static struct hv_domain *take_overdue(void)
{
    struct hv_domain *at = zombies;

    while (at && !at->zombie.overdue)
        at = at->zombie.next;
    if (at)
        at->zombie.overdue = false;
    return at;
}

struct hv_domain *zombie_take(void)
{
    struct hv_domain **at = find_empty(), *found = *at;

    if (!found)
        return take_overdue();
    *at = found->zombie.next;
    timer_stop(&found->zombie.patience);
    return found;
}
