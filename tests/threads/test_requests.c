/* SPDX-License-Identifier: MIT */
/* links: hv/domain/request.c hv/cpu/lock.c */
/*
 * Requests between processors that really run at once: once one has returned, nobody goes by what was before it.  Each
 * processor has a copy of a number, which it renews when it is asked to, as it would its translations.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/domain/request.h>
#include <tests/threads/lib/processors.h>

#define PROCESSORS 3u
#define ROUNDS     2000u

static const cpumask_t all = {(1u << PROCESSORS) - 1};

static bool is_late;              /* who is asked renews nothing before processor 0 rests */
static uint64_t number, in_force; /* what is to be copied; none older is used any more */
static uint64_t copies[PROCESSORS];
static unsigned ready, stale;
static bool may_idle;
static struct lock lock;

void lock_waits(void)
{
    request_answer();
    sched_yield();
}

/* Slow, so that who does not wait is ahead. */
void renew_here(unsigned what, vaddr_t page)
{
    (void)what;
    (void)page;
    while (is_late && processor_halts(0) == 0)
        sched_yield();
    sched_yield();
    __atomic_store_n(&copies[cpu_here()->id], __atomic_load_n(&number, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

static void use_copy(void)
{
    uint64_t least = __atomic_load_n(&in_force, __ATOMIC_SEQ_CST);

    if (copies[cpu_here()->id] < least)
        __atomic_fetch_add(&stale, 1, __ATOMIC_SEQ_CST);
}

static void raise(uint64_t to)
{
    uint64_t seen = __atomic_load_n(&in_force, __ATOMIC_SEQ_CST);

    while (seen < to && !__atomic_compare_exchange_n(&in_force, &seen, to, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static void change(void)
{
    uint64_t mine = __atomic_add_fetch(&number, 1, __ATOMIC_SEQ_CST);

    request_renewal(all, random_below(2) ? RENEW_TRANSLATIONS : RENEW_PAGE, VADDR(0x1000 * mine));
    raise(mine);
    for (unsigned id = 0; id < PROCESSORS && !may_idle; id++) {
        if (__atomic_load_n(&copies[id], __ATOMIC_SEQ_CST) < mine)
            __atomic_fetch_add(&stale, 1, __ATOMIC_SEQ_CST);
    }
}

static void idle(void)
{
    if (!may_idle)
        return;
    request_idle_begin();
    sched_yield();
    request_idle_end();
}

/* Where it looks by itself as it drops the lock, or waits for it. */
static void hold(void)
{
    lock_take(&lock);
    use_copy();
    if (random_below(2))
        sched_yield();
    lock_drop(&lock);
}

/* In its guest it answers if it is kicked, and not otherwise: for ever, if who has asked does not kick it. */
static void be_in_guest(void)
{
    do {
        if (processor_takes_kick())
            request_answer();
        else
            sched_yield();
    } while (request_is_there(cpu_here()->id));
    use_copy();
}

/* In its guest; idle, where there is nothing to use; with a lock; or asking. */
static void process(unsigned id)
{
    (void)id;
    for (unsigned i = 0; i < ROUNDS; i++) {
        switch (random_below(5)) {
        case 0:
            idle();
            break;
        case 1:
            change();
            break;
        case 2:
            hold();
            break;
        default:
            break;
        }
        be_in_guest();
    }
    __atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < PROCESSORS)
        be_in_guest();
}

static void run(bool idles)
{
    lock = (struct lock)LOCK_INIT(LOCK_DOMAIN, 1);
    may_idle = idles;
    ready = 0;
    processors_run(PROCESSORS, process);
    assert_int_equal(stale, 0);
    assert_true(in_force > 0 && in_force == number);
}

/* Where nobody idles, all have renewed theirs by then, whether they use it or not. */
static void test_all_renewed(void **state)
{
    (void)state;
    run(false);
}

static void test_nothing_stale(void **state)
{
    (void)state;
    run(true);
}

static void ask_or_answer(unsigned id)
{
    if (id == 0) {
        __atomic_fetch_add(&number, 1, __ATOMIC_SEQ_CST);
        request_renewal(cpumask_of(1), RENEW_TRANSLATIONS, VADDR(0));
        __atomic_store_n(&ready, 1, __ATOMIC_SEQ_CST);
    }
    while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) == 0)
        request_answer();
}

/* Who waits for long halts, and is woken by the answer. */
static void test_rests(void **state)
{
    (void)state;
    is_late = true;
    for (unsigned i = 0; i < 200; i++) {
        ready = 0;
        processors_run(2, ask_or_answer);
        assert_true(processor_halts(0) > 0);
        assert_int_equal(copies[1], number);
    }
    is_late = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_renewed),
        cmocka_unit_test(test_nothing_stale),
        cmocka_unit_test(test_rests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
