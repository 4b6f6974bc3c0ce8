/* SPDX-License-Identifier: MIT */
/* Each request to the xenstore, and each error. */
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

/* Shows xenstore_ring.replies. */
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
    call(XS_READ, path, XENSTORE_REL_PATH_MAX);
    assert_error("ENOENT");
    call(XS_WRITE, path, XENSTORE_REL_PATH_MAX);
    assert_error("ENOSPC");
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

/* Shows xenstore_ring.right-to-write. */
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

/* Shows xenstore_ring.right-to-read. */
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

/* What is made has the permissions of what it is made in, all of them.  Shows xenstore_ring.inherited. */
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

/* Shows xenstore_ring.owner. */
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
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("4\0")); /* not for it to know */
    assert_error("EACCES");
    as(1);
    host_come(4, true);
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("3\0"));
    assert_reply(TEXT("T\0"));
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("5\0"));
    assert_reply(TEXT("F\0"));
}

/* Shows xenstore_ring.answers. */
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
    for (unsigned i = 0; i < 4; i++) {
        memset(path, 'a' + (int)i, sizeof(path));
        memcpy(path, "data/", 5);
        call(XS_MKDIR, path, 1000);
        assert_ok();
    }
    for (size_t length = 90; length < 140; length++) {
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

/* Each request, with the numbers of no transaction, of one, and of one that has ended: an answer, and no other harm. */
static void xsa_484_each_request_in_each_transaction(void **state)
{
    static const char *const payloads[] = {"data\0"
                                           "1\0",
                                           "\0", "T\0", "data/x\0n3\0", "3\0"};
    static const size_t lengths[] = {7, 1, 2, 10, 2};

    (void)state;
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        as(privileged);
        if (privileged)
            host_come(0, true);
        for (uint32_t type = 0; type <= XS_TYPE_COUNT; type++) {
            for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
                uint32_t ended = start_transaction(), open;

                call_in(ended, XS_TRANSACTION_END, TEXT("F\0"));
                open = start_transaction();
                if (type == XS_WATCH)
                    continue; /* its event is in test_watch */
                call_in(open, type, payloads[i], lengths[i]);
                call_in(ended, type, payloads[i], lengths[i]);
                call_in(UINT32_MAX, type, payloads[i], lengths[i]);
                store_audit();
                call(XS_RESET_WATCHES, TEXT("\0"));
                assert_ok();
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
        cmocka_unit_test_setup_teardown(xsa_484_each_request_in_each_transaction, xenstore_set_up, xenstore_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
