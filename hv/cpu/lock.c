/* SPDX-License-Identifier: MIT */
/* Ticket locks, and the order in which a processor takes them; the house's. */
#include <engine/check.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/cpu/lock.h>

/* The last one taken comes latest: each was behind all that were held. */
static void note_taken(struct locks_held *held, const struct lock *lock)
{
    CHECK(lock->order >> 24 != LOCK_NONE && held->count < LOCKS_HELD_MAX);
    CHECK(held->count == 0 || held->locks[held->count - 1]->order < lock->order);
    held->locks[held->count++] = lock;
}

/* Not the last one that was taken. */
static __attribute__((noinline)) void note_dropped_within(struct locks_held *held, const struct lock *lock)
{
    unsigned i = held->count;

    while (i > 0 && held->locks[i - 1] != lock)
        i--;
    CHECK(i > 0);
    for (; i < held->count; i++)
        held->locks[i - 1] = held->locks[i];
    held->count--;
}

static __attribute__((noinline)) void wait_for(const struct lock *lock, uint32_t number)
{
    do {
        lock_waits();
        __builtin_ia32_pause();
    } while (!ticket_is_served(&lock->ticket, number));
}

/* Waiting switches no stacks: the processor stays the same. */
void lock_take(struct lock *lock)
{
    struct locks_held *held = &cpu_here()->locks;
    uint32_t number;

    note_taken(held, lock);
    number = ticket_draw(&lock->ticket);
    if (!ticket_is_served(&lock->ticket, number))
        wait_for(lock, number);
    __atomic_store_n(&lock->held_by, cpu_here(), __ATOMIC_RELAXED);
}

void lock_drop(struct lock *lock)
{
    struct locks_held *held = &cpu_here()->locks;

    if (held->count > 0 && held->locks[held->count - 1] == lock)
        held->count--;
    else
        note_dropped_within(held, lock);
    __atomic_store_n(&lock->held_by, NULL, __ATOMIC_RELAXED);
    ticket_pass_on(&lock->ticket);
}

bool lock_is_mine(const struct lock *lock)
{
    return __atomic_load_n(&lock->held_by, __ATOMIC_RELAXED) == cpu_here();
}

bool lock_rank_is_held(enum lock_rank rank)
{
    const struct locks_held *held = &cpu_here()->locks;

    for (unsigned i = 0; i < held->count; i++) {
        if (held->locks[i]->order >> 24 == (uint32_t)rank)
            return true;
    }
    return false;
}

bool lock_any_is_held(void)
{
    return cpu_here()->locks.count > 0;
}

struct lock house_lock = LOCK_INIT(LOCK_HOUSE, 0);

bool house_step_out(void)
{
    bool was_in = house_is_mine();

    if (was_in)
        house_leave();
    CHECK(!lock_any_is_held());
    return was_in;
}

void house_step_in(bool was_in)
{
    CHECK(!lock_any_is_held());
    if (was_in)
        house_enter();
}
