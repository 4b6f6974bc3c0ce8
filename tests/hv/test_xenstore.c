/* SPDX-License-Identifier: MIT */
/* The xenstore as a guest meets it: bytes in its ring, and what comes back. */
/* links: hv/service/xenstore.c hv/service/store_permissions.c hv/service/store_session.c hv/service/store_watch.c */
/* links: hv/service/store_transaction.c */
/* links: hv/service/store_tree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/xenstore_host.h>

#define HOME "/local/domain/3"

struct message {
    struct xsd_sockmsg head;
    char payload[XENSTORE_PAYLOAD_MAX];
};

static uint32_t last_request;
static struct message reply;

/* A text with zero bytes in it, and its length without the one that the compiler adds. */
#define TEXT(literal) literal, sizeof(literal) - 1

static int set_up(void **state)
{
    (void)state;
    host_begin();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_end();
    return 0;
}

static void put(const void *from, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t count = host_put((const char *)from + done, size - done);

        assert_true(count > 0);
        done += count;
        xenstore_run(&host_domain);
    }
}

static void take(void *to, size_t size)
{
    for (size_t done = 0; done < size;) {
        size_t count = host_take((char *)to + done, size - done);

        assert_true(count > 0);
        done += count;
        xenstore_run(&host_domain);
    }
}

/* The next message of the host. */
static void receive(void)
{
    take(&reply.head, sizeof(reply.head));
    assert_true(reply.head.len <= XENSTORE_PAYLOAD_MAX);
    take(reply.payload, reply.head.len);
}

static void send_request(uint32_t type, uint32_t transaction, const char *payload, size_t length)
{
    const struct xsd_sockmsg head = {type, ++last_request, transaction, (uint32_t)length};

    put(&head, sizeof(head));
    put(payload, length);
}

static void call_in(uint32_t transaction, uint32_t type, const char *payload, size_t length)
{
    send_request(type, transaction, payload, length);
    receive();
    assert_int_equal(reply.head.req_id, last_request);
    assert_int_equal(reply.head.tx_id, transaction);
    if (reply.head.type != XS_ERROR)
        assert_int_equal(reply.head.type, type);
}

static void call(uint32_t type, const char *payload, size_t length)
{
    call_in(0, type, payload, length);
}

static void assert_reply(const char *text, size_t length)
{
    assert_int_not_equal(reply.head.type, XS_ERROR);
    assert_int_equal(reply.head.len, length);
    assert_memory_equal(reply.payload, text, length);
}

static void assert_error(const char *name)
{
    assert_int_equal(reply.head.type, XS_ERROR);
    assert_int_equal(reply.head.len, strlen(name) + 1);
    assert_string_equal(reply.payload, name);
}

static void assert_ok(void)
{
    assert_reply(TEXT("OK\0"));
}

static void assert_event(const char *text, size_t length)
{
    receive();
    assert_int_equal(reply.head.type, XS_WATCH_EVENT);
    assert_int_equal(reply.head.req_id, 0);
    assert_reply(text, length);
}

static void assert_silence(void)
{
    xenstore_run(&host_domain);
    assert_int_equal(host_page.ring.rsp_cons, host_page.ring.rsp_prod);
}

/* ---- What is there at the start. */

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
    host_domain.console = (struct domain_console){.frame = MFN(99), .ring = &host_page, .port = 2};
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
    host_domain.domain.nr_vcpus = VCPUS_MAX;
    memset(host_domain.name, 'n', DOMAIN_NAME_MAX);
    call(XS_READ, TEXT("cpu/31/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("name\0"));
    assert_reply(host_domain.name, DOMAIN_NAME_MAX);
}

/* ---- Each request. */

static void test_write_and_read(void **state)
{
    (void)state;
    call(XS_WRITE, TEXT("data/a/b\0some\0thing"));
    assert_ok();
    call(XS_READ, TEXT("data/a/b\0"));
    assert_reply(TEXT("some\0thing"));
    call(XS_READ, TEXT(HOME "/data/a/b")); /* the zero byte is not needed where nothing follows */
    assert_reply(TEXT("some\0thing"));
    call(XS_READ, TEXT("data/a\0"));
    assert_reply(TEXT(""));
    call(XS_MKDIR, TEXT("data/c\0"));
    assert_ok();
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("a\0c\0"));
    call(XS_RM, TEXT("data/a\0"));
    assert_ok();
    call(XS_READ, TEXT("data/a/b\0"));
    assert_error("ENOENT");
    call(XS_RM, TEXT("data/a\0")); /* not there, under what is there */
    assert_ok();
    call(XS_RM, TEXT("data/a/b\0"));
    assert_error("ENOENT");
}

static void test_paths(void **state)
{
    static const char *const bad[] = {"", "a b", "/a//b", "a/", "//"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        call(XS_READ, bad[i], strlen(bad[i]) + 1);
        assert_error("EINVAL");
    }
    call(XS_READ, "", 0);
    assert_error("EINVAL");
}

static void test_long_paths(void **state)
{
    char path[XENSTORE_PAYLOAD_MAX];

    (void)state;
    memset(path, 'a', sizeof(path));
    memcpy(path, "data/", 5);
    call(XS_WRITE, path, XENSTORE_REL_PATH_MAX);
    assert_ok();
    call(XS_WRITE, path, XENSTORE_REL_PATH_MAX + 1);
    assert_error("EINVAL");
    memcpy(path, HOME "/", sizeof(HOME));
    call(XS_READ, path, XENSTORE_ABS_PATH_MAX);
    assert_error("ENOENT");
    call(XS_READ, path, XENSTORE_ABS_PATH_MAX + 1);
    assert_error("EINVAL");
    call(XS_READ, path, XENSTORE_PAYLOAD_MAX);
    assert_error("EINVAL");
}

static void test_only_own_nodes_change(void **state)
{
    static const char *const others[] = {
        "/",    "/a",      "/local/domain/3", "/local/domain/30", "/local/domain/0/x", "/vm",          "a",
        "name", "control", "control/x",       "device/vbd",       "console/tty",       "memory/target"};
    static const uint32_t requests[] = {XS_WRITE, XS_MKDIR, XS_RM};
    char payload[64];

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (size_t j = 0; j < sizeof(requests) / sizeof(requests[0]); j++) {
            call(requests[j], others[i], strlen(others[i]) + 1);
            assert_error("EACCES");
        }
        snprintf(payload, sizeof(payload), "%s%cn3", others[i], '\0');
        call(XS_SET_PERMS, payload, strlen(others[i]) + 4);
        assert_error("EACCES");
    }
}

static void test_only_own_nodes_are_seen(void **state)
{
    static const char *const others[] = {"/", "/a", "/local/domain", "/local/domain/0", "/local/domain/30", "/vm"};
    static const uint32_t requests[] = {XS_READ, XS_DIRECTORY, XS_GET_PERMS};
    uint32_t id;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        for (size_t j = 0; j < sizeof(requests) / sizeof(requests[0]); j++) {
            call(requests[j], others[i], strlen(others[i]) + 1);
            assert_error("EACCES");
        }
        call(XS_DIRECTORY_PART, others[i], strlen(others[i]) + 1);
        assert_error("EACCES");
    }
    call(XS_TRANSACTION_START, TEXT("\0"));
    id = (uint32_t)strtoul(reply.payload, NULL, 10);
    call_in(id, XS_READ, TEXT("/vm\0"));
    assert_error("EACCES");
    call_in(id, XS_WRITE, TEXT("name\0mine"));
    assert_error("EACCES");
}

/* What is made has the permissions of what it is made in, all of them. */
static void test_permissions_are_copied(void **state)
{
    (void)state;
    call(XS_SET_PERMS, TEXT("data\0n3\0r0\0w2\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data/a/b\0value"));
    assert_ok();
    call(XS_MKDIR, TEXT("data/c\0"));
    assert_ok();
    call(XS_SET_PERMS, TEXT("data\0r3\0"));
    assert_ok();
    call(XS_GET_PERMS, TEXT("data/a\0"));
    assert_reply(TEXT("n3\0r0\0w2\0"));
    call(XS_GET_PERMS, TEXT("data/a/b\0"));
    assert_reply(TEXT("n3\0r0\0w2\0"));
    call(XS_GET_PERMS, TEXT("data/c\0"));
    assert_reply(TEXT("n3\0r0\0w2\0"));
    call(XS_READ, TEXT("data/a/b\0"));
    assert_reply(TEXT("value"));
}

static void test_permissions(void **state)
{
    char payload[300] = "data";
    size_t length = 5;

    (void)state;
    call(XS_SET_PERMS, TEXT("data\0n3\0r0\0"));
    assert_ok();
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n3\0r0\0"));
    call(XS_SET_PERMS, TEXT("data\0b3")); /* the last zero byte may be missing, not in the answer */
    assert_ok();
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("b3\0"));
    call(XS_SET_PERMS, TEXT("data\0"));
    assert_error("EINVAL");
    call(XS_SET_PERMS, TEXT("data\0x3\0"));
    assert_error("EINVAL");
    call(XS_SET_PERMS, TEXT("data\0n\0"));
    assert_error("EINVAL");
    call(XS_SET_PERMS, TEXT("data\0n32768\0"));
    assert_error("EINVAL");
    call(XS_SET_PERMS, TEXT("data/nothing\0n3\0"));
    assert_error("ENOENT");
    call(XS_SET_PERMS, TEXT("data\0n0\0")); /* to give it away is not the guest's to do */
    assert_error("EPERM");
    while (length < sizeof(payload) - 2) {
        memcpy(payload + length, "n3", 3);
        length += 3;
    }
    call(XS_SET_PERMS, payload, length);
    assert_error("ENOSPC");
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("b3\0"));
}

static void test_domains(void **state)
{
    (void)state;
    call(XS_GET_DOMAIN_PATH, TEXT("17\0"));
    assert_reply(TEXT("/local/domain/17\0"));
    call(XS_GET_DOMAIN_PATH, TEXT("x\0"));
    assert_error("EINVAL");
    call(XS_GET_DOMAIN_PATH, TEXT("99999999999999999999\0"));
    assert_error("EINVAL");
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("3\0"));
    assert_reply(TEXT("T\0"));
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("4\0"));
    assert_reply(TEXT("F\0"));
}

static void test_requests_that_are_not_for_guests(void **state)
{
    static const uint32_t refused[] = {XS_CONTROL, XS_INTRODUCE, XS_RELEASE, XS_RESUME, XS_SET_TARGET};
    static const uint32_t unknown[] = {XS_WATCH_EVENT, XS_ERROR, 20, XS_TYPE_COUNT, XS_INVALID, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        call(refused[i], TEXT("1\0"));
        assert_error("EACCES");
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        call(unknown[i], TEXT("1\0"));
        assert_error("ENOSYS");
    }
}

static void write_many(unsigned count)
{
    char payload[64];

    for (unsigned i = 0; i < count; i++) {
        snprintf(payload, sizeof(payload), "data/node-with-a-long-name-%03u", i);
        call(XS_WRITE, payload, strlen(payload) + 1);
        assert_ok();
    }
}

static void test_directory_in_parts(void **state)
{
    char payload[32], names[16384];
    size_t length = 0;
    bool last = false;

    (void)state;
    write_many(200);
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_error("E2BIG");
    while (!last) {
        size_t skip, size;

        snprintf(payload, sizeof(payload), "data%c%zu", '\0', length);
        call(XS_DIRECTORY_PART, payload, 5 + strlen(payload + 5) + 1);
        assert_int_equal(reply.head.type, XS_DIRECTORY_PART);
        skip = strlen(reply.payload) + 1; /* the generation */
        assert_true(reply.head.len > skip);
        last = reply.head.len >= 2 && reply.payload[reply.head.len - 2] == '\0';
        size = reply.head.len - skip - last;
        assert_true(size < sizeof(names) - length);
        memcpy(names + length, reply.payload + skip, size);
        length += size;
    }
    assert_int_equal(length, 200 * sizeof("node-with-a-long-name-000"));
    for (unsigned i = 0; i < 200; i++) {
        snprintf(payload, sizeof(payload), "node-with-a-long-name-%03u", i);
        assert_string_equal(names + i * sizeof("node-with-a-long-name-000"), payload);
    }
    snprintf(payload, sizeof(payload), "data%c%zu", '\0', length + 1);
    call(XS_DIRECTORY_PART, payload, 5 + strlen(payload + 5) + 1);
    assert_error("EINVAL");
    call(XS_DIRECTORY_PART, TEXT("data\0"));
    assert_error("EINVAL");
}

/* Names that fill a reply up to its last bytes, and beyond. */
static void test_directory_part_that_just_fits(void **state)
{
    static char path[2048];
    uint32_t largest = 0;
    unsigned parts = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        memset(path, 'a' + (int)i, sizeof(path));
        memcpy(path, "data/", 5);
        call(XS_MKDIR, path, 1000);
        assert_ok();
    }
    for (size_t length = 1080; length < 1130; length++) {
        memset(path, 'z', sizeof(path));
        memcpy(path, "data/", 5);
        call(XS_MKDIR, path, length);
        assert_ok();
        call(XS_DIRECTORY_PART, TEXT("data\0"
                                     "0\0"));
        assert_int_equal(reply.head.type, XS_DIRECTORY_PART);
        assert_int_equal(reply.payload[reply.head.len - 1], 0);
        if (reply.payload[reply.head.len - 2] != '\0')
            parts++; /* the last name has not fitted */
        else if (reply.head.len > largest)
            largest = reply.head.len;
        call(XS_RM, path, length);
        assert_ok();
    }
    assert_int_equal(largest, XENSTORE_PAYLOAD_MAX);
    assert_true(parts > 0 && parts < 50);
}

static void test_full(void **state)
{
    static char payload[XENSTORE_PAYLOAD_MAX] = "data/0";
    unsigned count = 0;

    (void)state;
    do {
        payload[5]++;
        call(XS_WRITE, payload, sizeof(payload));
        count++;
    } while (reply.head.type != XS_ERROR);
    assert_error("ENOSPC");
    assert_true(count > 3 && count < 8);
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
}

/* ---- Watches. */

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

/* ---- Transactions. */

static uint32_t start(void)
{
    call(XS_TRANSACTION_START, TEXT("\0"));
    assert_int_equal(reply.head.type, XS_TRANSACTION_START);
    assert_int_equal(reply.payload[reply.head.len - 1], 0);
    return (uint32_t)strtoul(reply.payload, NULL, 10);
}

static void test_transaction(void **state)
{
    uint32_t id;

    (void)state;
    call(XS_WATCH, TEXT("data\0token\0"));
    assert_ok();
    assert_event(TEXT("data\0token\0"));
    id = start();
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
    uint32_t id = start();

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
    uint32_t writer = start(), reader = start(), loser = start();

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
        id = start();
    call(XS_TRANSACTION_START, TEXT("\0"));
    assert_error("ENOSPC");
    call_in(id, XS_TRANSACTION_START, TEXT("\0"));
    assert_error("EBUSY");
    call(XS_RESET_WATCHES, TEXT("\0"));
    assert_ok();
    assert_int_equal(host_objects, 1);
    (void)start(); /* left open: the end of the domain gives it back */
}

static void test_transaction_that_changes_too_much(void **state)
{
    static char path[1001] = "data/";
    uint32_t id = start();
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

/* ---- The ring. */

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

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tree_at_start),
        TEST(test_console_in_the_tree),
        TEST(test_many_vcpus),
        TEST(test_write_and_read),
        TEST(test_paths),
        TEST(test_long_paths),
        TEST(test_only_own_nodes_change),
        TEST(test_only_own_nodes_are_seen),
        TEST(test_permissions_are_copied),
        TEST(test_permissions),
        TEST(test_domains),
        TEST(test_requests_that_are_not_for_guests),
        TEST(test_directory_in_parts),
        TEST(test_directory_part_that_just_fits),
        TEST(test_full),
        TEST(test_watch),
        TEST(test_watch_is_known_by_its_absolute_path),
        TEST(test_watch_of_what_is_removed),
        TEST(test_watch_below_what_changes),
        TEST(test_watch_of_an_event),
        TEST(test_too_many_watches),
        TEST(test_more_events_than_fit),
        TEST(test_watch_whose_event_would_be_too_long),
        TEST(test_transaction),
        TEST(test_transaction_dropped),
        TEST(test_transaction_conflict),
        TEST(test_too_many_transactions),
        TEST(test_transaction_that_changes_too_much),
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
