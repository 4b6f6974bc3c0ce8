/* SPDX-License-Identifier: MIT */
/* Where a back end goes from each state, with each of the front end's: the table, written out. */
/* links: backend/xenbus_state.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <backend/xenbus_state.h>

/* A digit for each state of the front end's, from 0 to 8. */
static const struct {
    enum xenbus_state own;
    const char *next[3]; /* by the wish */
} table[] = {
    {XENBUS_INITIALISING, {"222222222", "666226666", "666666666"}},
    {XENBUS_INIT_WAIT, {"522445522", "555445555", "555555555"}},
    {XENBUS_CONNECTED, {"555445544", "555555555", "555555555"}},
    {XENBUS_CLOSING, {"666555655", "666555655", "666555655"}},
    {XENBUS_CLOSED, {"626666666", "666666666", "666666666"}},
};

static void test_table(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        for (unsigned front = 0; front < XENBUS_STATES; front++) {
            for (unsigned wish = XENBUS_SERVE; wish <= XENBUS_REFUSE; wish++)
                assert_int_equal(xenbus_next(table[i].own, front, wish), table[i].next[wish][front] - '0');
        }
    }
}

static void test_asks(void **state)
{
    (void)state;
    for (unsigned front = 0; front < XENBUS_STATES; front++)
        assert_int_equal(xenbus_asks(front), "000110011"[front] - '0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_asks)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
