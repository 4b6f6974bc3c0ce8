/* SPDX-License-Identifier: MIT */
/* Events of watches in a session's output: however much of it is used, one fits or it waits; nothing lies behind it. */
/* links: hv/service/store_session.c hv/service/store_watch.c hv/service/store_transaction.c hv/service/store_tree.c */
/* links: hv/service/store_permissions.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/mem/allocate.h>
#include <hv/service/store_session.h>

#define HEAD    sizeof(struct xsd_sockmsg)
#define WATCHES 12u

void *allocate(size_t size)
{
    return calloc(1, size);
}

void release(void *object, size_t size)
{
    (void)size;
    free(object);
}

static struct store_session session;
static char payload[XENSTORE_PAYLOAD_MAX];

static void request(uint32_t type, size_t size)
{
    const struct xsd_sockmsg head = {.type = type, .req_id = 1, .len = (uint32_t)size};

    store_session_handle(&session, &head, payload);
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

    memcpy(payload, path, size);
    memcpy(payload + size, token, 2);
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
    memset(payload, 'x', length);
    memcpy(payload, "data/", 5);
    payload[length] = '\0';
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_room)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
