/* SPDX-License-Identifier: MIT */
/* Who is meant by a list of permissions, and who may give what to whom. */
/* links: hv/service/xenstore.c hv/service/store_account.c hv/service/store_change.c hv/service/store_device.c */
/* links: hv/service/store_home.c hv/service/store_operation.c hv/service/store_permissions.c */
/* links: hv/service/store_request.c hv/service/store_rights.c hv/service/store_session.c hv/service/store_set.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c hv/service/store_watch.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/store_audit.c */
/* links: tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/service/store_rights.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

static int read_list(const char *text, size_t length, const char *old, size_t old_length,
                     struct store_permissions *list)
{
    struct store_permissions before = {0};
    struct store_text rest = {old, old_length};

    while (rest.length > 0) {
        struct store_permission *entry = &before.entries[before.count++];
        const struct store_session *named;

        assert_true(store_permission_read(store_next_text(&rest), entry));
        named = store_session_of(audit_store(), entry->domid);
        entry->instance = entry->domid == 0 ? STORE_CONTROL : named ? named->instance : STORE_NOBODY;
    }
    return store_rights_read(audit_session(), (struct store_text){text, length}, &before, list);
}

static void test_entries_mean_instances(void **state)
{
    struct store_permissions list;
    uint32_t own = audit_session()->instance;

    (void)state;
    as(1);
    host_come(4, false);
    as(0);
    assert_int_equal(read_list(TEXT("n3\0r4\0w9\0b0\0"), TEXT("n3\0"), &list), 0);
    assert_int_equal(list.count, 4);
    assert_int_equal(list.entries[0].instance, own);
    assert_int_equal(list.entries[1].instance, store_session_of(audit_store(), 4)->instance);
    assert_int_equal(list.entries[2].instance, STORE_NOBODY); /* not there: nor is whoever comes by that number */
    assert_int_equal(list.entries[3].instance, STORE_NOBODY); /* the control needs no right */
}

/* Shows xenstore_ring.owner. */
static void test_who_gives_what_away(void **state)
{
    struct store_permissions list;

    (void)state;
    assert_int_equal(read_list(TEXT("n0\0"), TEXT("n3\0"), &list), -XEN_EPERM);
    assert_int_equal(read_list(TEXT("n4\0"), TEXT("n3\0"), &list), -XEN_EPERM);
    as(1);
    host_come(0, true);
    assert_int_equal(read_list(TEXT("n0\0"), TEXT("n3\0"), &list), 0);
    assert_int_equal(list.entries[0].instance, STORE_CONTROL);
    assert_int_equal(read_list(TEXT("n3\0"), TEXT("n0\0"), &list), 0);
    assert_int_equal(list.entries[0].instance, store_session_of(audit_store(), 3)->instance);
    assert_int_equal(read_list(TEXT("n9\0"), TEXT("n0\0"), &list), -XEN_EINVAL); /* nobody yet: XSA-322 */
}

static void test_lists_that_are_none(void **state)
{
    struct store_permissions list;

    (void)state;
    assert_int_equal(read_list(TEXT(""), TEXT("n3\0"), &list), -XEN_EINVAL);
    assert_int_equal(read_list(TEXT("n3\0\0"), TEXT("n3\0"), &list), -XEN_EINVAL);
    assert_int_equal(read_list(TEXT("n3\0x4\0"), TEXT("n3\0"), &list), -XEN_EINVAL);
    assert_int_equal(read_list(TEXT("n3\0r1\0r1\0r1\0r1\0r1\0r1\0r1\0"), TEXT("n3\0"), &list), 0);
    assert_int_equal(read_list(TEXT("n3\0r1\0r1\0r1\0r1\0r1\0r1\0r1\0r1\0"), TEXT("n3\0"), &list), -XEN_ENOSPC);
}

/* Domain 0 without privilege is a domain like any other: what the control owns is not its own. */
static void test_number_0_is_no_right(void **state)
{
    struct store_permissions list;
    const struct store_permissions control = {1, {{.instance = STORE_CONTROL, .domid = 0, .letter = 'n'}}};

    (void)state;
    as(1);
    host_come(0, false);
    assert_false(store_session_may(audit_session(), &control, 'r'));
    call(XS_WRITE, TEXT(HOME "/name\0mine"));
    assert_error("EACCES");
    call(XS_SET_PERMS, TEXT("/local/domain/0/name\0n0\0"));
    assert_error("EACCES");
    call(XS_READ, TEXT("/\0"));
    assert_error("EACCES");
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n0\0"));
    call(XS_WRITE, TEXT("data/a\0mine"));
    assert_ok();
    as(0);
    call(XS_SET_PERMS, TEXT("data\0n3\0r0\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data/b\0shown"));
    assert_ok();
    as(1);
    call(XS_READ, TEXT(HOME "/data/b\0")); /* what is meant for domain 0 is for it */
    assert_reply(TEXT("shown"));
    assert_int_equal(read_list(TEXT("n0\0"), TEXT("n3\0"), &list), -XEN_EPERM);
}

/* Shows xenstore_ring.inherited. */
static void test_inheritance(void **state)
{
    struct store_permissions above = {
        2, {{.instance = STORE_CONTROL, .domid = 0, .letter = 'r'}, {.instance = 77, .domid = 7, .letter = 'b'}}};
    struct store_permissions list = store_rights_inherit(audit_session(), &above);

    (void)state;
    assert_int_equal(list.count, 2);
    assert_int_equal(list.entries[0].instance, audit_session()->instance);
    assert_int_equal(list.entries[0].domid, 3);
    assert_int_equal(list.entries[0].letter, 'r');
    assert_memory_equal(&list.entries[1], &above.entries[1], sizeof(above.entries[1]));
    as(1);
    host_come(0, true);
    list = store_rights_inherit(audit_session(), &above);
    assert_int_equal(list.entries[0].instance, STORE_CONTROL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_entries_mean_instances), TEST(test_who_gives_what_away), TEST(test_lists_that_are_none),
        TEST(test_number_0_is_no_right),   TEST(test_inheritance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
