/* SPDX-License-Identifier: MIT */
/* What lists of permissions allow: against a table of who may what; their text. */
/* links: hv/service/store_permissions.c hv/service/store_text.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_permissions.h>

/* Entries as texts; the instance of each is its domain's number, and ten more. */
static struct store_permissions list_of(const char *entries)
{
    struct store_text rest = {entries, strlen(entries)};
    struct store_permissions list = {0};

    while (rest.length > 0) {
        struct store_permission *entry = &list.entries[list.count++];
        size_t length = strcspn(rest.bytes, " ");

        assert_true(store_permission_read((struct store_text){rest.bytes, length}, entry));
        assert_int_equal(entry->instance, STORE_NOBODY);
        entry->instance = entry->domid + 10u;
        length += rest.bytes[length] == ' ';
        rest = (struct store_text){rest.bytes + length, rest.length - length};
    }
    return list;
}

static const struct {
    const char *entries;
    unsigned domid;
    bool owner, reads, writes;
} rows[] = {
    {"n3", 3, true, true, true},
    {"n3", 4, false, false, false},
    {"n3", 0, false, false, false},
    {"r3", 4, false, true, false},
    {"w3", 4, false, false, true},
    {"b3", 4, false, true, true},
    {"n0 r3", 3, false, true, false},
    {"n0 r3", 33, false, false, false},
    {"n0 r33", 3, false, false, false},
    {"n0 w3", 3, false, false, true},
    {"b0 n3", 3, false, false, false}, /* what is said of one counts more than what is said of all */
    {"b0 n3", 4, false, true, true},
    {"r0 w3", 3, false, false, true},
    {"n0 r1 b3", 3, false, true, true},
    {"n3 n3", 3, true, true, true}, /* the owner cannot be kept out */
    {"n0 r1 r2 r3 r4 r5 r6 w7", 7, false, false, true},
    {"n32767", 32767, true, true, true},
};

static void lists(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct store_permissions list = list_of(rows[i].entries);
        uint32_t instance = rows[i].domid + 10;

        assert_int_equal(store_permissions_own(&list, instance), rows[i].owner);
        assert_int_equal(store_permissions_allow(&list, instance, 'r'), rows[i].reads);
        assert_int_equal(store_permissions_allow(&list, instance, 'w'), rows[i].writes);
    }
}

/* The number alone is nothing: another instance has it. */
static void instances(void **state)
{
    const struct store_permissions list = list_of("n3 b4");

    (void)state;
    assert_false(store_permissions_own(&list, 23));
    assert_false(store_permissions_allow(&list, 23, 'r'));
    assert_false(store_permissions_allow(&list, 24, 'w'));
}

static void texts(void **state)
{
    char bytes[64] = {0};
    struct store_reply reply = {bytes, 0};
    const struct store_permissions list = list_of("n32767 r0 b007");

    (void)state;
    store_permissions_write(&list, &reply);
    assert_int_equal(reply.length, 13);
    assert_memory_equal(bytes, "n32767\0r0\0b7\0", 14);
}

static void forgotten(void **state)
{
    struct store_permissions list = list_of("n3 r4 b5 w4");

    (void)state;
    assert_false(store_permissions_forget(&list, 16));
    assert_int_equal(list.count, 4);
    assert_true(store_permissions_forget(&list, 14));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.entries[0].domid, 3);
    assert_int_equal(list.entries[1].domid, 5);
    assert_false(store_permissions_allow(&list, 14, 'r'));
    assert_true(store_permissions_allow(&list, 15, 'w'));
}

static void entries(void **state)
{
    static const char *const good[] = {"n0", "r1", "w32767", "b007"};
    static const char *const bad[] = {"", "n", "0", "x1", "n32768", "n-1", "n1 ", "nn1", "n1234567890", "N1", "n65536"};
    struct store_permission entry;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(store_permission_read((struct store_text){good[i], strlen(good[i])}, &entry));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(store_permission_read((struct store_text){bad[i], strlen(bad[i])}, &entry));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),     cmocka_unit_test(instances), cmocka_unit_test(texts),
        cmocka_unit_test(forgotten), cmocka_unit_test(entries),
    };

    return cmocka_run_group_tests_name("store permissions", tests, NULL, NULL);
}
