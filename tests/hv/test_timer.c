/* SPDX-License-Identifier: MIT */
/* Timers: against a plain array of deadlines, under random work; what the APIC is told. */
/* links: hv/time/timer.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/time/apic.h>
#include <hv/time/time.h>
#include <hv/time/timer.h>

#define TIMERS 12u
#define ROUNDS 200000u
#define NEVER  UINT64_MAX

struct cpu cpu_boot;                   /* whichever processor runs, by its number */
static uint64_t timer_ticks[MAX_CPUS]; /* of the others */

static uint64_t now;
static uint64_t alarm; /* when the APIC would interrupt; NEVER */

static struct {
    struct timer timer;
    uint64_t deadline; /* what it should be; NEVER: off */
    unsigned expired;
} model[TIMERS];

static uint64_t last_deadline; /* of those that have expired in this run */
static struct timer *set_again;
static uint64_t set_again_for;

static void go_to(unsigned cpu)
{
    timer_ticks[cpu_boot.id] = cpu_boot.timer_ticks;
    cpu_boot.id = cpu;
    cpu_boot.timer_ticks = timer_ticks[cpu];
}

uint64_t time_now(void)
{
    return now;
}

/* In terms of the real TSC: long ago, or not in this test. */
uint64_t time_ticks_in(uint64_t ns)
{
    return ns ? NEVER : 1;
}

void apic_set_timer(uint64_t ns)
{
    alarm = ns == NEVER ? NEVER : now + ns;
}

static void expire(struct timer *timer)
{
    for (unsigned i = 0; i < TIMERS; i++) {
        if (&model[i].timer != timer)
            continue;
        assert_false(timer->active);
        assert_true(model[i].deadline <= now);
        assert_true(model[i].deadline >= last_deadline);
        last_deadline = model[i].deadline;
        model[i].deadline = NEVER;
        model[i].expired++;
        if (timer == set_again) {
            set_again = NULL;
            model[i].deadline = set_again_for;
            timer_set(timer, set_again_for);
        }
        return;
    }
    fail_msg("an unknown timer expired");
}

static uint64_t first_deadline(void)
{
    uint64_t first = NEVER;

    for (unsigned i = 0; i < TIMERS; i++)
        first = model[i].deadline < first ? model[i].deadline : first;
    return first;
}

/* The interrupt comes no later than the first deadline; earlier is only a waste. */
static void check_alarm(void)
{
    uint64_t first = first_deadline();

    if (first != NEVER)
        assert_true(alarm <= (first > now ? first : now));
    for (unsigned i = 0; i < TIMERS; i++)
        assert_int_equal(model[i].timer.active, model[i].deadline != NEVER);
}

static void run(void)
{
    last_deadline = 0;
    timer_run();
    assert_true(first_deadline() > now);
    assert_true(alarm == first_deadline());
    check_alarm();
}

static int set_up(void **state)
{
    (void)state;
    go_to(0);
    for (unsigned i = 0; i < TIMERS; i++) {
        timer_stop(&model[i].timer);
        model[i].timer = (struct timer){.expire = expire};
        model[i].deadline = NEVER;
        model[i].expired = 0;
    }
    now = 1000;
    timer_run();
    return 0;
}

static void set(unsigned i, uint64_t deadline)
{
    model[i].deadline = deadline;
    timer_set(&model[i].timer, deadline);
    check_alarm();
}

static void test_nothing(void **state)
{
    (void)state;
    assert_true(alarm == NEVER);
    timer_stop(&model[0].timer);
    run();
    assert_true(alarm == NEVER);
}

static void test_past(void **state)
{
    (void)state;
    set(0, 1);
    assert_true(alarm == now);
    assert_int_equal(model[0].expired, 0);
    run();
    assert_int_equal(model[0].expired, 1);
    run();
    assert_int_equal(model[0].expired, 1);
}

/* What is due without an interrupt having come. */
static void test_due(void **state)
{
    (void)state;
    assert_false(timer_is_due());
    set(0, now + 10);
    assert_false(timer_is_due());
    set(1, now);
    assert_true(timer_is_due());
    run();
    assert_false(timer_is_due());
    set(2, 1);
    model[2].deadline = NEVER;
    timer_stop(&model[2].timer);
    run();
    assert_false(timer_is_due());
}

static void test_moved(void **state)
{
    (void)state;
    set(0, 2000);
    set(1, 3000);
    assert_true(alarm == 2000);
    set(0, 4000);
    assert_true(alarm == 2000);
    run();
    assert_true(alarm == 3000);
    now = 3500;
    run();
    assert_int_equal(model[0].expired, 0);
    assert_int_equal(model[1].expired, 1);
    assert_true(alarm == 4000);
}

/* Who sets one timer again and again, and stops it before it expires, costs one interrupt for nothing, not many. */
static void test_stopped(void **state)
{
    (void)state;
    set(0, 9000);
    for (unsigned i = 0; i < 10; i++) {
        now += 10;
        set(1, now + 500);
        assert_true(alarm == 1010 + 500);
        model[1].deadline = NEVER;
        timer_stop(&model[1].timer);
    }
    set(2, 1300);
    assert_true(alarm == 1300);
    now = 1510;
    run();
    assert_int_equal(model[1].expired, 0);
    assert_int_equal(model[2].expired, 1);
    assert_true(alarm == 9000);
}

/* A timer may set itself again, even for a time that is due at once. */
static void test_again(void **state)
{
    (void)state;
    set(0, 1500);
    now = 2000;
    set_again = &model[0].timer;
    set_again_for = 1900;
    run();
    assert_int_equal(model[0].expired, 2);
    set(0, 2000);
    set_again = &model[0].timer;
    set_again_for = 5000;
    run();
    assert_int_equal(model[0].expired, 3);
    assert_true(alarm == 5000);
}

static void test_order_of_equals(void **state)
{
    (void)state;
    set(3, 2000);
    set(1, 2000);
    set(2, 2000);
    assert_ptr_equal(model[3].timer.next, &model[1].timer);
    assert_ptr_equal(model[1].timer.next, &model[2].timer);
}

static void set_on(unsigned cpu, unsigned which, uint64_t deadline)
{
    go_to(cpu);
    model[which].deadline = deadline;
    timer_set(&model[which].timer, deadline);
}

static unsigned expired_on(unsigned cpu, unsigned which)
{
    unsigned before = model[which].expired;

    go_to(cpu);
    last_deadline = 0;
    timer_run();
    return model[which].expired - before;
}

/* A timer expires on the processor that has set it last, and any can stop it. */
static void test_processors(void **state)
{
    (void)state;
    set_on(1, 0, 2000);
    go_to(0);
    timer_run();
    assert_true(alarm == NEVER); /* it is not this one's */
    set_on(0, 1, 3000);
    set_on(5, 2, 2500);
    now = 4000;
    assert_int_equal(expired_on(0, 0) + expired_on(5, 0), 0);
    assert_int_equal(expired_on(1, 0), 1);
    assert_int_equal(model[1].expired + model[2].expired, 2);

    set_on(1, 0, 1);
    assert_true(timer_is_due());
    go_to(0);
    assert_false(timer_is_due());
    set_on(0, 0, 4500); /* moved */
    now = 5000;
    assert_int_equal(expired_on(1, 0), 0);
    assert_int_equal(expired_on(0, 0), 1);
    set_on(0, 0, 6000);
    go_to(1);
    model[0].deadline = NEVER;
    timer_stop(&model[0].timer);
    now = 7000;
    assert_int_equal(expired_on(0, 0), 0);
}

static void test_random(void **state)
{
    unsigned total = 0;

    (void)state;
    srandom(1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned which = (unsigned)random() % TIMERS;

        switch (random() % 4) {
        case 0:
        case 1:
            set(which, now + (uint64_t)random() % 100 - 10);
            break;
        case 2:
            model[which].deadline = NEVER;
            timer_stop(&model[which].timer);
            check_alarm();
            break;
        default:
            now += (uint64_t)random() % 30;
            run();
        }
    }
    for (unsigned i = 0; i < TIMERS; i++)
        total += model[i].expired;
    assert_true(total > ROUNDS / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, set_up),
        cmocka_unit_test_setup(test_past, set_up),
        cmocka_unit_test_setup(test_due, set_up),
        cmocka_unit_test_setup(test_moved, set_up),
        cmocka_unit_test_setup(test_stopped, set_up),
        cmocka_unit_test_setup(test_again, set_up),
        cmocka_unit_test_setup(test_order_of_equals, set_up),
        cmocka_unit_test_setup(test_processors, set_up),
        cmocka_unit_test_setup(test_random, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
