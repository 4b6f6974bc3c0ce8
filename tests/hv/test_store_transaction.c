/* SPDX-License-Identifier: MIT */
/* Transactions of the xenstore: what is seen of them, what becomes of them, and how many there may be. */
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
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_change.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

static void test_transaction(void **state)
{
    uint32_t id;

    (void)state;
    call(XS_WATCH, TEXT("data\0token\0"));
    assert_ok();
    assert_event(TEXT("data\0token\0"));
    id = start_transaction();
    assert_int_not_equal(id, 0);
    call_in(id, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    assert_silence();
    call(XS_READ, TEXT("data/a\0"));
    assert_error("ENOENT");
    call_in(id, XS_READ, TEXT("data/a\0"));
    assert_reply(TEXT("value"));
    call_in(id, XS_RM, TEXT("data/a\0"));
    assert_ok();
    call_in(id, XS_WRITE, TEXT("data/b\0value"));
    assert_ok();
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
    assert_event(TEXT("data/a\0token\0")); /* once, for both */
    assert_event(TEXT("data/b\0token\0"));
    assert_silence();
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("b\0"));
    call_in(id, XS_READ, TEXT("data/b\0"));
    assert_error("ENOENT");
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_error("ENOENT");
}

static void test_transaction_dropped(void **state)
{
    uint32_t id = start_transaction();

    (void)state;
    call_in(id, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    call_in(id, XS_TRANSACTION_END, TEXT("x\0"));
    assert_error("EINVAL");
    call_in(id, XS_TRANSACTION_END, TEXT("F\0"));
    assert_ok();
    call(XS_READ, TEXT("data/a\0"));
    assert_error("ENOENT");
}

/* Commit @id, and say whether it was in time. */
static void assert_commit(uint32_t id, bool in_time)
{
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    if (in_time)
        assert_ok();
    else
        assert_error("EAGAIN");
    store_audit();
}

static void write_in(uint32_t id, const char *text, size_t length)
{
    call_in(id, XS_WRITE, text, length);
    assert_ok();
}

/* What was read, or listed, or found missing, and then changed by another.  Shows xenstore_ring.transactions. */
static void test_conflicts(void **state)
{
    uint32_t id = start_transaction();

    (void)state;
    write_in(0, TEXT("data/a\0old"));
    call_in(id, XS_READ, TEXT("data/a\0"));
    assert_reply(TEXT("old"));
    write_in(id, TEXT("data/b\0mine"));
    write_in(0, TEXT("data/a\0new"));
    assert_commit(id, false);
    call(XS_READ, TEXT("data/b\0"));
    assert_error("ENOENT");
    id = start_transaction();
    call_in(id, XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("a\0"));
    write_in(id, TEXT("data/b\0mine"));
    write_in(0, TEXT("data/c\0new"));
    assert_commit(id, false);
    id = start_transaction();
    call_in(id, XS_READ, TEXT("data/d\0"));
    assert_error("ENOENT");
    write_in(id, TEXT("data/b\0mine"));
    write_in(0, TEXT("data/d\0new"));
    assert_commit(id, false);
    id = start_transaction();
    write_in(id, TEXT("data/a/x\0mine")); /* below what another removes */
    call(XS_RM, TEXT("data/a\0"));
    assert_ok();
    assert_commit(id, false);
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("c\0d\0"));
}

/* What does not depend on what another did. */
static void test_no_conflicts(void **state)
{
    uint32_t id = start_transaction(), other = start_transaction();

    (void)state;
    write_in(0, TEXT("data/a\0old"));
    write_in(id, TEXT("data/b\0mine"));
    write_in(other, TEXT("data/c\0other's"));
    assert_commit(other, true);
    assert_commit(id, true);
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("a\0b\0c\0"));
    id = start_transaction();
    write_in(id, TEXT("data/a\0mine")); /* blindly */
    write_in(0, TEXT("data/a\0new"));
    assert_commit(id, true);
    call(XS_READ, TEXT("data/a\0"));
    assert_reply(TEXT("mine"));
    id = start_transaction();
    call_in(id, XS_READ, TEXT("data/a\0"));
    write_in(0, TEXT("data/a\0new"));
    assert_commit(id, true); /* it has only read, once */
}

/* One that has read the state of two moments fails, although it changes nothing. */
static void test_torn(void **state)
{
    uint32_t id = start_transaction();

    (void)state;
    write_in(0, TEXT("data/a\0old"));
    write_in(0, TEXT("data/b\0old"));
    call_in(id, XS_READ, TEXT("data/a\0"));
    assert_reply(TEXT("old"));
    write_in(0, TEXT("data/a\0new"));
    write_in(0, TEXT("data/b\0new"));
    call_in(id, XS_READ, TEXT("data/b\0"));
    assert_reply(TEXT("new"));
    assert_commit(id, false);
}

/* A transaction sees what it has done, also what it has done to that. */
static void test_own_changes(void **state)
{
    uint32_t id = start_transaction();

    (void)state;
    write_in(0, TEXT("data/a/b\0old"));
    call_in(id, XS_RM, TEXT("data/a\0"));
    assert_ok();
    call_in(id, XS_READ, TEXT("data/a/b\0"));
    assert_error("ENOENT");
    call_in(id, XS_RM, TEXT("data/a\0")); /* nothing */
    assert_ok();
    write_in(id, TEXT("data/a/c\0new"));
    call_in(id, XS_DIRECTORY, TEXT("data/a\0"));
    assert_reply(TEXT("c\0"));
    call_in(id, XS_SET_PERMS, TEXT("data/a\0r3\0"));
    assert_ok();
    call_in(id, XS_GET_PERMS, TEXT("data/a\0"));
    assert_reply(TEXT("r3\0"));
    call_in(id, XS_GET_PERMS, TEXT("data/a/c\0"));
    assert_reply(TEXT("n3\0"));
    call(XS_DIRECTORY, TEXT("data/a\0")); /* nobody else sees any of it */
    assert_reply(TEXT("b\0"));
    call(XS_GET_PERMS, TEXT("data/a\0"));
    assert_reply(TEXT("n3\0"));
    assert_commit(id, true);
    call(XS_DIRECTORY, TEXT("data/a\0"));
    assert_reply(TEXT("c\0"));
    call(XS_GET_PERMS, TEXT("data/a\0"));
    assert_reply(TEXT("r3\0"));
}

/* Another's node at the same path is not what the transaction had, whatever it did to that. */
static void test_another_node_at_the_same_path(void **state)
{
    uint32_t id;

    (void)state;
    as(1);
    host_come(4, false);
    as(0);
    call(XS_SET_PERMS, TEXT("data\0w3\0"));
    assert_ok();
    as(1);
    write_in(0, TEXT(HOME "/data/a\0mine"));
    id = start_transaction();
    call_in(id, XS_SET_PERMS, TEXT(HOME "/data/a\0b4\0"));
    assert_ok();
    as(0);
    call(XS_RM, TEXT("data/a\0"));
    assert_ok();
    call(XS_SET_PERMS, TEXT("data\0n3\0"));
    assert_ok();
    write_in(0, TEXT("data/a\0secret"));
    as(1);
    call_in(id, XS_READ, TEXT(HOME "/data/a\0"));
    assert_error("EACCES");
    assert_commit(id, false);
    as(0);
    call(XS_GET_PERMS, TEXT("data/a\0"));
    assert_reply(TEXT("n3\0"));
}

/* After a conflict others wait for a privileged transaction, until it ends. */
static void test_privileged_is_preferred(void **state)
{
    uint32_t id;

    (void)state;
    write_in(0, TEXT("data/a\0old"));
    as(1);
    host_come(0, true);
    id = start_transaction();
    call_in(id, XS_READ, TEXT(HOME "/data/a\0"));
    write_in(id, TEXT(HOME "/name\0other"));
    as(0);
    write_in(0, TEXT("data/a\0new"));
    as(1);
    assert_commit(id, false);
    id = start_transaction();
    call_in(id, XS_READ, TEXT(HOME "/data/a\0"));
    assert_reply(TEXT("new"));
    write_in(id, TEXT(HOME "/name\0other"));
    as(0);
    put(&(struct xsd_sockmsg){XS_WRITE, 1, 0, 7}, sizeof(struct xsd_sockmsg));
    put("data/a\0", 7);
    assert_silence();
    as(1);
    assert_commit(id, true);
    as(0);
    receive();
    assert_ok();
    write_in(0, TEXT("data/a\0newer"));
}

static void test_preferred_ends_with_its_domain(void **state)
{
    uint32_t id;

    (void)state;
    as(1);
    host_come(0, true);
    id = start_transaction();
    call_in(id, XS_DIRECTORY, TEXT(HOME "/data\0"));
    write_in(id, TEXT(HOME "/name\0other"));
    as(0);
    write_in(0, TEXT("data/a\0new"));
    as(1);
    assert_commit(id, false);
    (void)start_transaction();
    as(0);
    put(&(struct xsd_sockmsg){XS_READ, 1, 0, 5}, sizeof(struct xsd_sockmsg));
    put("name", 5);
    assert_silence();
    as(1);
    host_go();
    as(0);
    receive();
    assert_reply(TEXT("guest"));
}

/* Shows xenstore_ring.quotas. */
static void test_too_many_transactions(void **state)
{
    uint32_t id = 0;

    (void)state;
    for (unsigned i = 0; i < 10; i++)
        id = start_transaction();
    call(XS_TRANSACTION_START, TEXT("\0"));
    assert_error("ENOSPC");
    call_in(id, XS_TRANSACTION_START, TEXT("\0"));
    assert_error("EBUSY");
    call(XS_RESET_WATCHES, TEXT("\0"));
    assert_ok();
    assert_int_equal(audit_session()->nr_transactions, 0);
    (void)start_transaction(); /* left open: the end of the domain gives it back */
}

/* Shows xenstore_ring.quotas. */
static void test_transaction_that_touches_too_much(void **state)
{
    uint32_t id = start_transaction();
    char path[32];
    unsigned count = 0;

    (void)state;
    do {
        snprintf(path, sizeof(path), "data/%u", count++);
        call_in(id, XS_READ, path, strlen(path) + 1);
    } while (strcmp(reply.payload, "ENOENT") == 0);
    assert_error("ENOSPC");
    assert_int_equal(count, STORE_TOUCHED_MAX); /* data itself is one of them */
    call_in(id, XS_WRITE, TEXT("data/0\0value"));
    assert_error("ENOSPC");
    assert_commit(id, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_transaction),
        TEST(test_transaction_dropped),
        TEST(test_conflicts),
        TEST(test_no_conflicts),
        TEST(test_torn),
        TEST(test_own_changes),
        TEST(test_another_node_at_the_same_path),
        TEST(test_privileged_is_preferred),
        TEST(test_preferred_ends_with_its_domain),
        TEST(test_too_many_transactions),
        TEST(test_transaction_that_touches_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
