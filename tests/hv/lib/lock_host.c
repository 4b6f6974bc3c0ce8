/* SPDX-License-Identifier: MIT */
/* hv/cpu/lock.h for a program that is one processor: nobody is waited for, and the order is held. */
#include <stdio.h>
#include <stdlib.h>

#include <hv/cpu/house.h>
#include <hv/cpu/lock.h>

static struct lock *innermost; /* of those that are held, the one that was taken last */

static void require(bool condition, const struct lock *lock, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "lock %x: %s\n", lock->order, what);
    abort();
}

void lock_take(struct lock *lock)
{
    require(lock->order != 0, lock, "is none");
    require(!innermost || innermost->order < lock->order, lock, "taken out of order");
    lock->outer = innermost;
    innermost = lock;
}

void lock_drop(struct lock *lock)
{
    struct lock **place = &innermost;

    while (*place && *place != lock)
        place = &(*place)->outer;
    require(*place, lock, "dropped, and not held");
    *place = lock->outer;
}

bool lock_is_mine(const struct lock *lock)
{
    const struct lock *held = innermost;

    while (held && held != lock)
        held = held->outer;
    return held;
}

bool lock_rank_is_held(enum lock_rank rank)
{
    for (const struct lock *held = innermost; held; held = held->outer) {
        if (held->order >> 24 == (uint32_t)rank)
            return true;
    }
    return false;
}

bool lock_any_is_held(void)
{
    return innermost;
}

struct lock house_lock = LOCK_INIT(LOCK_HOUSE, 0);

bool house_step_out(void)
{
    bool was_in = house_is_mine();

    if (was_in)
        house_leave();
    require(!innermost, &house_lock, "left with another one held");
    return was_in;
}

void house_step_in(bool was_in)
{
    require(!innermost, &house_lock, "taken out of order");
    if (was_in)
        house_enter();
}
