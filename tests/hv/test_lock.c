/* SPDX-License-Identifier: MIT */
/* links: hv/cpu/lock.c */
/* Locks, on one processor: the order in which they are taken, and what is done while one is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/port.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/cpu/wait.h>

struct cpu cpu_boot;
static jmp_buf halted;
static struct lock *waited_for; /* held by another processor, which drops it after so many answers: */
static unsigned answers_left, answers;

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(halted, 1);
}

static struct cpu others[2] = {{.id = 1}, {.id = 2}};
static unsigned kicks[3], halts;
static unsigned asks_left; /* so many times is it asked something while it answers */

struct cpu *cpu_find(unsigned id)
{
    return id == 0 ? &cpu_boot : id <= 2 ? &others[id - 1] : NULL;
}

void cpu_kick(unsigned id)
{
    kicks[id]++;
}

/* It becomes its turn only now. */
void wait_halted(void)
{
    halts++;
    assert_true(cpu_boot.rests);
    assert_int_equal(waited_for->resting, 1);
    assert_false(cpu_boot.is_asked);
    assert_ptr_equal(cpu_boot.awaited, waited_for);
    assert_true(wait_is_one(cpu_boot.waits));
    (void)ticket_pass_on(&waited_for->ticket);
}

void lock_waits(void)
{
    answers++;
    cpu_boot.is_asked = asks_left > 0;
    asks_left -= asks_left > 0;
    if (waited_for && --answers_left == 0)
        (void)ticket_pass_on(&waited_for->ticket);
}

static int set_up(void **state)
{
    (void)state;
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(kicks, 0, sizeof(kicks));
    others[0].rests = others[1].rests = false;
    waited_for = NULL;
    answers = halts = asks_left = 0;
    return 0;
}

/* Does @what halt the machine? */
#define HALTS(what)                    \
    ({                                 \
        volatile bool went_on = false; \
        if (setjmp(halted) == 0) {     \
            what;                      \
            went_on = true;            \
        }                              \
        !went_on;                      \
    })

static void test_taken_and_dropped(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_SCHED, 0);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_false(lock_is_mine(&lock));
        assert_false(lock_any_is_held());
        lock_take(&lock);
        assert_true(lock_is_mine(&lock));
        assert_true(lock_any_is_held());
        assert_true(lock_rank_is_held(LOCK_SCHED));
        assert_false(lock_rank_is_held(LOCK_TIMERS));
        lock_drop(&lock);
    }
    assert_int_equal(answers, 0);
}

static void test_each_rank_behind_the_one_before(void **state)
{
    struct lock locks[LOCK_RANKS];

    (void)state;
    for (unsigned rank = LOCK_HOUSE; rank < LOCK_RANKS; rank++) {
        locks[rank] = (struct lock)LOCK_INIT(rank, 0);
        lock_take(&locks[rank]);
    }
    for (unsigned rank = LOCK_HOUSE; rank < LOCK_RANKS; rank++)
        assert_true(lock_is_mine(&locks[rank]));
}

/* May a lock of @inner be taken by whoever holds one of @outer? */
static bool is_in_order(uint32_t outer, uint32_t inner)
{
    struct lock first = {.order = outer}, second = {.order = inner};

    cpu_boot.innermost = NULL;
    lock_take(&first);
    return !HALTS(lock_take(&second));
}

/* Each pair: only what is behind may be taken, and never the same again. */
static void test_order(void **state)
{
    static const uint32_t numbers[] = {0, 1, 7, 0xffffff};

    (void)state;
    for (uint32_t first = LOCK_HOUSE; first < LOCK_RANKS; first++) {
        for (uint32_t second = LOCK_HOUSE; second < LOCK_RANKS; second++) {
            for (unsigned i = 0; i < 16; i++) {
                uint32_t a = numbers[i / 4], b = numbers[i % 4];
                bool allowed = second > first || (second == first && b > a);

                assert_int_equal(is_in_order(LOCK_ORDER(first, a), LOCK_ORDER(second, b)), allowed);
            }
        }
    }
}

static void test_not_taken_twice(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_LEAF, 0);

    (void)state;
    lock_take(&lock);
    assert_true(HALTS(lock_take(&lock)));
}

static void test_what_is_not_set_up_is_no_lock(void **state)
{
    struct lock lock = {0};

    (void)state;
    assert_true(HALTS(lock_take(&lock)));
}

static void test_only_the_holder_drops(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_DOMAIN, 3), other = LOCK_INIT(LOCK_DOMAIN, 4);

    (void)state;
    assert_true(HALTS(lock_drop(&lock)));
    lock_take(&lock);
    assert_true(HALTS(lock_drop(&other)));
    lock_drop(&lock);
    assert_true(HALTS(lock_drop(&lock)));
}

/* The outer one of two is dropped first: what comes between the two may be taken no sooner than the inner one is. */
static void test_dropped_in_any_order(void **state)
{
    struct lock low = LOCK_INIT(LOCK_DOMAIN, 1), middle = LOCK_INIT(LOCK_DOMAIN, 2), high = LOCK_INIT(LOCK_DOMAIN, 3);

    (void)state;
    lock_take(&low);
    lock_take(&high);
    lock_drop(&low);
    assert_false(lock_is_mine(&low));
    assert_true(lock_is_mine(&high));
    assert_true(lock_rank_is_held(LOCK_DOMAIN));
    assert_true(HALTS(lock_take(&middle)));
    lock_drop(&high);
    assert_false(lock_any_is_held());
    lock_take(&middle);
    lock_drop(&middle);
}

static void test_whoever_waits_answers(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_HOUSE, 0);

    (void)state;
    assert_int_equal(ticket_draw(&lock.ticket), 0); /* another processor */
    waited_for = &lock;
    answers_left = 5;
    cpu_boot.wait_patience = UINT64_MAX;
    cpu_boot.waits = 2; /* no trial comes next */
    lock_take(&lock);
    assert_int_equal(answers, 5);
    assert_true(lock_is_mine(&lock));
    lock_drop(&lock);
}

/* Who has waited for long halts. */
static void test_rests(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_HOUSE, 0);

    (void)state;
    (void)ticket_draw(&lock.ticket);
    waited_for = &lock;
    answers_left = UINT32_MAX;
    lock_take(&lock);
    assert_int_equal(halts, 1);
    assert_false(cpu_boot.rests);
    assert_int_equal(lock.resting, 0);
    assert_null(cpu_boot.awaited);
    assert_false(wait_is_one(cpu_boot.waits));
    lock_drop(&lock);
    assert_int_equal(kicks[0] + kicks[1] + kicks[2], 0);
}

/* Who is asked as it looks does not halt before it has looked again. */
static void test_asked_before_rest(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_LEAF, 0);

    (void)state;
    (void)ticket_draw(&lock.ticket);
    waited_for = &lock;
    answers_left = UINT32_MAX;
    asks_left = 2;
    cpu_boot.waits = 2; /* no trial, but the patience that it has: none */
    lock_take(&lock);
    assert_int_equal(answers, 3);
    assert_int_equal(halts, 1);
    lock_drop(&lock);
}

/* Whoever asks finds it with a lock, and does not kick it: it answers when it has none any more. */
static void test_asked_meanwhile(void **state)
{
    struct lock outer = LOCK_INIT(LOCK_HOUSE, 0), inner = LOCK_INIT(LOCK_LEAF, 0);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        lock_take(&outer);
        lock_take(&inner);
        cpu_boot.is_asked = true;
        lock_drop(i ? &outer : &inner);
        assert_int_equal(answers, i);
        lock_drop(i ? &inner : &outer);
        assert_int_equal(answers, i + 1);
    }
}

/* Of those that wait the one is woken whose turn it is, if it rests. */
static void test_wakes_the_next(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_HOUSE, 0), other = LOCK_INIT(LOCK_SCHED, 0);

    (void)state;
    lock_take(&lock);
    for (unsigned i = 0; i < 2; i++) {
        others[i].awaited = &lock;
        others[i].awaited_number = ticket_draw(&lock.ticket);
        others[i].rests = true;
        lock.resting++;
    }
    lock_take(&other);
    lock_drop(&other);
    assert_int_equal(kicks[1] + kicks[2], 0);
    lock_drop(&lock);
    assert_int_equal(kicks[1], 1);
    assert_int_equal(kicks[2], 0);
    others[1].rests = false;
    lock.resting = 0;
    cpu_boot.innermost = &lock; /* it is the first of the others that drops it */
    lock_drop(&lock);
    assert_int_equal(kicks[1] + kicks[2], 1);
}

/* The numbers come round. */
static void test_numbers_wrap(void **state)
{
    struct lock lock = LOCK_INIT(LOCK_HOUSE, 0);

    (void)state;
    lock.ticket = (struct ticket){UINT32_MAX - 1, UINT32_MAX - 1};
    for (unsigned i = 0; i < 4; i++) {
        lock_take(&lock);
        lock_drop(&lock);
    }
    assert_int_equal(lock.ticket.next, 2);
    assert_int_equal(lock.ticket.served, 2);
    assert_int_equal(answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_taken_and_dropped, set_up),
        cmocka_unit_test_setup(test_each_rank_behind_the_one_before, set_up),
        cmocka_unit_test_setup(test_order, set_up),
        cmocka_unit_test_setup(test_not_taken_twice, set_up),
        cmocka_unit_test_setup(test_what_is_not_set_up_is_no_lock, set_up),
        cmocka_unit_test_setup(test_only_the_holder_drops, set_up),
        cmocka_unit_test_setup(test_dropped_in_any_order, set_up),
        cmocka_unit_test_setup(test_whoever_waits_answers, set_up),
        cmocka_unit_test_setup(test_rests, set_up),
        cmocka_unit_test_setup(test_asked_before_rest, set_up),
        cmocka_unit_test_setup(test_asked_meanwhile, set_up),
        cmocka_unit_test_setup(test_wakes_the_next, set_up),
        cmocka_unit_test_setup(test_numbers_wrap, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
