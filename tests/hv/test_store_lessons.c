/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in xenstores elsewhere, one test for each advisory that no other test is named after:
 * docs/advisories.md.  Guests 0 and 1 are the domains 3 and 4; guest 2 is privileged where there is one.
 */
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

#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

#define OTHER "/local/domain/4"

static int set_up(void **state)
{
    int error = xenstore_set_up(state);

    as(1);
    host_come(4, false);
    as(2);
    host_come(0, true);
    as(0);
    return error;
}

static void assert_served(unsigned guest)
{
    call_as(guest, XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
}

/*
 * ---- The ring.
 */

static void xsa_38_each_distance_of_indexes(void **state)
{
    static const uint32_t distances[] = {0, 1, 1023, 1024, 1025, 2048, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX};

    for (size_t i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
        for (unsigned replies = 0; replies < 2; replies++) {
            struct xenstore_domain_interface *ring = &host_guests[0].page.ring;

            ring->req_prod = ring->req_cons + (replies ? 0 : distances[i]);
            ring->rsp_cons = ring->rsp_prod - (replies ? distances[i] : 0);
            xenstore_run(&host_guests[0].domain);
            assert_int_equal(ring->error, distances[i] > XENSTORE_RING_SIZE ? XENSTORE_ERROR_RINGIDX : 0);
            assert_served(1);
            (void)xenstore_tear_down(state);
            (void)set_up(state);
        }
    }
}

static void xsa_420_each_length_of_a_message(void **state)
{
    static const uint32_t lengths[] = {XENSTORE_PAYLOAD_MAX + 1, INT32_MAX, UINT32_C(1) << 31, UINT32_MAX};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        const struct xsd_sockmsg head = {XS_READ, 1, 0, lengths[i]};

        as(0);
        (void)host_put(&head, sizeof(head));
        xenstore_run(&host->domain);
        assert_int_equal(host->page.ring.error, XENSTORE_ERROR_PROTO);
        assert_served(1);
        (void)xenstore_tear_down(state);
        (void)set_up(state);
    }
}

static void break_ring(void)
{
    host->page.ring.req_prod = host->page.ring.req_cons + XENSTORE_RING_SIZE + 1;
    xenstore_run(&host->domain);
    assert_int_equal(host->page.ring.error, XENSTORE_ERROR_RINGIDX);
}

static void watch_ends(void)
{
    call_as(2, XS_WATCH, TEXT("@releaseDomain\0end\0"));
    assert_ok();
    assert_event(TEXT("@releaseDomain\0end\0"));
}

/* The domain lives on, with its nodes and its end. */
static void xsa_325_a_broken_ring_is_no_end(void **state)
{
    (void)state;
    watch_ends();
    as(1);
    break_ring();
    as(2);
    assert_silence();
    call(XS_IS_DOMAIN_INTRODUCED, TEXT("4\0"));
    assert_reply(TEXT("T\0"));
    call(XS_READ, TEXT(OTHER "/name\0"));
    assert_reply(TEXT("guest"));
    as(1);
    host_go();
    as(2);
    assert_event(TEXT("@releaseDomain\0end\0"));
    assert_silence();
}

/* An end that meets another, or a request that is half there, is one end. */
static void xsa_233_ends_in_any_order(void **state)
{
    (void)state;
    watch_ends();
    for (unsigned how = 0; how < 4; how++) {
        as(1);
        if (how & 1)
            put(&(struct xsd_sockmsg){XS_READ, 1, 0, 100}, sizeof(struct xsd_sockmsg));
        if (how & 2)
            break_ring();
        xenstore_destroy(&host->domain);
        xenstore_destroy(&host->domain);
        xenstore_run(&host->domain);
        as(2);
        assert_event(TEXT("@releaseDomain\0end\0"));
        assert_silence();
        as(1);
        host_come(4, false);
    }
}

/* The requests that make and end domains elsewhere, in any order, twice each. */
static void xsa_425_domains_are_not_made_by_requests(void **state)
{
    static const uint32_t types[] = {XS_INTRODUCE, XS_RELEASE, XS_RESUME, XS_SET_TARGET};

    (void)state;
    for (unsigned order = 0; order < 256; order++) {
        for (unsigned i = 0; i < 4; i++) {
            call_as(order & 1 ? 2 : 0, types[order >> 2 * i & 3],
                    TEXT("4\0"
                         "1\0"
                         "1\0"));
            assert_error(order & 1 ? "ENOSYS" : "EACCES");
        }
    }
    assert_served(1);
}

/*
 * ---- Replies and events.
 */

static void xsa_72_replies_up_to_the_longest(void **state)
{
    static char path[1024];

    (void)state;
    for (unsigned i = 0; i < 4; i++) { /* 996 bytes of the list, each */
        memset(path, 'a' + (int)i, sizeof(path));
        memcpy(path, "data/", 5);
        call(XS_MKDIR, path, 1000);
        assert_ok();
    }
    memset(path, 'z', sizeof(path));
    memcpy(path, "data/", 5);
    for (size_t length = 110; length <= 112; length++) { /* and one zero byte */
        call(XS_MKDIR, path, 5 + length);
        assert_ok();
        call(XS_DIRECTORY, TEXT("data\0"));
        if (4 * 996 + length + 1 <= XENSTORE_PAYLOAD_MAX)
            assert_int_equal(reply.head.len, 4 * 996 + length + 1);
        else
            assert_error("E2BIG");
        call(XS_RM, path, 5 + length);
        assert_ok();
    }
}

static void xsa_324_an_event_longer_than_a_message(void **state)
{
    static char payload[XENSTORE_PAYLOAD_MAX] = HOME "/data";

    (void)state;
    memset(payload + sizeof(HOME "/data"), 't', sizeof(payload) - sizeof(HOME "/data") - 1);
    call(XS_WATCH, payload, sizeof(payload));
    assert_ok();
    assert_event(payload, sizeof(payload));
    call(XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    assert_event(payload, sizeof(payload)); /* it says that something has changed */
    assert_silence();
}

/* Shows xenstore_ring.right-to-read. */
static void xsa_115_a_watcher_hears_of_what_it_may_read(void **state)
{
    static const char *const watched[] = {"/", "/local/domain", HOME, "@introduceDomain", "@releaseDomain", "/vm"};
    char payload[64];

    (void)state;
    for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++) {
        size_t length = (size_t)snprintf(payload, sizeof(payload), "%s%ct", watched[i], '\0') + 1;

        call_as(1, XS_WATCH, payload, length);
        assert_ok();
        assert_event(payload, length);
    }
    call_as(0, XS_WRITE, TEXT("data/a\0value"));
    call_as(2, XS_WRITE, TEXT("/tool\0value"));
    call_as(2, XS_WRITE, TEXT(HOME "/name\0other"));
    call_as(2, XS_RM, TEXT("/tool\0"));
    call_as(2, XS_SET_PERMS, TEXT(HOME "/name\0n0\0r3\0"));
    call_as(0, XS_RM, TEXT("data/a\0"));
    assert_ok();
    as(3);
    host_come(5, false);
    host_go();
    as(1);
    assert_silence();
}

static void xsa_330_no_watch_outlives_a_reset(void **state)
{
    const uint32_t used = audit_session()->own.used;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        call(XS_WATCH, TEXT("data\0token\0"));
        assert_ok();
        assert_event(TEXT("data\0token\0"));
        call(XS_RESET_WATCHES, TEXT("\0"));
        assert_ok();
        assert_int_equal(audit_session()->own.used, used);
    }
    call(XS_WRITE, TEXT("data\0value"));
    assert_ok();
    assert_silence();
}

/*
 * ---- Memory and quotas.
 */

/* Who never reads, watches everything, or leaves its transactions open, has no more than from the beginning. */
static void xsa_326_whoever_never_reads(void **state)
{
    const unsigned before = objects;
    struct xsd_sockmsg head = {XS_READ, 1, 0, 5};
    uint32_t id;

    (void)state;
    call(XS_WATCH, TEXT(OTHER "\0token\0"));
    assert_ok();
    assert_event(TEXT(OTHER "\0token\0"));
    id = start_transaction();
    for (unsigned i = 0; i < 3000; i++) {
        char path[32];

        snprintf(path, sizeof(path), "data/%u", i);
        call_in(id, XS_WRITE, path, strlen(path) + 1);
    }
    assert_error("ENOSPC");
    while (host_put(&head, sizeof(head)) == sizeof(head) && host_put("name", 5) == 5)
        xenstore_run(&host->domain);
    for (unsigned i = 0; i < 3000; i++) {
        call_as(1, XS_WRITE, TEXT("data/a\0value"));
        assert_ok();
    }
    assert_int_equal(objects, before);
}

static void xsa_416_a_reply_that_nobody_takes(void **state)
{
    static char payload[2048] = "data/a";
    uint32_t used;

    (void)state;
    call(XS_WRITE, payload, sizeof(payload));
    assert_ok();
    used = audit_session()->own.used;
    put(&(struct xsd_sockmsg){XS_READ, 1, 0, 7}, sizeof(struct xsd_sockmsg));
    put(payload, 7);
    assert_int_equal(audit_session()->own.used, used);
    put(&(struct xsd_sockmsg){XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX}, sizeof(struct xsd_sockmsg));
    assert_int_equal(audit_session()->own.used, used);
    take(&reply, sizeof(reply.head) + 2041);
}

static void *taken[64];
static unsigned nr_taken;

/* Take all that is free in the guest's account, but @left bytes; and give it back. */
static void leave(uint32_t left)
{
    struct store_account *own = &audit_session()->own;
    void *object;

    for (uint32_t size = STORE_ACCOUNT_SIZE / 2; size >= 8; size /= 2) {
        while (sizeof(own->bytes) - own->used >= left + size + 8 && (object = store_account_take(own, size)))
            taken[nr_taken++] = object;
    }
}

static void leave_all(void)
{
    while (nr_taken > 0)
        store_account_give(&audit_session()->own, taken[--nr_taken]);
}

/* Making a path fails at each step, inside a transaction and outside. */
static void fail_at_each_step(bool inside)
{
    const uint32_t used = audit_session()->own.used;
    bool made = false;

    for (uint32_t left = 0; !made; left += 8) {
        uint32_t id = inside ? start_transaction() : 0;

        leave(left);
        call_in(id, XS_WRITE, TEXT("data/a/b/c/d\0value"));
        made = reply.head.type != XS_ERROR;
        if (inside) {
            if (made)
                assert_ok();
            call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
            assert_ok();
        }
        leave_all();
        store_audit();
        if (!made) {
            assert_int_equal(audit_session()->own.used, used);
            call(XS_DIRECTORY, TEXT("data\0"));
            assert_reply(TEXT(""));
        }
    }
    call(XS_READ, TEXT("data/a/b/c/d\0"));
    assert_reply(TEXT("value"));
}

static void xsa_414_making_fails_at_each_step(void **state)
{
    (void)state;
    fail_at_each_step(false);
}

static void xsa_415_no_orphans_of_a_transaction(void **state)
{
    (void)state;
    fail_at_each_step(true);
}

/* Domain 4 leaves what it can in the directory of domain 3, life after life. */
static void xsa_419_nothing_is_left_to_the_control(void **state)
{
    uint32_t control = audit_store()->control.nr_nodes, own = audit_session()->own.nr_nodes;

    (void)state;
    call(XS_SET_PERMS, TEXT("data\0b3\0"));
    assert_ok();
    for (unsigned life = 0; life < 30; life++) {
        char path[64];

        as(1);
        for (unsigned i = 0; i < 20; i++) {
            snprintf(path, sizeof(path), HOME "/data/%u-%u", life, i);
            call(XS_MKDIR, path, strlen(path) + 1);
            assert_ok();
        }
        host_go();
        store_audit();
        host_come(4, false);
    }
    as(0);
    assert_int_equal(audit_store()->control.nr_nodes, control);
    assert_int_equal(audit_session()->own.nr_nodes, own);
    call(XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT(""));
}

/*
 * ---- Rights.
 */

/* Nobody has the number 5 yet: what is given to it is for nobody. */
static void xsa_417_rights_for_a_number_to_come(void **state)
{
    (void)state;
    call(XS_SET_PERMS, TEXT("data\0n3\0b5\0"));
    assert_ok();
    call(XS_WRITE, TEXT("data/a\0secret"));
    assert_ok();
    call_as(2, XS_SET_PERMS, TEXT(HOME "/data\0n5\0"));
    assert_error("EINVAL");
    as(3);
    host_come(5, false);
    call(XS_READ, TEXT(HOME "/data/a\0"));
    assert_error("EACCES");
    call(XS_WRITE, TEXT(HOME "/data/b\0mine"));
    assert_error("EACCES");
}

static void xsa_352_nobody_gives_nodes_away(void **state)
{
    static const char *const owners[] = {"n0", "n4", "b0", "n5", "n32767"};
    char payload[16] = "data";

    (void)state;
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        strcpy(payload + 5, owners[i]);
        call(XS_SET_PERMS, payload, 5 + strlen(owners[i]) + 1);
        assert_error("EPERM");
    }
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n3\0"));
}

static void xsa_353_the_root_is_a_node(void **state)
{
    static const uint32_t types[] = {XS_DIRECTORY, XS_READ, XS_GET_PERMS, XS_WRITE, XS_MKDIR, XS_RM};

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        call(types[i], TEXT("/\0"));
        assert_error("EACCES");
        call(types[i], TEXT("\0"));
        assert_error("EINVAL");
    }
    call(XS_SET_PERMS, TEXT("/\0b3\0"));
    assert_error("EACCES");
    call(XS_DIRECTORY_PART, TEXT("/\0"
                                 "0\0"));
    assert_error("EACCES");
    call_as(2, XS_RM, TEXT("/\0"));
    assert_error("EINVAL");
    assert_served(1);
}

static void xsa_481_paths_that_are_none(void **state)
{
    static const char *const paths[] = {
        "",       "//", "/local/domain/", "/local/domain//", "/local//domain", "data/", "a b", "/a\xff", "data/.",
        "data/:", "/@/"};
    static const uint32_t types[] = {XS_DIRECTORY, XS_READ, XS_GET_PERMS,      XS_SET_PERMS, XS_WATCH,
                                     XS_UNWATCH,   XS_RM,   XS_DIRECTORY_PART, XS_WRITE,     XS_MKDIR};
    char payload[64];

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        for (size_t j = 0; j < sizeof(types) / sizeof(types[0]); j++) {
            size_t length = strlen(paths[i]) + 1;

            memcpy(payload, paths[i], length);
            strcpy(payload + length, "n3");
            call(types[j], payload, length + 3);
            assert_error("EINVAL");
            call(types[j], payload, length - 1); /* without its zero byte, and without anything else */
            assert_int_equal(reply.head.type, XS_ERROR);
        }
    }
}

/*
 * ---- Transactions.
 */

static void xsa_206_a_privileged_transaction_comes_through(void **state)
{
    unsigned tries = 0;
    uint32_t id;

    (void)state;
    do {
        as(2);
        id = start_transaction();
        call_in(id, XS_DIRECTORY, TEXT(HOME "/data\0"));
        call_in(id, XS_WRITE, TEXT(HOME "/name\0other"));
        assert_ok();
        as(0); /* which writes whenever it can, and does not wait for the reply */
        put(&(struct xsd_sockmsg){XS_WRITE, 1, 0, 10}, sizeof(struct xsd_sockmsg));
        (void)host_put("data/", 5);
        (void)host_put((const char[]){(char)('a' + (int)tries), 0, 'v', 'a', 'l'}, 5);
        xenstore_run(&host->domain);
        call_as(2, XS_READ, TEXT("name\0"));
        call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
        tries++;
    } while (reply.head.type == XS_ERROR);
    assert_ok();
    assert_int_equal(tries, 2);
    as(0);
    receive();
    assert_ok();
    receive();
    assert_ok();
}

/* It is as if neither had been: nothing is left, and nothing counts. */
static void xsa_421_made_and_removed_in_one_transaction(void **state)
{
    const uint32_t used = audit_session()->own.used, nodes = audit_session()->own.nr_nodes;

    (void)state;
    for (unsigned commits = 0; commits < 2; commits++) {
        uint32_t id = start_transaction();

        for (unsigned i = 0; i < 10; i++) {
            call_in(id, XS_WRITE, TEXT("data/a/b\0value"));
            assert_ok();
            call_in(id, XS_SET_PERMS, TEXT("data/a\0r3\0"));
            assert_ok();
            call_in(id, XS_RM, TEXT("data/a\0"));
            assert_ok();
        }
        call_in(id, XS_TRANSACTION_END, commits ? "T" : "F", 2);
        assert_ok();
        assert_int_equal(audit_session()->own.used, used);
        assert_int_equal(audit_session()->own.nr_nodes, nodes);
        store_audit();
    }
}

/* What a transaction removes or writes is removed outside: it fails, and the count is right. */
static void xsa_440_removed_outside_and_inside(void **state)
{
    uint32_t id, nodes;

    (void)state;
    call(XS_WRITE, TEXT("data/a/b\0value"));
    assert_ok();
    nodes = audit_session()->own.nr_nodes;
    for (unsigned writes = 0; writes < 2; writes++) {
        call(XS_WRITE, TEXT("data/a/b\0value"));
        assert_ok();
        id = start_transaction();
        call_in(id, writes ? XS_WRITE : XS_RM, TEXT("data/a/b\0"));
        assert_ok();
        call(XS_RM, TEXT("data/a\0"));
        assert_ok();
        call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
        assert_error("EAGAIN");
        assert_int_equal(audit_session()->own.nr_nodes, nodes - 2);
        store_audit();
    }
}

#define LESSON(function) cmocka_unit_test_setup_teardown(function, set_up, xenstore_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_38_each_distance_of_indexes),
        LESSON(xsa_420_each_length_of_a_message),
        LESSON(xsa_325_a_broken_ring_is_no_end),
        LESSON(xsa_233_ends_in_any_order),
        LESSON(xsa_425_domains_are_not_made_by_requests),
        LESSON(xsa_72_replies_up_to_the_longest),
        LESSON(xsa_324_an_event_longer_than_a_message),
        LESSON(xsa_115_a_watcher_hears_of_what_it_may_read),
        LESSON(xsa_330_no_watch_outlives_a_reset),
        LESSON(xsa_326_whoever_never_reads),
        LESSON(xsa_416_a_reply_that_nobody_takes),
        LESSON(xsa_414_making_fails_at_each_step),
        LESSON(xsa_415_no_orphans_of_a_transaction),
        LESSON(xsa_419_nothing_is_left_to_the_control),
        LESSON(xsa_417_rights_for_a_number_to_come),
        LESSON(xsa_352_nobody_gives_nodes_away),
        LESSON(xsa_353_the_root_is_a_node),
        LESSON(xsa_481_paths_that_are_none),
        LESSON(xsa_206_a_privileged_transaction_comes_through),
        LESSON(xsa_421_made_and_removed_in_one_transaction),
        LESSON(xsa_440_removed_outside_and_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
