/* SPDX-License-Identifier: MIT */
/* What a domain may do to nodes of others, and how much of everything it may have. */
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

#include <hv/service/store_operation.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

#define OTHER "/local/domain/4"

static int set_up(void **state)
{
    int error = xenstore_set_up(state);

    as(1);
    host_come(4, false);
    as(0);
    return error;
}

/* Guest 0 sets the permissions of its data/x, and guest 1 tries everything on it. */
static void try(const char *permissions, bool reads, bool writes)
{
    char payload[64] = "data/x";
    size_t length = 7 + strlen(permissions) + 1;

    call_as(0, XS_WRITE, TEXT("data/x/y\0value"));
    assert_ok();
    memcpy(payload + 7, permissions, strlen(permissions) + 1);
    for (size_t i = 7; i < length; i++)
        payload[i] = payload[i] == ' ' ? '\0' : payload[i];
    call_as(0, XS_SET_PERMS, payload, length);
    assert_ok();
    for (uint32_t type = XS_DIRECTORY; type <= XS_GET_PERMS; type++) {
        call_as(1, type, TEXT(HOME "/data/x\0"));
        if (reads)
            assert_int_equal(reply.head.type, type);
        else
            assert_error("EACCES");
    }
    call_as(1, XS_READ, TEXT(HOME "/data/x/missing\0"));
    assert_error(reads ? "ENOENT" : "EACCES");
    call_as(1, XS_READ, TEXT(HOME "/data/x/y\0")); /* which has a list of its own */
    assert_error("EACCES");
    call_as(1, XS_SET_PERMS, TEXT(HOME "/data/x\0b4\0"));
    assert_error("EACCES");
    call_as(1, XS_SET_PERMS, TEXT(HOME "/data/x\0b3\0b4\0"));
    assert_error("EACCES");
    call_as(1, XS_MKDIR, TEXT(HOME "/data/x/made\0"));
    if (!writes) {
        assert_error("EACCES");
        call_as(1, XS_WRITE, TEXT(HOME "/data/x\0other"));
        assert_error("EACCES");
        call_as(1, XS_RM, TEXT(HOME "/data/x\0"));
        assert_error("EACCES");
    } else {
        assert_ok();
        call_as(1, XS_WRITE, TEXT(HOME "/data/x\0other"));
        assert_ok();
        call_as(1, XS_RM, TEXT(HOME "/data/x\0"));
        assert_ok();
    }
}

/* Shows xenstore_ring.permissions. */
static void test_each_letter(void **state)
{
    (void)state;
    try("n3", false, false);
    try("r3", true, false);
    try("w3", false, true);
    try("b3", true, true);
    try("n3 r4", true, false);
    try("n3 w4", false, true);
    try("n3 b4", true, true);
    try("b3 n4", false, false);
    try("b3 r4", true, false);
    try("n3 b5", false, false);
}

/* Who makes a node owns it and pays for it, wherever it is.  Shows xenstore_ring.inherited. */
static void test_made_in_anothers(void **state)
{
    const struct store_session *maker;
    uint32_t before;

    (void)state;
    call_as(0, XS_SET_PERMS, TEXT("data\0r3\0b4\0"));
    assert_ok();
    as(1);
    maker = audit_session();
    before = maker->own.nr_nodes;
    call_as(1, XS_WRITE, TEXT(HOME "/data/a/b\0value"));
    assert_ok();
    assert_int_equal(maker->own.nr_nodes, before + 2);
    call(XS_GET_PERMS, TEXT(HOME "/data/a\0"));
    assert_reply(TEXT("r4\0b4\0"));
    call_as(0, XS_WRITE, TEXT("data/a\0mine"));
    assert_error("EACCES");
    call_as(0, XS_SET_PERMS, TEXT("data/a\0n3\0"));
    assert_error("EACCES");
    call_as(0, XS_READ, TEXT("data/a/b\0"));
    assert_reply(TEXT("value"));
    call_as(0, XS_RM, TEXT("data\0")); /* with all below it, whoever's that is */
    assert_ok();
    assert_int_equal(maker->own.nr_nodes, before);
}

/* One more than there may be: each way of making nodes, and none is left half done.  Shows xenstore_ring.quotas. */
static void xsa_272_one_node_too_many(void **state)
{
    static const uint32_t types[] = {XS_WRITE, XS_MKDIR};
    uint32_t id;
    char path[32];

    (void)state;
    for (unsigned i = 0; audit_session()->own.nr_nodes < STORE_NODES_MAX - 1; i++) {
        snprintf(path, sizeof(path), "data/%u", i);
        call(XS_MKDIR, path, strlen(path) + 1);
        assert_ok();
    }
    for (unsigned i = 0; i < 2; i++) {
        call(types[i], TEXT("data/a/b\0")); /* two, and one place */
        assert_error("ENOSPC");
        call(XS_READ, TEXT("data/a\0"));
        assert_error("ENOENT");
        call(types[i], TEXT("data/a\0"));
        assert_ok();
        call(types[i], TEXT("data/b\0"));
        assert_error("ENOSPC");
        call(XS_RM, TEXT("data/a\0"));
        assert_ok();
    }
    id = start_transaction();
    call_in(id, XS_MKDIR, TEXT("data/a\0")); /* what is not there yet counts */
    assert_ok();
    call(XS_MKDIR, TEXT("data/b\0"));
    assert_error("ENOSPC");
    call_in(id, XS_TRANSACTION_END, TEXT("F\0"));
    assert_ok();
    call(XS_MKDIR, TEXT("data/b\0"));
    assert_ok();
    call_as(1, XS_MKDIR, TEXT("data/b\0")); /* another's account is another's */
    assert_ok();
}

/* Shows xenstore_ring.account. */
static void test_too_much_memory(void **state)
{
    static char payload[9 + STORE_VALUE_MAX];
    unsigned count = 0;

    (void)state;
    do {
        snprintf(payload, 9, "data/%03u", count++);
        call(XS_WRITE, payload, sizeof(payload));
        store_audit();
    } while (reply.head.type != XS_ERROR && count < 200);
    assert_error("ENOSPC");
    assert_in_range(count, STORE_ACCOUNT_SIZE / (STORE_VALUE_MAX + 512), 199);
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    call(XS_RM, TEXT("data/007\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data/007\0again"));
    assert_ok();
    call_as(1, XS_WRITE, payload, sizeof(payload));
    assert_ok();
}

/* Without a byte left there is a way out: to remove takes none. */
static void test_remove_without_room(void **state)
{
    void *taken[64], *object;
    unsigned count = 0;

    (void)state;
    call(XS_WRITE, TEXT("data/a/b\0value"));
    assert_ok();
    for (size_t size = STORE_ACCOUNT_SIZE / 2; size >= 8; size /= 2) {
        while ((object = store_account_take(&audit_session()->own, size)))
            taken[count++] = object;
    }
    call(XS_WRITE, TEXT("data/a\0value"));
    assert_error("ENOSPC");
    call(XS_RM, TEXT("data/a\0"));
    assert_ok();
    while (count > 0)
        store_account_give(&audit_session()->own, taken[--count]);
}

/* Shows xenstore_ring.sizes. */
static void xsa_323_values_and_paths_at_their_limits(void **state)
{
    static char payload[XENSTORE_PAYLOAD_MAX] = "data/a";
    char path[STORE_PATH_LENGTH + 2];
    const size_t home = sizeof(HOME "/") - 1;

    (void)state;
    call(XS_WRITE, payload, 7 + STORE_VALUE_MAX);
    assert_ok();
    call(XS_WRITE, payload, 7 + STORE_VALUE_MAX + 1);
    assert_error("ENOSPC");
    memset(path, 'a', sizeof(path));
    memcpy(path, "data/", 5);
    path[STORE_PATH_LENGTH - home] = '\0'; /* however it is said: XSA-323 */
    call(XS_MKDIR, path, STORE_PATH_LENGTH - home + 1);
    assert_ok();
    path[STORE_PATH_LENGTH - home] = 'a';
    call(XS_MKDIR, path, STORE_PATH_LENGTH - home + 1);
    assert_error("ENOSPC");
}

/* Shows xenstore_ring.sizes. */
static void test_depth(void **state)
{
    char path[2 * STORE_PATH_DEPTH + 32] = HOME "/data";
    unsigned depth = 4;

    (void)state;
    for (; depth < STORE_PATH_DEPTH; depth++)
        strcat(path, "/n");
    call(XS_WRITE, path, strlen(path) + 1);
    assert_ok();
    strcat(path, "/n");
    call(XS_WRITE, path, strlen(path) + 1);
    assert_error("ENOSPC");
}

/* Where there are no quotas but memory. */
static void test_privileged(void **state)
{
    char path[32];

    (void)state;
    as(2);
    host_come(0, true);
    for (unsigned i = 0; i < STORE_NODES_MAX + 10; i++) {
        snprintf(path, sizeof(path), OTHER "/data/%u", i);
        call(XS_MKDIR, path, strlen(path) + 1);
        assert_ok();
    }
    call(XS_GET_PERMS, TEXT(OTHER "/data/7\0")); /* all of the list is copied */
    assert_reply(TEXT("n4\0"));
    call_as(1, XS_MKDIR, TEXT("data/own\0"));
    assert_ok();
    call_as(2, XS_SET_PERMS, TEXT("/\0n4\0"));
    assert_error("EINVAL");
    call_as(2, XS_RM, TEXT("/\0"));
    assert_error("EINVAL");
}

#define OPERATION(function) cmocka_unit_test_setup_teardown(function, set_up, xenstore_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPERATION(test_each_letter),
        OPERATION(test_made_in_anothers),
        cmocka_unit_test_setup_teardown(xsa_272_one_node_too_many, set_up, xenstore_tear_down),
        OPERATION(test_too_much_memory),
        cmocka_unit_test_setup_teardown(xsa_323_values_and_paths_at_their_limits, set_up, xenstore_tear_down),
        OPERATION(test_depth),
        OPERATION(test_remove_without_room),
        OPERATION(test_privileged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
