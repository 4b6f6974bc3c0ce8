/* SPDX-License-Identifier: MIT */
/* What is in the xenstore when a guest starts, and who may change it. */
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

#include <hv/service/services.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

/* Shows xenstore_ring.home. */
static void test_tree_at_start(void **state)
{
    (void)state;
    call(XS_READ, TEXT("name\0"));
    assert_reply(TEXT("guest"));
    call(XS_READ, TEXT(HOME "/domid\0"));
    assert_reply(TEXT("3"));
    call(XS_READ, TEXT("memory/target\0"));
    assert_reply(TEXT("1024"));
    call(XS_READ, TEXT("memory/static-max\0"));
    assert_reply(TEXT("2048"));
    call(XS_READ, TEXT("cpu/1/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("cpu/2/availability\0"));
    assert_error("ENOENT");
    call(XS_DIRECTORY, TEXT("device\0"));
    assert_reply(TEXT("suspend\0"));
    call(XS_READ, TEXT("vm\0"));
    assert_reply(TEXT("/vm/f0efeeed-eceb-eae9-e8e7-e6e5e4e3e203"));
    call(XS_DIRECTORY, TEXT("/vm/f0efeeed-eceb-eae9-e8e7-e6e5e4e3e203\0")); /* for tools */
    assert_error("EACCES");
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
    assert_int_equal(host->page.ring.error, XENSTORE_ERROR_NONE);
}

static void test_console_in_the_tree(void **state)
{
    (void)state;
    as(1);
    host_make(4, false);
    host->domain.services->console = (struct domain_console){.frame = MFN(99), .ring = &host->page, .port = 2};
    host_introduce();
    call(XS_DIRECTORY, TEXT("console\0"));
    assert_reply(TEXT("backend\0backend-id\0limit\0output\0port\0ring-ref\0tty\0type\0"));
    call(XS_READ, TEXT("console/backend\0"));
    assert_reply(TEXT("/local/domain/0/backend/console/4/0"));
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
    as(1);
    host_make(4, false);
    host->domain.engine.nr_vcpus = VCPUS_MAX;
    host->domain.vcpus_at_start = VCPUS_MAX - 1;
    memset(host->domain.name, 'n', DOMAIN_NAME_MAX);
    host_introduce();
    call(XS_READ, TEXT("cpu/30/availability\0"));
    assert_reply(TEXT("online"));
    call(XS_READ, TEXT("cpu/31/availability\0")); /* it can come later */
    assert_reply(TEXT("offline"));
    call(XS_READ, TEXT("name\0"));
    assert_reply(host->domain.name, DOMAIN_NAME_MAX);
}

/* Each key and who may write it, as what starts domains elsewhere leaves it: XSA-57.  Shows xenstore_ring.home. */
static void xsa_57_who_may_write_what(void **state)
{
    static const struct {
        const char *path, *permissions;
    } rows[] = {
        {"", "n0 r3"},
        {"name", "n0 r3"},
        {"domid", "n0 r3"},
        {"vm", "n0 r3"},
        {"memory/target", "n0 r3"},
        {"memory/static-max", "n0 r3"},
        {"memory/videoram", "n0 r3"},
        {"cpu/0/availability", "n0 r3"},
        {"store/port", "n0 r3"},
        {"store/ring-ref", "n0 r3"},
        {"device", "n0 r3"},
        {"control", "n0 r3"},
        {"control/platform-feature-multiprocessor-suspend", "n0 r3"},
        {"control/shutdown", "n3"},
        {"control/sysrq", "n3"},
        {"control/feature-poweroff", "n3"},
        {"control/feature-reboot", "n3"},
        {"control/feature-suspend", "n3"},
        {"device/suspend/event-channel", "n3"},
        {"data", "n3"},
        {"drivers", "n3"},
        {"feature", "n3"},
        {"attr", "n3"},
        {"error", "n3"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char path[128] = HOME "/", wanted[16];

        strcat(path, rows[i].path);
        if (rows[i].path[0] == '\0')
            path[strlen(HOME)] = '\0';
        call(XS_GET_PERMS, path, strlen(path) + 1);
        strcpy(wanted, rows[i].permissions);
        if (strchr(wanted, ' '))
            *strchr(wanted, ' ') = '\0';
        assert_reply(wanted, strlen(rows[i].permissions) + 1);
        call(XS_WRITE, path, strlen(path) + 1);
        if (wanted[1] == '3')
            assert_ok();
        else
            assert_error("EACCES");
    }
}

/* Everything is at the expense of the guest, and the rest of its account is its own. */
static void test_charged_to_the_guest(void **state)
{
    (void)state;
    assert_int_equal(audit_store()->control.nr_nodes, 4); /* "/", "/local", "/local/domain", "/vm" */
    assert_in_range(audit_session()->own.nr_nodes, 30, 60);
    assert_in_range(audit_session()->own.used, 1, STORE_ACCOUNT_SIZE / 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tree_at_start),
        TEST(test_console_in_the_tree),
        TEST(test_many_vcpus),
        cmocka_unit_test_setup_teardown(xsa_57_who_may_write_what, xenstore_set_up, xenstore_tear_down),
        TEST(test_charged_to_the_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
