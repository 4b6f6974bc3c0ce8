/* SPDX-License-Identifier: MIT */
/* Watches of the xenstore: who hears of what, and by which path. */
/* links: hv/service/xenstore.c hv/service/store_permissions.c hv/service/store_session.c hv/service/store_watch.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_session.h>
#include <tests/hv/lib/xenstore_guest.h>

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
    static char path[2008] = "data/", token[16];
    char payload[64];
    unsigned exact = 0, own = 0;

    (void)state;
    memset(path + 5, 'x', 1995);
    for (unsigned i = 0; i < 100; i++) {
        snprintf(payload, sizeof(payload), "data%ct%03u", '\0', i);
        call(XS_WATCH, payload, 10);
        assert_ok();
        assert_event(payload, 10);
    }
    call(XS_WRITE, path, 2001);
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
 * ---- Events in a session's output, without a ring: however much of it is used, one fits or it waits; nothing lies
 * behind it.
 */

#define HEAD    sizeof(struct xsd_sockmsg)
#define WATCHES 12u

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
static void watch(const char *path, const char *token)
{
    size_t size = strlen(path) + 1;

    memcpy(asked, path, size);
    memcpy(asked + size, token, 2);
    request(XS_WATCH, size + 2);
    take_all();
}

/*
 * WATCHES watches hear of a path of @length characters, by events of that many bytes and three more: as many as fit
 * come with that path, the others with their own.  In front of them, where the output ends, stands a watch that hears
 * nothing and must not change.
 */
static unsigned fire(size_t length)
{
    uint8_t before[HEAD];
    struct xsd_sockmsg head;
    unsigned exact = 0;
    size_t size;

    store_session_init(&session, 3);
    assert_int_equal(store_session_set_permissions(&session, store_text("/"), (struct store_text){"n3", 3}), 0);
    watch("data/other", "o");
    memcpy(before, session.watches, sizeof(before));
    for (unsigned i = 0; i < WATCHES; i++)
        watch("data", (const char[]){(char)('a' + i), 0});
    memset(asked, 'x', length);
    memcpy(asked, "data/", 5);
    asked[length] = '\0';
    request(XS_WRITE, length + 1);
    assert_true(session.queued <= STORE_OUTPUT_SIZE);
    assert_memory_equal(session.watches, before, sizeof(before));
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
        cmocka_unit_test(test_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
