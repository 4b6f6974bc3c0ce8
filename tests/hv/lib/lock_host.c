/* SPDX-License-Identifier: MIT */
/* hv/cpu/lock.h for a program that is one processor: nobody is waited for, and the order is held. */
#include <stdio.h>
#include <stdlib.h>

#include <hv/cpu/house.h>
#include <hv/cpu/lock.h>

#define HELD_MAX 10u /* at most one of the house, two of domains, one of each rank behind them */

static struct {
    unsigned count;
    const struct lock *locks[HELD_MAX]; /* in the order in which they were taken */
} held;

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
    require(held.count < HELD_MAX, lock, "too many");
    require(held.count == 0 || held.locks[held.count - 1]->order < lock->order, lock, "taken out of order");
    held.locks[held.count++] = lock;
    lock->held_by = &held;
}

void lock_drop(struct lock *lock)
{
    unsigned i = held.count;

    while (i > 0 && held.locks[i - 1] != lock)
        i--;
    require(i > 0, lock, "dropped, and not held");
    for (; i < held.count; i++)
        held.locks[i - 1] = held.locks[i];
    held.count--;
    lock->held_by = NULL;
}

bool lock_is_mine(const struct lock *lock)
{
    return lock->held_by != NULL;
}

bool lock_rank_is_held(enum lock_rank rank)
{
    for (unsigned i = 0; i < held.count; i++) {
        if (held.locks[i]->order >> 24 == (uint32_t)rank)
            return true;
    }
    return false;
}

bool lock_any_is_held(void)
{
    return held.count > 0;
}

struct lock house_lock = LOCK_INIT(LOCK_HOUSE, 0);

bool house_step_out(void)
{
    bool was_in = house_is_mine();

    if (was_in)
        house_leave();
    require(held.count == 0, &house_lock, "left with another one held");
    return was_in;
}

void house_step_in(bool was_in)
{
    require(held.count == 0, &house_lock, "taken out of order");
    if (was_in)
        house_enter();
}
