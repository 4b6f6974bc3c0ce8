/* SPDX-License-Identifier: MIT */
/* Ticket locks, and the order in which a processor takes them; the house's. */
#include <engine/check.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/house.h>
#include <hv/cpu/lock.h>
#include <hv/cpu/wait.h>

/*
 * Until a kick, unless it is served by now: who drops the lock sees that somebody rests, and wake_next() that it is
 * this one, or this one sees that it is served.  The same of who asks something.
 */
static void rest(struct cpu *cpu, struct lock *lock, uint32_t number)
{
    __atomic_store_n(&cpu->rests, true, __ATOMIC_SEQ_CST);
    (void)__atomic_add_fetch(&lock->resting, 1, __ATOMIC_SEQ_CST);
    if (!ticket_is_served(&lock->ticket, number) && !wait_is_asked(cpu))
        wait_halted();
    (void)__atomic_sub_fetch(&lock->resting, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&cpu->rests, false, __ATOMIC_RELAXED);
}

/* False as well as soon as something is asked of this processor. */
FORCE_INLINE bool is_served_soon(const struct cpu *cpu, const struct lock *lock, uint32_t number)
{
    for (unsigned i = 0; i < WAIT_LOOKS; i++) {
        if (ticket_is_served(&lock->ticket, number))
            return true;
        if (wait_is_asked(cpu))
            return false;
        wait_look();
    }
    return false;
}

static void wait_for(struct lock *lock, uint32_t number)
{
    struct cpu *cpu = cpu_here();

    wait_begin(cpu);
    __atomic_store_n(&cpu->awaited_number, number, __ATOMIC_RELAXED);
    __atomic_store_n(&cpu->awaited, lock, __ATOMIC_RELEASE);
    while (!is_served_soon(cpu, lock, number)) {
        lock_waits();
        if (wait_is_long(cpu))
            rest(cpu, lock, number);
    }
    __atomic_store_n(&cpu->awaited, NULL, __ATOMIC_RELAXED);
    wait_end(cpu, &cpu->for_locks);
}

/* Of @lock it has become the turn of @number, which has been drawn: by whoever rests, maybe. */
static void wake_next(const struct lock *lock, uint32_t number)
{
    struct cpu *cpu;

    for (unsigned id = 0; (cpu = cpu_find(id)); id++) {
        if (__atomic_load_n(&cpu->rests, __ATOMIC_SEQ_CST) &&
            __atomic_load_n(&cpu->awaited, __ATOMIC_ACQUIRE) == lock &&
            __atomic_load_n(&cpu->awaited_number, __ATOMIC_RELAXED) == number)
            cpu_kick(id);
    }
}

/* @lock has been dropped, and it is the turn of @number, if anybody has drawn it. */
static __attribute__((noinline)) void look_after_others(const struct cpu *cpu, const struct lock *lock, uint32_t number)
{
    if (ticket_is_drawn(&lock->ticket, number) && __atomic_load_n(&lock->resting, __ATOMIC_SEQ_CST) > 0)
        wake_next(lock, number);
    if (wait_is_asked(cpu) && !cpu->innermost)
        lock_waits();
}

FORCE_INLINE void note_held(struct cpu *cpu, struct lock *lock)
{
    lock->outer = cpu->innermost;
    __atomic_store_n(&cpu->innermost, lock, __ATOMIC_RELAXED);
}

/* By itself, so that whoever need not wait saves no registers for it.  Waiting switches no stacks. */
static __attribute__((noinline)) void take_in_turn(struct lock *lock, uint32_t number)
{
    wait_for(lock, number);
    note_held(cpu_here(), lock);
}

/* The last one taken comes latest: each was behind all that were held. */
void lock_take(struct lock *lock)
{
    struct cpu *cpu = cpu_here();
    const struct lock *outer = cpu->innermost;
    uint32_t number;

    CHECK(lock->order > (outer ? outer->order : LOCK_ORDER(LOCK_NONE, 0)));
    number = ticket_draw(&lock->ticket);
    if (ticket_is_served(&lock->ticket, number))
        note_held(cpu, lock);
    else
        take_in_turn(lock, number);
}

/* A locked instruction: whoever has found a lock of this processor, and not kicked it, has been heard after that. */
FORCE_INLINE void pass_on(const struct cpu *cpu, struct lock *lock)
{
    uint32_t served = ticket_pass_on(&lock->ticket);

    if (ticket_is_drawn(&lock->ticket, served) || wait_is_asked(cpu))
        look_after_others(cpu, lock, served);
}

/* Not the last one that was taken. */
static __attribute__((noinline)) void drop_within(const struct cpu *cpu, struct lock *lock)
{
    struct lock *inner = cpu->innermost;

    CHECK(inner);
    while (inner->outer != lock) {
        inner = inner->outer;
        CHECK(inner);
    }
    inner->outer = lock->outer;
    pass_on(cpu, lock);
}

void lock_drop(struct lock *lock)
{
    struct cpu *cpu = cpu_here();

    if (cpu->innermost != lock) {
        drop_within(cpu, lock);
        return;
    }
    __atomic_store_n(&cpu->innermost, lock->outer, __ATOMIC_RELAXED);
    pass_on(cpu, lock);
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
