/* SPDX-License-Identifier: MIT */
/* The xenstore as guests meet it: bytes in their rings. */
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
#include <hv/service/services.h>
#include <tests/hv/lib/xenstore_guest.h>

/*
 * ---- The ring.
 */

/* Shows xenstore_ring.messages. */
static void test_bytes_one_by_one(void **state)
{
    const struct xsd_sockmsg head = {XS_READ, 77, 0, 5};
    unsigned before = host->notifications;

    (void)state;
    for (size_t i = 0; i < sizeof(head); i++)
        put((const char *)&head + i, 1);
    for (size_t i = 0; i < 5; i++)
        put(&"name"[i], 1);
    receive();
    assert_int_equal(reply.head.req_id, 77);
    assert_reply(TEXT("guest"));
    assert_true(host->notifications > before);
}

static void test_nothing_to_do_notifies_nobody(void **state)
{
    (void)state;
    xenstore_run(&host->domain);
    assert_int_equal(host->notifications, 0);
}

/* Requests wait in the ring as long as nobody takes the replies. */
static void test_replies_that_nobody_takes(void **state)
{
    static char value[2000];
    struct xsd_sockmsg head = {XS_READ, 0, 0, 4};

    (void)state;
    memcpy(value, "data", 5);
    call(XS_WRITE, value, sizeof(value));
    assert_ok();
    for (unsigned i = 0; i < 20; i++) {
        head.req_id = i;
        assert_int_equal(host_put(&head, sizeof(head)), sizeof(head));
        assert_int_equal(host_put("data", 4), 4);
    }
    for (unsigned i = 0; i < 10; i++) {
        xenstore_run(&host->domain);
        assert_int_equal(host->page.ring.rsp_prod - host->page.ring.rsp_cons, XENSTORE_RING_SIZE);
        assert_int_equal(host->page.ring.req_prod - host->page.ring.req_cons, 19 * (sizeof(head) + 4));
    }
    for (unsigned i = 0; i < 20; i++) {
        receive();
        assert_int_equal(reply.head.req_id, i);
        assert_int_equal(reply.head.len, sizeof(value) - 5);
    }
    assert_silence();
}

/* Shows xenstore_ring.ring. */
static void test_indexes_wrap(void **state)
{
    (void)state;
    host->page.ring.req_cons = host->page.ring.req_prod = UINT32_MAX - 3;
    host->page.ring.rsp_cons = host->page.ring.rsp_prod = UINT32_MAX - 5;
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    assert_true(host->page.ring.req_cons < 100 && host->page.ring.rsp_prod < 100);
}

static void assert_closed(uint32_t error)
{
    unsigned words = host_words;
    uint32_t reached;

    xenstore_run(&host->domain);
    assert_int_equal(host_words, words + 1);
    assert_int_equal(host->page.ring.error, error);
    host->page.ring.rsp_cons = host->page.ring.rsp_prod;
    host->page.ring.req_prod = host->page.ring.req_cons;
    reached = host->page.ring.req_cons;
    (void)host_put("xxxx", 4);
    xenstore_run(&host->domain);
    assert_int_equal(host->page.ring.req_cons, reached);
    assert_int_equal(host_words, words + 1);
}

static void test_impossible_request_indexes(void **state)
{
    (void)state;
    host->page.ring.req_prod = host->page.ring.req_cons + XENSTORE_RING_SIZE + 1;
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

static void test_impossible_reply_indexes(void **state)
{
    (void)state;
    host->page.ring.rsp_cons = host->page.ring.rsp_prod + 1;
    (void)host_put("x", 1);
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

static void test_one_reply_byte_too_many(void **state)
{
    (void)state;
    host->page.ring.rsp_cons = host->page.ring.rsp_prod - XENSTORE_RING_SIZE - 1;
    (void)host_put("x", 1);
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

/* Shows xenstore_ring.messages. */
static void test_impossible_message(void **state)
{
    const struct xsd_sockmsg head = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    (void)host_put(&head, sizeof(head));
    assert_closed(XENSTORE_ERROR_PROTO);
}

/*
 * ---- What is written for a guest that asks for nothing.
 */

static void test_written_from_outside(void **state)
{
    unsigned before;

    (void)state;
    call(XS_WATCH, TEXT("control/shutdown\0token\0"));
    assert_ok();
    assert_event(TEXT("control/shutdown\0token\0"));
    before = host->notifications;
    assert_int_equal(xenstore_write(&host->domain, "control/shutdown", store_text("poweroff")), 0);
    assert_int_equal(host->notifications, before + 1);
    assert_event(TEXT("control/shutdown\0token\0"));
    call(XS_READ, TEXT("control/shutdown\0"));
    assert_reply(TEXT("poweroff"));
    call(XS_GET_PERMS, TEXT("control/shutdown\0"));
    assert_reply(TEXT("n3\0")); /* it is the guest's to answer */
    assert_int_equal(xenstore_write_vcpus(&host->domain, 1), 0);
    call(XS_READ, TEXT("cpu/0/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("cpu/1/availability\0"));
    assert_reply(TEXT("offline"));
    assert_silence();
}

static void test_one(void **state)
{
    (void)state;
    assert_false(xenstore_is_one(&host->domain, "control/feature-reboot")); /* empty */
    assert_false(xenstore_is_one(&host->domain, "control/nothing"));
    call(XS_WRITE, TEXT("control/feature-reboot\0001"));
    assert_ok();
    assert_true(xenstore_is_one(&host->domain, "control/feature-reboot"));
    call(XS_WRITE, TEXT("control/feature-reboot\00010"));
    assert_ok();
    assert_false(xenstore_is_one(&host->domain, "control/feature-reboot"));
}

/* What the guest writes may be anything, or nothing. */
static void test_number(void **state)
{
    uint32_t number = 77;

    (void)state;
    assert_false(xenstore_read_number(&host->domain, "data/status", &number));
    call(XS_WRITE, TEXT("data/status\0007x"));
    assert_ok();
    assert_false(xenstore_read_number(&host->domain, "data/status", &number));
    call(XS_WRITE, TEXT("data/status\000255"));
    assert_ok();
    assert_true(xenstore_read_number(&host->domain, "data/status", &number));
    assert_int_equal(number, 255);
    call(XS_WRITE, TEXT("data/status\0001000000000"));
    assert_ok();
    assert_false(xenstore_read_number(&host->domain, "data/status", &number));
    call(XS_WRITE, TEXT("data/status\000"));
    assert_ok();
    assert_false(xenstore_read_number(&host->domain, "data/status", &number));
}

/* It pays for what is written for it. */
static void test_no_room(void **state)
{
    char name[] = "data/00000", value[2048];
    unsigned size = 1024;

    (void)state;
    memset(value, 'v', sizeof(value));
    for (unsigned i = 0; size > 0; i++) {
        for (unsigned j = 0, rest = i; j < 5; j++, rest /= 10)
            name[9 - j] = (char)('0' + rest % 10);
        memcpy(value, name, sizeof(name));
        call(XS_WRITE, value, sizeof(name) + size);
        if (reply.head.type == XS_ERROR)
            size /= 2;
    }
    assert_error("ENOSPC");
    assert_int_equal(xenstore_write(&host->domain, "control/shutdown", store_text("poweroff")), -XEN_ENOSPC);
    call(XS_READ, TEXT("control/shutdown\0"));
    assert_reply(TEXT(""));
}

static void test_no_connection(void **state)
{
    (void)state;
    host->page.ring.rsp_cons = host->page.ring.rsp_prod + 1;
    (void)host_put("x", 1);
    assert_closed(XENSTORE_ERROR_RINGIDX);
    assert_int_equal(xenstore_write(&host->domain, "control/shutdown", store_text("poweroff")), -XEN_EIO);
    assert_int_equal(xenstore_write_vcpus(&host->domain, 1), -XEN_EIO);
    assert_false(xenstore_is_one(&host->domain, "control/feature-poweroff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_bytes_one_by_one),
        TEST(test_nothing_to_do_notifies_nobody),
        TEST(test_replies_that_nobody_takes),
        TEST(test_indexes_wrap),
        TEST(test_impossible_request_indexes),
        TEST(test_impossible_reply_indexes),
        TEST(test_one_reply_byte_too_many),
        TEST(test_impossible_message),
        TEST(test_written_from_outside),
        TEST(test_one),
        TEST(test_number),
        TEST(test_no_room),
        TEST(test_no_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
