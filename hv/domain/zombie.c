/* SPDX-License-Identifier: MIT */
/* A list, which is hardly ever longer than one. */
#include <stddef.h>

#include <hv/cpu/lock.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/time/time.h>

/*
 * Whoever gives frames back, of whatever domain, looks at the list, with that one's lock and not the house's: so it has
 * a lock of its own, and no domain on it can go away meanwhile.
 */
static struct lock lock = LOCK_INIT(LOCK_LEAF, 0);
static struct hv_domain *zombies;

void zombie_add(struct hv_domain *domain)
{
    lock_take(&lock);
    domain->zombie.next = zombies;
    __atomic_store_n(&zombies, domain, __ATOMIC_RELAXED);
    lock_drop(&lock);
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

/* Where the first empty one is linked in; the end of the list: there is none.  Its frames go under its own lock. */
static struct hv_domain **find_empty(void)
{
    struct hv_domain **at = &zombies;

    while (*at && __atomic_load_n(&(*at)->engine.nr_frames, __ATOMIC_RELAXED) > 0)
        at = &(*at)->zombie.next;
    return at;
}

/* There is hardly ever one at all. */
bool zombie_is_empty(void)
{
    bool found;

    if (!__atomic_load_n(&zombies, __ATOMIC_RELAXED))
        return false;
    lock_take(&lock);
    found = *find_empty() != NULL;
    lock_drop(&lock);
    return found;
}

/* None that is on the list is overdue, or not any more, but by the house's lock, which the caller has. */
static struct hv_domain *take_overdue(void)
{
    struct hv_domain *at = zombies;

    while (at && !at->zombie.overdue)
        at = at->zombie.next;
    if (at)
        at->zombie.overdue = false;
    return at;
}

static struct hv_domain *take_empty(void)
{
    struct hv_domain **at, *found;

    lock_take(&lock);
    at = find_empty();
    found = *at;
    if (found)
        __atomic_store_n(at, found->zombie.next, __ATOMIC_RELAXED);
    lock_drop(&lock);
    return found;
}

struct hv_domain *zombie_take(void)
{
    struct hv_domain *found = take_empty();

    if (!found)
        return take_overdue();
    timer_stop(&found->zombie.patience);
    return found;
}
