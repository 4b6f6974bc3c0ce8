/* SPDX-License-Identifier: MIT */
/* The xenstore as a guest meets it: what is there at the start, and bytes in its ring. */
/* links: hv/service/xenstore.c hv/service/store_permissions.c hv/service/store_session.c hv/service/store_watch.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/services.h>
#include <tests/hv/lib/xenstore_guest.h>

static void test_tree_at_start(void **state)
{
    (void)state;
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    call(XS_READ, TEXT(HOME "/domid\0"));
    assert_reply(TEXT("3"));
    call(XS_READ, TEXT("memory/target\0"));
    assert_reply(TEXT("1024"));
    call(XS_READ, TEXT("cpu/1/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("cpu/2/availability\0"));
    assert_error("ENOENT");
    call(XS_DIRECTORY, TEXT("device\0"));
    assert_reply(TEXT("suspend\0"));
    call(XS_DIRECTORY, TEXT("/vm/00000000-0000-0000-0000-000000000000\0"));
    assert_reply(TEXT("name\0uuid\0"));
    call(XS_READ, TEXT("control/shutdown\0"));
    assert_reply(TEXT(""));
    call(XS_READ, TEXT("console/port\0")); /* it has none */
    assert_error("ENOENT");
    call(XS_GET_PERMS, TEXT(HOME "\0"));
    assert_reply(TEXT("n0\0r3\0"));
    call(XS_GET_PERMS, TEXT("device\0"));
    assert_reply(TEXT("n0\0r3\0"));
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n3\0"));
    assert_int_equal(host_page.ring.error, XENSTORE_ERROR_NONE);
}

static void test_console_in_the_tree(void **state)
{
    (void)state;
    host_domain.services->console = (struct domain_console){.frame = MFN(99), .ring = &host_page, .port = 2};
    call(XS_DIRECTORY, TEXT("console\0"));
    assert_reply(TEXT("backend\0backend-id\0limit\0type\0output\0tty\0port\0ring-ref\0"));
    call(XS_READ, TEXT("console/backend\0"));
    assert_reply(TEXT("/local/domain/0/backend/console/3/0"));
    call(XS_READ, TEXT("console/backend-id\0"));
    assert_reply(TEXT("0"));
    call(XS_READ, TEXT("console/limit\0"));
    assert_reply(TEXT("1048576"));
    call(XS_READ, TEXT("console/output\0"));
    assert_reply(TEXT("pty"));
    call(XS_READ, TEXT("console/port\0"));
    assert_reply(TEXT("2"));
    call(XS_READ, TEXT("console/ring-ref\0"));
    assert_reply(TEXT("99"));
}

static void test_many_vcpus(void **state)
{
    (void)state;
    host_domain.engine.nr_vcpus = VCPUS_MAX;
    memset(host_domain.name, 'n', DOMAIN_NAME_MAX);
    call(XS_READ, TEXT("cpu/31/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("name\0"));
    assert_reply(host_domain.name, DOMAIN_NAME_MAX);
}

/*
 * ---- The ring.
 */

static void test_bytes_one_by_one(void **state)
{
    const struct xsd_sockmsg head = {XS_READ, 77, 0, 5};
    unsigned before = host_notifications;

    (void)state;
    for (size_t i = 0; i < sizeof(head); i++)
        put((const char *)&head + i, 1);
    for (size_t i = 0; i < 5; i++)
        put(&"name"[i], 1);
    receive();
    assert_int_equal(reply.head.req_id, 77);
    assert_reply(TEXT("guest"));
    assert_true(host_notifications > before);
}

static void test_nothing_to_do_notifies_nobody(void **state)
{
    (void)state;
    xenstore_run(&host_domain);
    assert_int_equal(host_notifications, 0);
}

/* Requests wait in the ring as long as nobody takes the replies. */
static void test_replies_that_nobody_takes(void **state)
{
    static char value[3000];
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
        xenstore_run(&host_domain);
        assert_int_equal(host_page.ring.rsp_prod - host_page.ring.rsp_cons, XENSTORE_RING_SIZE);
        assert_int_equal(host_page.ring.req_prod - host_page.ring.req_cons, 19 * (sizeof(head) + 4));
    }
    for (unsigned i = 0; i < 20; i++) {
        receive();
        assert_int_equal(reply.head.req_id, i);
        assert_int_equal(reply.head.len, sizeof(value) - 5);
    }
    assert_silence();
}

static void test_indexes_wrap(void **state)
{
    (void)state;
    host_page.ring.req_cons = host_page.ring.req_prod = UINT32_MAX - 3;
    host_page.ring.rsp_cons = host_page.ring.rsp_prod = UINT32_MAX - 5;
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    assert_true(host_page.ring.req_cons < 100 && host_page.ring.rsp_prod < 100);
}

static void assert_closed(uint32_t error)
{
    unsigned words = host_words;
    uint32_t reached;

    xenstore_run(&host_domain);
    assert_int_equal(host_words, words + 1);
    assert_int_equal(host_page.ring.error, error);
    host_page.ring.rsp_cons = host_page.ring.rsp_prod;
    host_page.ring.req_prod = host_page.ring.req_cons;
    reached = host_page.ring.req_cons;
    (void)host_put("xxxx", 4);
    xenstore_run(&host_domain);
    assert_int_equal(host_page.ring.req_cons, reached);
    assert_int_equal(host_words, words + 1);
}

static void test_impossible_request_indexes(void **state)
{
    (void)state;
    host_page.ring.req_prod = host_page.ring.req_cons + XENSTORE_RING_SIZE + 1;
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

static void test_impossible_reply_indexes(void **state)
{
    (void)state;
    host_page.ring.rsp_cons = host_page.ring.rsp_prod + 1;
    (void)host_put("x", 1);
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

static void test_one_reply_byte_too_many(void **state)
{
    (void)state;
    host_page.ring.rsp_cons = host_page.ring.rsp_prod - XENSTORE_RING_SIZE - 1;
    (void)host_put("x", 1);
    assert_closed(XENSTORE_ERROR_RINGIDX);
}

static void test_impossible_message(void **state)
{
    const struct xsd_sockmsg head = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};

    (void)state;
    (void)host_put(&head, sizeof(head));
    assert_closed(XENSTORE_ERROR_PROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tree_at_start),
        TEST(test_console_in_the_tree),
        TEST(test_many_vcpus),
        TEST(test_bytes_one_by_one),
        TEST(test_nothing_to_do_notifies_nobody),
        TEST(test_replies_that_nobody_takes),
        TEST(test_indexes_wrap),
        TEST(test_impossible_request_indexes),
        TEST(test_impossible_reply_indexes),
        TEST(test_one_reply_byte_too_many),
        TEST(test_impossible_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
