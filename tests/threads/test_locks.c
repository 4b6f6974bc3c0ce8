/* SPDX-License-Identifier: MIT */
/* links: hv/cpu/lock.c */
/* Locks between processors that really run at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <tests/threads/lib/processors.h>

#define PROCESSORS 4u
#define TURNS      20000u

static struct lock lock, second;
static unsigned long shared, others; /* under the lock, as ordinary memory: the sanitizer would see two at once */

static void count_up(unsigned id)
{
    (void)id;
    for (unsigned i = 0; i < TURNS; i++) {
        lock_take(&lock);
        shared++;
        lock_drop(&lock);
    }
}

static void test_one_at_a_time(void **state)
{
    (void)state;
    lock = (struct lock)LOCK_INIT(LOCK_HOUSE, 0);
    shared = 0;
    processors_run(PROCESSORS, count_up);
    assert_int_equal(shared, PROCESSORS * TURNS);
    assert_int_equal(lock.ticket.next, lock.ticket.served);
}

/* Two at once, the outer one dropped first. */
static void nest(unsigned id)
{
    (void)id;
    for (unsigned i = 0; i < TURNS; i++) {
        if (random_below(2)) {
            lock_take(&lock);
            shared++;
            lock_take(&second);
            lock_drop(&lock);
        } else {
            lock_take(&second);
        }
        others++;
        lock_drop(&second);
    }
}

static void test_two_locks(void **state)
{
    (void)state;
    lock = (struct lock)LOCK_INIT(LOCK_DOMAIN, 1);
    second = (struct lock)LOCK_INIT(LOCK_DOMAIN, 2);
    shared = others = 0;
    processors_run(PROCESSORS, nest);
    assert_int_equal(others, PROCESSORS * TURNS);
    assert_in_range(shared, 1, PROCESSORS * TURNS);
}

/* Whose turn it was, in order, and the tickets that they had. */
static unsigned came[PROCESSORS], count;

static bool has_drawn(uint32_t tickets)
{
    return __atomic_load_n(&lock.ticket.next, __ATOMIC_ACQUIRE) >= tickets;
}

/* Processor 0 holds it until the others have drawn, one behind the other: the last one first, 1 at the end. */
static void queue(unsigned id)
{
    if (id == 0) {
        lock_take(&lock);
        while (!has_drawn(PROCESSORS))
            processor_pause();
    } else {
        while (!has_drawn(PROCESSORS - id))
            processor_pause();
        lock_take(&lock);
    }
    came[count++] = id;
    lock_drop(&lock);
}

static void test_first_come_first_served(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        lock = (struct lock)LOCK_INIT(LOCK_SCHED, 0);
        count = 0;
        processors_run(PROCESSORS, queue);
        assert_int_equal(count, PROCESSORS);
        assert_int_equal(came[0], 0);
        for (unsigned i = 1; i < PROCESSORS; i++)
            assert_int_equal(came[i], PROCESSORS - i);
    }
}

/* Processor 0 holds what processor 1 waits for, and drops it when that one has answered: without answers, for ever. */
static void answer(unsigned id)
{
    if (id == 1)
        while (!has_drawn(1))
            processor_pause();
    lock_take(&lock);
    while (id == 0 && processor_answers(1) < 100) {
        cpu_kick(1); /* it may rest */
        processor_pause();
    }
    lock_drop(&lock);
}

static void test_whoever_waits_answers(void **state)
{
    (void)state;
    lock = (struct lock)LOCK_INIT(LOCK_HOUSE, 0);
    processors_run(2, answer);
    assert_true(processor_answers(1) >= 100);
}

/* Processor 0 holds it until the others have halted; each is woken when it is its turn. */
static void rest(unsigned id)
{
    lock_take(&lock);
    for (unsigned other = 1; id == 0 && other < PROCESSORS; other++) {
        while (processor_halts(other) == 0)
            processor_pause();
    }
    shared++;
    lock_drop(&lock);
}

static void hold_first(unsigned id)
{
    while (id > 0 && !has_drawn(1))
        processor_pause();
    rest(id);
}

static void test_whoever_waits_long_rests(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        lock = (struct lock)LOCK_INIT(LOCK_HOUSE, 0);
        shared = 0;
        processors_run(PROCESSORS, hold_first);
        assert_int_equal(shared, PROCESSORS);
    }
}

/* Whose it is, asked by all the time by those who have it not. */
static void ask(unsigned id)
{
    (void)id;
    for (unsigned i = 0; i < TURNS; i++) {
        if (lock_is_mine(&lock))
            __atomic_fetch_add(&others, 1, __ATOMIC_RELAXED);
        lock_take(&lock);
        if (!lock_is_mine(&lock))
            __atomic_fetch_add(&others, 1, __ATOMIC_RELAXED);
        lock_drop(&lock);
    }
}

static void test_whose_it_is(void **state)
{
    (void)state;
    lock = (struct lock)LOCK_INIT(LOCK_HOUSE, 0);
    others = 0;
    processors_run(PROCESSORS, ask);
    assert_int_equal(others, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_two_locks),
        cmocka_unit_test(test_first_come_first_served),
        cmocka_unit_test(test_whoever_waits_answers),
        cmocka_unit_test(test_whoever_waits_long_rests),
        cmocka_unit_test(test_whose_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
