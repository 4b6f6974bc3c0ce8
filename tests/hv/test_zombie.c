/* SPDX-License-Identifier: MIT */
/*
 * The list of zombies: each is taken once, when it has no frame any more, wherever it stands; one that is waited for
 * shows up once before that.
 */
/* links: hv/domain/zombie.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/time/time.h>

#define ZOMBIES 3u

static struct hv_domain domains[ZOMBIES];
static struct timer *set; /* the last timer that was set, or stopped */
static unsigned given_way;

uint64_t time_now(void)
{
    return 5000;
}

void timer_set(struct timer *timer, uint64_t deadline)
{
    set = timer;
    timer->deadline = deadline;
    timer->active = true;
}

void timer_stop(struct timer *timer)
{
    set = timer;
    timer->active = false;
}

void hv_vcpu_give_way(void)
{
    given_way++;
}

/* They empty in each order. */
static void test_orders(void **state)
{
    static const unsigned orders[][ZOMBIES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    assert_false(zombie_is_empty());
    assert_null(zombie_take());
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned j = 0; j < ZOMBIES; j++) {
            domains[j].engine.nr_frames = j + 1;
            zombie_add(&domains[j]);
        }
        for (unsigned j = 0; j < ZOMBIES; j++) {
            assert_false(zombie_is_empty());
            assert_null(zombie_take());
            domains[orders[i][j]].engine.nr_frames = 0;
            assert_true(zombie_is_empty());
            assert_ptr_equal(zombie_take(), &domains[orders[i][j]]);
        }
    }
}

static void test_several_at_once(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (unsigned j = 0; j < ZOMBIES; j++) {
        domains[j].engine.nr_frames = 0;
        zombie_add(&domains[j]);
    }
    for (unsigned j = 0; j < ZOMBIES; j++)
        seen |= 1u << (zombie_take() - domains);
    assert_int_equal(seen, 7);
    assert_null(zombie_take());
}

/* It is returned once, and is a zombie all the same; when it is empty nothing is waited for any more. */
static void test_wait(void **state)
{
    (void)state;
    for (unsigned j = 0; j < ZOMBIES; j++) {
        domains[j].engine.nr_frames = 1;
        zombie_add(&domains[j]);
    }
    zombie_wait(&domains[1], 70);
    assert_int_equal(set->deadline, 5070);
    assert_null(zombie_take());
    set->expire(set);
    assert_int_equal(given_way, 1);
    assert_false(zombie_is_empty());
    assert_ptr_equal(zombie_take(), &domains[1]);
    assert_null(zombie_take());
    zombie_wait(&domains[1], 70);
    for (unsigned j = 0; j < ZOMBIES; j++) {
        domains[j].engine.nr_frames = 0;
        assert_ptr_equal(zombie_take(), &domains[j]);
        assert_ptr_equal(set, &domains[j].zombie.patience);
        assert_false(set->active);
    }
    assert_null(zombie_take());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_several_at_once),
        cmocka_unit_test(test_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
