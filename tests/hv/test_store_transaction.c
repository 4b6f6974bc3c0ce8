/* SPDX-License-Identifier: MIT */
/* Transactions of the xenstore: what is seen of them, what becomes of them, and how many there may be. */
/* links: hv/service/xenstore.c hv/service/store_permissions.c hv/service/store_session.c hv/service/store_watch.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/objects.h>
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
    assert_event(TEXT("data/a\0token\0"));
    assert_event(TEXT("data/a\0token\0"));
    assert_event(TEXT("data/b\0token\0"));
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

static void test_transaction_conflict(void **state)
{
    uint32_t writer = start_transaction(), reader = start_transaction(), loser = start_transaction();

    (void)state;
    call_in(reader, XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    call_in(writer, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    call_in(loser, XS_WRITE, TEXT("data/b\0value"));
    assert_ok();
    call_in(writer, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
    call_in(loser, XS_TRANSACTION_END, TEXT("T\0"));
    assert_error("EAGAIN");
    call_in(reader, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("a\0"));
}

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
    assert_int_equal(objects, 1);
    (void)start_transaction(); /* left open: the end of the domain gives it back */
}

static void test_transaction_that_changes_too_much(void **state)
{
    static char path[1001] = "data/";
    uint32_t id = start_transaction();
    unsigned count = 0;

    (void)state;
    memset(path + 5, 'x', 995);
    do {
        call_in(id, XS_WRITE, path, sizeof(path));
        count++;
    } while (reply.head.type != XS_ERROR);
    assert_error("ENOSPC");
    assert_int_equal(count, 5); /* 4 paths fit into 4 KiB */
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_transaction),
        TEST(test_transaction_dropped),
        TEST(test_transaction_conflict),
        TEST(test_too_many_transactions),
        TEST(test_transaction_that_changes_too_much),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
