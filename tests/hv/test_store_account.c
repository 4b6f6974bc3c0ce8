/* SPDX-License-Identifier: MIT */
/* The memory of a xenstore client: what is taken is nobody else's, and all of it can be taken again. */
/* links: hv/service/store_account.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_account.h>

#define OBJECTS 300u
#define ROUNDS  20000u
#define HEAD    8u

static struct store_account *account;
static struct {
    uint8_t *bytes;
    size_t size;
    uint8_t filling;
} objects[OBJECTS];

static int set_up(void **state)
{
    (void)state;
    account = calloc(1, sizeof(*account));
    memset(objects, 0, sizeof(objects));
    store_account_init(account);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(account);
    return 0;
}

static void give(unsigned i)
{
    for (size_t at = 0; at < objects[i].size; at++)
        assert_int_equal(objects[i].bytes[at], objects[i].filling);
    store_account_give(account, objects[i].bytes);
    objects[i].bytes = NULL;
}

static bool take(unsigned i, size_t size, uint8_t filling)
{
    uint8_t *bytes = store_account_take(account, size);

    if (!bytes)
        return false;
    assert_true(bytes >= account->bytes + HEAD && bytes + size <= account->bytes + sizeof(account->bytes));
    assert_int_equal((uintptr_t)bytes % 8, 0);
    memset(bytes, filling, size);
    objects[i].bytes = bytes;
    objects[i].size = size;
    objects[i].filling = filling;
    return true;
}

static void test_all_of_it(void **state)
{
    const size_t most = sizeof(account->bytes) - HEAD;

    (void)state;
    assert_false(take(0, most + 1, 1));
    assert_false(take(0, SIZE_MAX, 1));
    assert_false(take(0, SIZE_MAX - 3, 1));
    assert_true(take(0, most, 1));
    assert_int_equal(account->used, sizeof(account->bytes));
    assert_false(take(1, 1, 2));
    give(0);
    assert_int_equal(account->used, 0);
    assert_true(take(0, most, 1));
}

/* Places that are given back in any order become one again. */
static void test_neighbours_join(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const size_t third = sizeof(account->bytes) / 3 / 8 * 8 - HEAD;

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        for (unsigned j = 0; j < 3; j++)
            assert_true(take(j, third, (uint8_t)j));
        for (unsigned j = 0; j < 3; j++)
            give(orders[i][j]);
        assert_true(take(0, sizeof(account->bytes) - HEAD, 9));
        give(0);
    }
}

static void test_random(void **state)
{
    unsigned refused = 0;
    size_t sum = 0;

    (void)state;
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = (unsigned)rand() % OBJECTS;

        if (objects[i].bytes) {
            sum -= HEAD + (objects[i].size + 7) / 8 * 8;
            give(i);
        } else if (take(i, (size_t)rand() % 3000, (uint8_t)rand())) {
            sum += HEAD + (objects[i].size + 7) / 8 * 8;
        } else {
            refused++;
        }
        assert_int_equal(account->used, sum);
    }
    assert_true(refused > 0);
    for (unsigned i = 0; i < OBJECTS; i++) {
        if (objects[i].bytes)
            give(i);
    }
    assert_true(take(0, sizeof(account->bytes) - HEAD, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_of_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_neighbours_join, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
