/* SPDX-License-Identifier: MIT */
/* What lists of permissions allow: against a table of who may what. */
/* links: hv/service/store_permissions.c hv/service/store_text.c hv/service/store_tree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_parts.h>

#define LIST(literal) literal, sizeof(literal) - 1

static const struct {
    const char *bytes;
    size_t length;
    unsigned domid;
    bool owner, reads, writes;
} rows[] = {
    {LIST(""), 3, false, false, false},
    {LIST("n3\0"), 3, true, true, true},
    {LIST("n3\0"), 4, false, false, false},
    {LIST("n3\0"), 0, false, false, false},
    {LIST("r3\0"), 4, false, true, false},
    {LIST("w3\0"), 4, false, false, true},
    {LIST("b3\0"), 4, false, true, true},
    {LIST("n0\0r3\0"), 3, false, true, false},
    {LIST("n0\0r3\0"), 33, false, false, false},
    {LIST("n0\0r33\0"), 3, false, false, false},
    {LIST("n0\0w3\0"), 3, false, false, true},
    {LIST("b0\0n3\0"), 3, false, false, false}, /* what is said of one counts more than what is said of all */
    {LIST("b0\0n3\0"), 4, false, true, true},
    {LIST("r0\0w3\0"), 3, false, false, true},
    {LIST("n0\0r1\0b3\0"), 3, false, true, true},
    {LIST("n3\0n3\0"), 3, true, true, true}, /* the owner cannot be kept out */
    {LIST("n32767\0"), 32767, true, true, true},
};

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct store_text list = {rows[i].bytes, rows[i].length};

        assert_int_equal(store_permissions_own(list, rows[i].domid), rows[i].owner);
        assert_int_equal(store_permissions_allow(list, rows[i].domid, 'r'), rows[i].reads);
        assert_int_equal(store_permissions_allow(list, rows[i].domid, 'w'), rows[i].writes);
    }
}

static void entries(void **state)
{
    static const char *const good[] = {"n0", "r1", "w32767", "b007"};
    static const char *const bad[] = {"", "n", "0", "x1", "n32768", "n-1", "n1 ", "nn1", "n1234567890", "N1"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(store_permission_is_good((struct store_text){good[i], strlen(good[i])}));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(store_permission_is_good((struct store_text){bad[i], strlen(bad[i])}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists), cmocka_unit_test(entries)};

    return cmocka_run_group_tests_name("store permissions", tests, NULL, NULL);
}
