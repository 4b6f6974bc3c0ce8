/* SPDX-License-Identifier: MIT */
/* What the hypervisor writes into the xenstore: where, at whose expense, with which rights, and who hears of it. */
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
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_set.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

static void test_paths(void **state)
{
    char bytes[STORE_PLACE_MAX + 1];
    char name[STORE_PLACE_MAX + 1];
    struct store_text path = store_set_path(store_text("/a"), store_text("b/c"), bytes);

    (void)state;
    assert_int_equal(path.length, 6);
    assert_memory_equal(path.bytes, "/a/b/c", 6);
    memset(name, 'n', STORE_PLACE_MAX);
    name[STORE_PLACE_MAX] = '\0';
    bytes[STORE_PLACE_MAX] = '#';
    assert_int_equal(store_set_path(store_text("/a"), store_text(name), bytes).length, STORE_PLACE_MAX);
    assert_int_equal(bytes[STORE_PLACE_MAX], '#');
}

static void test_values(void **state)
{
    struct store_session *session = audit_session();
    struct store_text home = store_home(session);
    unsigned nodes = session->own.nr_nodes;

    (void)state;
    assert_int_equal(store_set(session, home, "above/text", store_text("one")), 0);
    assert_int_equal(store_set_number(session, home, "above/number", 18446744073709551615u), 0);
    assert_int_equal(session->own.nr_nodes, nodes + 3);
    call(XS_READ, TEXT("above/text\0"));
    assert_reply(TEXT("one"));
    call(XS_READ, TEXT("above/number\0"));
    assert_reply(TEXT("18446744073709551615"));
    assert_int_equal(store_set(session, home, "above/text", store_text("two")), 0);
    assert_int_equal(session->own.nr_nodes, nodes + 3);
    call(XS_READ, TEXT("above/text\0"));
    assert_reply(TEXT("two"));
    call(XS_WRITE, TEXT("above/text\0three")); /* the rights are the hypervisor's alone */
    assert_error("EACCES");
}

/* A privileged domain writes at the store's expense; what the hypervisor writes for it is at its own all the same. */
static void test_account_of_the_privileged(void **state)
{
    unsigned control;

    (void)state;
    as(1);
    host_come(0, true);
    control = audit_store()->control.nr_nodes;
    assert_int_equal(store_set(audit_session(), store_home(audit_session()), "key", store_text("value")), 0);
    assert_int_equal(audit_store()->control.nr_nodes, control);
    call(XS_WRITE, TEXT("other\0value"));
    assert_ok();
    assert_int_equal(audit_store()->control.nr_nodes, control + 1);
}

static void test_no_room(void **state)
{
    struct store_session *session = audit_session();
    char value[2048];
    unsigned used, failures = 0;

    (void)state;
    memset(value, 'v', sizeof(value));
    for (char name[] = "data/aa"; name[5] <= 'z'; name[5]++) {
        for (name[6] = 'a'; name[6] <= 'z'; name[6]++)
            failures += store_set(session, store_home(session), name, (struct store_text){value, sizeof(value)}) != 0;
    }
    assert_in_range(failures, 1, 26 * 26 - 100);
    used = session->own.used;
    assert_int_equal(store_set(session, store_home(session), "a/b/c", (struct store_text){value, sizeof(value)}),
                     -XEN_ENOSPC);
    assert_int_equal(session->own.used, used);
    call(XS_READ, TEXT("a\0")); /* nothing of it is there */
    assert_error("ENOENT");
}

static void test_rights(void **state)
{
    struct store_session *session = audit_session(), *other;
    char bytes[STORE_PLACE_MAX];
    struct store_text path = store_set_path(store_home(session), store_text("key"), bytes);

    (void)state;
    as(1);
    host_come(4, false);
    other = audit_session();
    assert_int_equal(store_set_at(session, path, store_text("value")), 0);
    call_as(1, XS_READ, TEXT(HOME "/key\0"));
    assert_error("EACCES");
    store_set_rights(session->store, path, session, other);
    call_as(1, XS_GET_PERMS, TEXT(HOME "/key\0"));
    assert_reply(TEXT("n3\0r4\0"));
    call_as(1, XS_WRITE, TEXT(HOME "/key\0x"));
    assert_error("EACCES");
    store_set_rights(session->store, path, NULL, session);
    call_as(0, XS_GET_PERMS, TEXT("key\0"));
    assert_reply(TEXT("n0\0r3\0"));
    store_set_rights(session->store, path, other, NULL);
    call_as(1, XS_GET_PERMS, TEXT(HOME "/key\0"));
    assert_reply(TEXT("n4\0"));
    call_as(0, XS_READ, TEXT("key\0"));
    assert_error("EACCES");
    store_set_rights(session->store, store_text("/nowhere"), session, NULL);
}

/* In the middle of a transaction of the guest's: it is the tree itself that is written. */
static void test_watched(void **state)
{
    struct store_session *session = audit_session();
    uint32_t transaction;

    (void)state;
    call(XS_WATCH, TEXT("device\0token\0"));
    assert_ok();
    assert_event(TEXT("device\0token\0"));
    transaction = start_transaction();
    call_in(transaction, XS_WRITE, TEXT("data\0own"));
    assert_ok();
    assert_int_equal(store_set(session, store_home(session), "device/key", store_text("value")), 0);
    xenstore_run(&host->domain); /* it has not been told */
    assert_event(TEXT("device/key\0token\0"));
    call(XS_READ, TEXT("data\0"));
    assert_reply(TEXT(""));
    call_in(transaction, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
    call(XS_READ, TEXT("data\0"));
    assert_reply(TEXT("own"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths),   TEST(test_values), TEST(test_account_of_the_privileged),
        TEST(test_no_room), TEST(test_rights), TEST(test_watched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
