/* SPDX-License-Identifier: MIT */
/* Watches of the xenstore: who hears of what, and by which path. */
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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

/* Shows xenstore_ring.events. */
static void test_watch(void **state)
{
    (void)state;
    call(XS_WATCH, TEXT("data\0token\0"));
    assert_ok();
    assert_event(TEXT("data\0token\0"));
    call(XS_WATCH, TEXT(HOME "/data\0other token\0"));
    assert_ok();
    assert_event(TEXT(HOME "/data\0other token\0"));
    call(XS_WATCH, TEXT("data\0token\0"));
    assert_error("EEXIST");
    call(XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    assert_event(TEXT("data/a\0token\0"));
    assert_event(TEXT(HOME "/data/a\0other token\0"));
    call(XS_WRITE, TEXT("drivers\0value"));
    assert_ok();
    assert_silence();
    call(XS_MKDIR, TEXT("data/a\0")); /* there already */
    assert_ok();
    assert_silence();
}

static void test_watch_is_known_by_its_absolute_path(void **state)
{
    (void)state;
    call(XS_WATCH, TEXT("data\0token\0"));
    assert_ok();
    assert_event(TEXT("data\0token\0"));
    call(XS_UNWATCH, TEXT(HOME "/data\0other\0"));
    assert_error("ENOENT");
    call(XS_UNWATCH, TEXT(HOME "/data\0token\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data\0value"));
    assert_ok();
    assert_silence();
}

static void test_watch_of_what_is_removed(void **state)
{
    (void)state;
    call(XS_WRITE, TEXT("data/a/b\0value"));
    assert_ok();
    call(XS_WATCH, TEXT("data/a/b\0below\0"));
    assert_ok();
    assert_event(TEXT("data/a/b\0below\0"));
    call(XS_WATCH, TEXT("data\0above\0"));
    assert_ok();
    assert_event(TEXT("data\0above\0"));
    call(XS_RM, TEXT("data/a\0"));
    assert_ok();
    assert_event(TEXT("data/a/b\0below\0"));
    assert_event(TEXT("data/a\0above\0"));
    call(XS_RESET_WATCHES, TEXT("\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data/a/b\0value"));
    assert_ok();
    assert_silence();
}

static void test_watch_below_what_changes(void **state)
{
    uint32_t id;

    (void)state;
    call(XS_WATCH, TEXT("data/a/b\0token\0"));
    assert_ok();
    assert_event(TEXT("data/a/b\0token\0"));
    call(XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    assert_silence();
    call(XS_TRANSACTION_START, TEXT("\0"));
    id = (uint32_t)strtoul(reply.payload, NULL, 10);
    call_in(id, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    call_in(id, XS_RM, TEXT("data\0"));
    assert_ok();
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_ok();
    assert_event(TEXT("data/a/b\0token\0")); /* for the second change only */
    assert_silence();
}

static void test_watch_of_an_event(void **state)
{
    (void)state;
    call(XS_WATCH, TEXT("@releaseDomain\0token\0"));
    assert_ok();
    assert_event(TEXT("@releaseDomain\0token\0"));
    call(XS_RM, TEXT("data\0"));
    assert_ok();
    assert_silence();
}

/* Shows xenstore_ring.quotas. */
static void test_too_many_watches(void **state)
{
    char payload[64];

    (void)state;
    for (unsigned i = 0; i < 128; i++) {
        snprintf(payload, sizeof(payload), "data%ct%03u", '\0', i);
        call(XS_WATCH, payload, 10);
        assert_ok();
        assert_event(payload, 10);
    }
    call(XS_WATCH, TEXT("data\0one more\0"));
    assert_error("E2BIG");
    call(XS_UNWATCH, TEXT("data\0t064\0"));
    assert_ok();
    call(XS_WATCH, TEXT("data\0one more\0"));
    assert_ok();
    assert_event(TEXT("data\0one more\0"));
}

/* Watches that fill the output: each hears of the change, if only by its own path. */
static void test_more_events_than_fit(void **state)
{
    static char path[1008] = "data/", token[16];
    char payload[64];
    unsigned exact = 0, own = 0;

    (void)state;
    memset(path + 5, 'x', 995);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(payload, sizeof(payload), "data%ct%03u", '\0', i);
        call(XS_WATCH, payload, 10);
        assert_ok();
        assert_event(payload, 10);
    }
    call(XS_WRITE, path, 1001);
    assert_ok();
    for (unsigned i = 0; i < 100; i++) {
        receive();
        assert_int_equal(reply.head.type, XS_WATCH_EVENT);
        snprintf(token, sizeof(token), "t%03u", exact + own);
        if (reply.head.len == 10) {
            assert_string_equal(reply.payload, "data");
            own++;
        } else {
            assert_string_equal(reply.payload, path);
            exact++;
        }
        assert_string_equal(reply.payload + strlen(reply.payload) + 1, token);
    }
    assert_true(exact > 0 && own > 0);
    assert_silence();
}

static void test_watch_whose_event_would_be_too_long(void **state)
{
    static char payload[XENSTORE_PAYLOAD_MAX] = "data";

    (void)state;
    memset(payload + 5, 't', sizeof(payload) - 5);
    call(XS_WATCH, payload, sizeof(payload));
    assert_error("E2BIG");
    assert_silence();
}

/*
 * ---- Across domains: who hears of what.
 */

static void watch(unsigned guest, const char *payload, size_t length)
{
    call_as(guest, XS_WATCH, payload, length);
    assert_ok();
    assert_event(payload, length);
}

static void test_another_hears_of_it(void **state)
{
    unsigned before;

    (void)state;
    as(1);
    host_come(4, false);
    call_as(0, XS_SET_PERMS, TEXT("data\0n3\0r4\0"));
    assert_ok();
    watch(1, TEXT(HOME "/data\0token\0"));
    before = host->notifications;
    call_as(0, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    as(1);
    assert_int_equal(host->notifications, before + 1);
    assert_event(TEXT(HOME "/data/a\0token\0"));
    call_as(0, XS_WRITE, TEXT("error/a\0value"));
    assert_ok();
    call_as(0, XS_READ, TEXT("data/a\0"));
    as(1);
    assert_silence();
}

/* Before the change or after it: to lose the right is the last that is heard, to get it the first. */
static void test_rights_before_and_after(void **state)
{
    (void)state;
    as(1);
    host_come(4, false);
    watch(1, TEXT(HOME "/data\0token\0"));
    call_as(0, XS_WRITE, TEXT("data\0secret"));
    assert_ok();
    as(1);
    assert_silence();
    call_as(0, XS_SET_PERMS, TEXT("data\0n3\0r4\0"));
    assert_ok();
    as(1);
    assert_event(TEXT(HOME "/data\0token\0"));
    call_as(0, XS_SET_PERMS, TEXT("data\0n3\0"));
    assert_ok();
    as(1);
    assert_event(TEXT(HOME "/data\0token\0"));
    call_as(0, XS_SET_PERMS, TEXT("data\0w3\0"));
    assert_ok();
    call_as(0, XS_WRITE, TEXT("data\0secret"));
    assert_ok();
    as(1);
    assert_silence();
}

/* Of what is removed, by its last rights: each node's own. */
static void test_rights_of_what_is_removed(void **state)
{
    (void)state;
    as(1);
    host_come(4, false);
    call_as(0, XS_WRITE, TEXT("data/a/shown\0value"));
    call_as(0, XS_WRITE, TEXT("data/a/hidden\0value"));
    call_as(0, XS_SET_PERMS, TEXT("data/a/shown\0r3\0"));
    assert_ok();
    watch(1, TEXT(HOME "/data/a/shown\0shown\0"));
    watch(1, TEXT(HOME "/data/a/shown/missing\0below\0"));
    watch(1, TEXT(HOME "/data/a/hidden\0hidden\0"));
    watch(1, TEXT("/\0all\0"));
    call_as(0, XS_RM, TEXT("data/a\0"));
    assert_ok();
    as(1);
    assert_event(TEXT(HOME "/data/a/shown\0shown\0"));
    assert_event(TEXT(HOME "/data/a/shown/missing\0below\0"));
    assert_silence();
}

/* The end of a domain removes what was its own. */
static void test_end_is_a_removal(void **state)
{
    (void)state;
    as(1);
    host_come(4, false);
    call_as(1, XS_SET_PERMS, TEXT("data\0r4\0"));
    assert_ok();
    watch(0, TEXT("/local/domain/4/data\0shown\0"));
    watch(0, TEXT("/local/domain/4/error\0hidden\0"));
    as(1);
    host_go();
    as(0);
    assert_event(TEXT("/local/domain/4/data\0shown\0"));
    assert_silence();
}

/* Whoever does not read holds nobody up, and costs what its output is large; one event says that there were more. */
static void test_who_does_not_read(void **state)
{
    unsigned came = 0;

    (void)state;
    as(1);
    host_come(4, false);
    call_as(0, XS_SET_PERMS, TEXT("data\0r3\0"));
    assert_ok();
    watch(1, TEXT(HOME "/data\0token\0"));
    for (unsigned i = 0; i < 2000; i++) {
        call_as(0, XS_WRITE, TEXT("data/a\0value"));
        assert_ok();
    }
    as(1);
    assert_true(audit_session()->queued <= STORE_OUTPUT_SIZE);
    do {
        receive();
        assert_int_equal(reply.head.type, XS_WATCH_EVENT);
        came++;
    } while (strcmp(reply.payload, HOME "/data") != 0);
    assert_in_range(came, STORE_OUTPUT_SIZE / 64, STORE_OUTPUT_SIZE / 32);
    assert_silence();
    call(XS_READ, TEXT(HOME "/data/a\0"));
    assert_reply(TEXT("value"));
}

/*
 * ---- Events in a session's output, without a ring: however much of it is used, one fits or it waits; nothing lies
 * behind it.
 */

#define HEAD    sizeof(struct xsd_sockmsg)
#define WATCHES 12u

static struct store store;
static struct store_session session;
static char asked[XENSTORE_PAYLOAD_MAX];

static void request(uint32_t type, size_t size)
{
    const struct xsd_sockmsg head = {.type = type, .req_id = 1, .len = (uint32_t)size};

    store_session_handle(&session, &head, asked);
}

/* A message that is to be sent; false: there is none. */
static bool next(struct xsd_sockmsg *head, size_t *payload_size)
{
    const char *bytes;
    size_t count, size;

    bytes = store_session_output(&session, &count);
    if (!bytes)
        return false;
    assert_true(count >= HEAD);
    memcpy(head, bytes, HEAD);
    size = HEAD + head->len;
    assert_true(count >= size);
    *payload_size = head->len;
    store_session_sent(&session, size);
    return true;
}

static void take_all(void)
{
    struct xsd_sockmsg head;
    size_t size;

    while (next(&head, &size))
        assert_int_not_equal(head.type, XS_ERROR);
}

/* Watch @path, which ends in a zero byte, as @token says. */
static void watch_there(const char *path, const char *token)
{
    size_t size = strlen(path) + 1;

    memcpy(asked, path, size);
    memcpy(asked + size, token, 2);
    request(XS_WATCH, size + 2);
    take_all();
}

/*
 * WATCHES watches hear of a path of @length characters, by events of that many bytes and three more: as many as fit
 * come with that path, the others with their own.  Behind the output
 * lies the domain's account, whose first head must not change.
 */
static unsigned fire(size_t length)
{
    const uint32_t none = 0x5a5a5a5a;
    struct xsd_sockmsg head;
    unsigned exact = 0;
    size_t size;

    memset(&store, 0, sizeof(store));
    memset(&session, 0, sizeof(session));
    store_init(&store);
    store_session_begin(&session, &store, 3, true);
    for (unsigned i = 0; i < WATCHES; i++)
        watch_there("data", (const char[]){(char)('a' + i), 0});
    session.own.used = none;
    memset(asked, 'x', length);
    memcpy(asked, "data/", 5);
    asked[length] = '\0';
    request(XS_WRITE, length + 1);
    assert_true(session.queued <= STORE_OUTPUT_SIZE);
    assert_int_equal(session.own.used, none);
    assert_true(next(&head, &size) && head.type == XS_WRITE);
    for (unsigned i = 0; i < WATCHES; i++) {
        assert_true(next(&head, &size) && head.type == XS_WATCH_EVENT);
        exact += size == length + 3;
        assert_true(size == length + 3 || size == sizeof("data") + 2);
    }
    assert_false(next(&head, &size));
    store_session_end(&session);
    return exact;
}

/* Each length at which one event more or less fits, heads and all. */
static void test_room(void **state)
{
    const size_t room = STORE_OUTPUT_SIZE - HEAD - XENSTORE_PAYLOAD_MAX; /* beside that for the longest reply */

    (void)state;
    for (size_t length = 1300; length <= 2040; length++)
        assert_int_equal(fire(length), room / (HEAD + length + 3) < WATCHES ? room / (HEAD + length + 3) : WATCHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_watch),
        TEST(test_watch_is_known_by_its_absolute_path),
        TEST(test_watch_of_what_is_removed),
        TEST(test_watch_below_what_changes),
        TEST(test_watch_of_an_event),
        TEST(test_too_many_watches),
        TEST(test_more_events_than_fit),
        TEST(test_watch_whose_event_would_be_too_long),
        TEST(test_another_hears_of_it),
        TEST(test_rights_before_and_after),
        TEST(test_rights_of_what_is_removed),
        TEST(test_end_is_a_removal),
        TEST(test_who_does_not_read),
        cmocka_unit_test(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
