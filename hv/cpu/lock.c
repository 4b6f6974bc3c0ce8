/* SPDX-License-Identifier: MIT */
/* Ticket locks, and the order in which a processor takes them; the house's. */
#include <engine/check.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/cpu/lock.h>

/* Not the last one that was taken. */
static __attribute__((noinline)) void drop_within(struct lock *innermost, const struct lock *lock)
{
    struct lock *inner = innermost;

    CHECK(inner);
    while (inner->outer != lock) {
        inner = inner->outer;
        CHECK(inner);
    }
    inner->outer = lock->outer;
}

static __attribute__((noinline)) void wait_for(const struct lock *lock, uint32_t number)
{
    do {
        lock_waits();
        __builtin_ia32_pause();
    } while (!ticket_is_served(&lock->ticket, number));
}

/* The last one taken comes latest: each was behind all that were held.  Waiting switches no stacks. */
void lock_take(struct lock *lock)
{
    struct cpu *cpu = cpu_here();
    struct lock *outer = cpu->innermost;
    uint32_t number;

    CHECK(lock->order > (outer ? outer->order : LOCK_ORDER(LOCK_NONE, 0)));
    number = ticket_draw(&lock->ticket);
    if (!ticket_is_served(&lock->ticket, number))
        wait_for(lock, number);
    lock->outer = outer;
    cpu->innermost = lock;
}

void lock_drop(struct lock *lock)
{
    struct cpu *cpu = cpu_here();

    if (cpu->innermost == lock)
        cpu->innermost = lock->outer;
    else
        drop_within(cpu->innermost, lock);
    ticket_pass_on(&lock->ticket);
}

bool lock_is_mine(const struct lock *lock)
{
    const struct lock *held = cpu_here()->innermost;

    while (held && held != lock)
        held = held->outer;
    return held;
}

bool lock_rank_is_held(enum lock_rank rank)
{
    for (const struct lock *lock = cpu_here()->innermost; lock; lock = lock->outer) {
        if (lock->order >> 24 == (uint32_t)rank)
            return true;
    }
    return false;
}

bool lock_any_is_held(void)
{
    return cpu_here()->innermost;
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
