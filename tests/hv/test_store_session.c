/* SPDX-License-Identifier: MIT */
/* Domains that come to the xenstore and go: what is left of them, and who hears of it. */
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

#include <abi/errno.h>
#include <tests/hv/lib/objects.h>
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

/* Guest 1 ends, and its number comes again. */
static void end_and_come_again(void)
{
    as(1);
    host_go();
    store_audit();
    host_come(4, false);
}

/* Shows xenstore_ring.end. */
static void test_nodes_go(void **state)
{
    (void)state;
    call_as(0, XS_SET_PERMS, TEXT("data\0r3\0b4\0"));
    assert_ok();
    call_as(1, XS_WRITE, TEXT(HOME "/data/theirs\0value"));
    assert_ok();
    call_as(1, XS_SET_PERMS, TEXT(HOME "/data/theirs\0b4\0"));
    assert_ok();
    call_as(0, XS_WRITE, TEXT("data/theirs/mine\0value")); /* below what goes */
    assert_ok();
    call_as(0, XS_WRITE, TEXT("data/mine\0value"));
    assert_ok();
    as(1);
    host_go();
    store_audit();
    call_as(0, XS_DIRECTORY, TEXT("data\0"));
    assert_reply(TEXT("mine\0"));
    as(2);
    host_come(0, true);
    call(XS_DIRECTORY, TEXT("/local/domain\0"));
    assert_reply(TEXT("0\0"
                      "3\0"));
    call(XS_DIRECTORY, TEXT("/vm\0"));
    assert_int_equal(reply.head.len, 2 * 37);
}

/* Shows xenstore_ring.end. */
static void xsa_322_rights_go(void **state)
{
    (void)state;
    call_as(0, XS_SET_PERMS, TEXT("data\0n3\0b4\0"));
    assert_ok();
    call_as(0, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    call_as(1, XS_READ, TEXT(HOME "/data/a\0"));
    assert_reply(TEXT("value"));
    end_and_come_again();
    call_as(1, XS_READ, TEXT(HOME "/data/a\0"));
    assert_error("EACCES");
    call_as(1, XS_WRITE, TEXT(HOME "/data/b\0"));
    assert_error("EACCES");
    call_as(0, XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n3\0"));
}

/* Nor do they come with what another was about to give, or to make, when it ended. */
static void test_rights_in_transactions_go(void **state)
{
    uint32_t id;

    (void)state;
    as(0);
    id = start_transaction();
    call_in(id, XS_SET_PERMS, TEXT("data\0n3\0b4\0"));
    assert_ok();
    call_in(id, XS_WRITE, TEXT("data/a\0value"));
    assert_ok();
    end_and_come_again();
    as(0);
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_error("EAGAIN");
    call(XS_GET_PERMS, TEXT("data\0"));
    assert_reply(TEXT("n3\0"));
    call(XS_READ, TEXT("data/a\0"));
    assert_error("ENOENT");
}

/* A transaction that has looked at what went away. */
static void test_transactions_of_others(void **state)
{
    uint32_t id;

    (void)state;
    call_as(1, XS_SET_PERMS, TEXT("data\0b4\0"));
    assert_ok();
    as(0);
    id = start_transaction();
    call_in(id, XS_WRITE, TEXT(OTHER "/data/a\0value"));
    assert_ok();
    call_in(id, XS_RM, TEXT(OTHER "/data\0"));
    assert_ok();
    call_in(id, XS_WRITE, TEXT("data/b\0value"));
    assert_ok();
    end_and_come_again();
    as(0);
    call_in(id, XS_TRANSACTION_END, TEXT("T\0"));
    assert_error("EAGAIN");
    call(XS_READ, TEXT("data/b\0"));
    assert_error("ENOENT");
}

/* All that one can have, again and again by the same number. */
static void xsa_483_quotas_go(void **state)
{
    char payload[64];

    (void)state;
    for (unsigned life = 0; life < 5; life++) {
        as(1);
        for (unsigned i = 0; i < STORE_WATCHES_MAX; i++) {
            snprintf(payload, sizeof(payload), "data%c%03u", '\0', i);
            call(XS_WATCH, payload, 9);
            assert_ok();
            assert_event(payload, 9);
        }
        for (unsigned i = 0; i < STORE_TRANSACTIONS_MAX; i++)
            call_in(start_transaction(), XS_WRITE, TEXT("data/a\0value"));
        assert_ok();
        for (unsigned i = 0; audit_session()->own.nr_nodes < STORE_NODES_MAX; i++) {
            snprintf(payload, sizeof(payload), "drivers/%u", i);
            call(XS_MKDIR, payload, strlen(payload) + 1);
            assert_ok();
        }
        end_and_come_again();
    }
}

static void test_come_and_go_is_told(void **state)
{
    (void)state;
    as(2);
    host_come(0, true);
    call(XS_WATCH, TEXT("@introduceDomain\0come\0"));
    assert_ok();
    assert_event(TEXT("@introduceDomain\0come\0"));
    call(XS_WATCH, TEXT("@releaseDomain\0gone\0"));
    assert_ok();
    assert_event(TEXT("@releaseDomain\0gone\0"));
    call_as(0, XS_WATCH, TEXT("@releaseDomain\0not for guests\0"));
    assert_ok();
    assert_event(TEXT("@releaseDomain\0not for guests\0"));
    as(1);
    host_go();
    as(2);
    assert_event(TEXT("@releaseDomain\0gone\0"));
    assert_silence();
    as(1);
    host_make(4, false);
    as(2);
    assert_silence(); /* it is not there yet */
    as(1);
    host_introduce();
    as(2);
    assert_event(TEXT("@introduceDomain\0come\0"));
    as(1);
    host_go();
    host_make(4, false);
    host_go(); /* it was never there */
    as(2);
    assert_event(TEXT("@releaseDomain\0gone\0"));
    assert_silence();
    as(0);
    assert_silence();
}

/* The store goes with the last of them, and there is none before the first. */
static void test_last_one(void **state)
{
    (void)state;
    assert_int_equal(objects, 3);
    as(1);
    host_go();
    assert_int_equal(objects, 2);
    as(0);
    host_go();
    assert_int_equal(objects, 0);
    host_come(3, false);
    call_as(0, XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
}

static unsigned left; /* of allocations that succeed */

static bool fails(void)
{
    return left-- == 0;
}

static void test_no_memory(void **state)
{
    (void)state;
    as(1);
    host_go();
    as(0);
    host_go();
    for (unsigned i = 0; i < 2; i++) {
        left = i;
        object_fails = fails;
        memset(host, 0, sizeof(*host));
        host->domain.services = &host->services;
        assert_int_equal(xenstore_create(&host->domain, MFN(5)), -XEN_ENOMEM);
        object_fails = NULL;
        assert_int_equal(objects, 0);
    }
    host_come(3, false);
}

#define SESSION(function) cmocka_unit_test_setup_teardown(function, set_up, xenstore_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SESSION(test_nodes_go),
        cmocka_unit_test_setup_teardown(xsa_322_rights_go, set_up, xenstore_tear_down),
        SESSION(test_rights_in_transactions_go),
        SESSION(test_transactions_of_others),
        cmocka_unit_test_setup_teardown(xsa_483_quotas_go, set_up, xenstore_tear_down),
        SESSION(test_come_and_go_is_told),
        SESSION(test_last_one),
        SESSION(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
