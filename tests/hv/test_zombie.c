/* SPDX-License-Identifier: MIT */
/* The list of zombies: each is taken once, when it has no frame any more, wherever it stands. */
/* links: hv/domain/zombie.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/domain/domain.h>
#include <hv/domain/zombie.h>

#define ZOMBIES 3u

static struct hv_domain domains[ZOMBIES];

/* They empty in each order. */
static void test_orders(void **state)
{
    static const unsigned orders[][ZOMBIES] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    (void)state;
    assert_false(zombie_is_empty());
    assert_null(zombie_take_empty());
    for (unsigned i = 0; i < 6; i++) {
        for (unsigned j = 0; j < ZOMBIES; j++) {
            domains[j].engine.nr_frames = j + 1;
            zombie_add(&domains[j]);
        }
        for (unsigned j = 0; j < ZOMBIES; j++) {
            assert_false(zombie_is_empty());
            assert_null(zombie_take_empty());
            domains[orders[i][j]].engine.nr_frames = 0;
            assert_true(zombie_is_empty());
            assert_ptr_equal(zombie_take_empty(), &domains[orders[i][j]]);
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
        seen |= 1u << (zombie_take_empty() - domains);
    assert_int_equal(seen, 7);
    assert_null(zombie_take_empty());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_several_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
