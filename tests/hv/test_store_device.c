/* SPDX-License-Identifier: MIT */
/* Devices in the xenstore: what stands in both directories, who may do what there, who pays, and when they go. */
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
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/service/store_device.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

#define FRONT   0u /* of host_guests: domain 3, as host_begin() makes it */
#define BACK    1u /* domain 9 */
#define OTHER   2u /* domain 5, a front end, too */
#define BACKEND "/local/domain/9/backend"

static struct store_device_node nodes[] = {
    {{"virtual-device", 14}, {"51712", 5}, false},
    {{"params", 6}, {"vbd-3-51712", 11}, true},
    {{"empty", 5}, {"", 0}, true},
};
static const struct store_device disk = {{"vbd", 3}, 51712, nodes, 3}, card = {{"vif", 3}, 0, NULL, 0};

static void come(unsigned guest, unsigned domid, bool is_back_end)
{
    as(guest);
    host_make(domid, false);
    host->domain.is_back_end = is_back_end;
    host_introduce();
}

static struct store_session *session_of(unsigned guest)
{
    as(guest);
    return audit_session();
}

static void write_device(unsigned guest, const struct store_device *device)
{
    assert_int_equal(xenstore_write_device(&host_guests[guest].domain, &host_guests[BACK].domain, device), 0);
}

static int begin(void **state)
{
    xenstore_set_up(state);
    come(BACK, 9, true);
    come(OTHER, 5, false);
    return 0;
}

/* Everything that is below the node. */
static void assert_tree(unsigned guest, const char *path, const char *const *rows)
{
    char key[256];

    for (; rows[0]; rows += 2) {
        int length = sprintf(key, "%s/%s", path, rows[0]);

        call_as(guest, XS_READ, key, (size_t)length + 1);
        assert_reply(rows[1], strlen(rows[1]));
    }
}

static void test_both_ends(void **state)
{
    (void)state;
    write_device(FRONT, &disk);
    call_as(FRONT, XS_DIRECTORY, TEXT("device/vbd/51712\0"));
    assert_reply(TEXT("backend\0backend-id\0state\0virtual-device\0"));
    assert_tree(FRONT, "device/vbd/51712",
                (const char *const[]){"backend", BACKEND "/vbd/3/51712", "backend-id", "9", "state", "1",
                                      "virtual-device", "51712", NULL});
    call_as(BACK, XS_DIRECTORY, TEXT("backend/vbd/3/51712\0"));
    assert_reply(TEXT("empty\0frontend\0frontend-id\0online\0params\0state\0"));
    assert_tree(BACK, "backend/vbd/3/51712",
                (const char *const[]){"frontend", HOME "/device/vbd/51712", "frontend-id", "3", "online", "1", "params",
                                      "vbd-3-51712", "state", "1", "empty", "", NULL});
    write_device(FRONT, &card);
    call_as(FRONT, XS_DIRECTORY, TEXT("device\0"));
    assert_reply(TEXT("suspend\0vbd\0vif\0"));
    call_as(BACK, XS_DIRECTORY, TEXT("backend\0"));
    assert_reply(TEXT("vbd\0vif\0"));
}

/* A domain that serves nobody has no such directory, and nobody else may list one. */
static void test_backend_directory(void **state)
{
    (void)state;
    call_as(BACK, XS_DIRECTORY, TEXT("backend\0"));
    assert_reply(TEXT(""));
    call_as(BACK, XS_GET_PERMS, TEXT("backend\0"));
    assert_reply(TEXT("n9\0"));
    call_as(FRONT, XS_DIRECTORY, TEXT("backend\0"));
    assert_error("ENOENT");
    call_as(FRONT, XS_DIRECTORY, TEXT(BACKEND "\0"));
    assert_error("EACCES");
}

/* Each node and its permissions; each of three domains reads it and writes it. */
static void test_rights(void **state)
{
    static const struct {
        const char *path, *permissions;
        bool reads[3], writes[3];
    } rows[] = {
        {HOME "/device/vbd", "n0 r3 ", {true, false, false}, {false, false, false}},
        {HOME "/device/vbd/51712", "n3 r9 ", {true, true, false}, {true, false, false}},
        {HOME "/device/vbd/51712/state", "n3 r9 ", {true, true, false}, {true, false, false}},
        {HOME "/device/vbd/51712/backend", "n3 r9 ", {true, true, false}, {true, false, false}},
        {HOME "/device/vbd/51712/virtual-device", "n3 r9 ", {true, true, false}, {true, false, false}},
        {HOME "/device/vbd/51712/new", "n3 r9 ", {true, true, false}, {true, false, false}},
        {BACKEND "/vbd", "n9 ", {false, true, false}, {false, true, false}},
        {BACKEND "/vbd/3", "n9 r3 ", {true, true, false}, {false, true, false}},
        {BACKEND "/vbd/3/51712", "n9 r3 ", {true, true, false}, {false, true, false}},
        {BACKEND "/vbd/3/51712/state", "n9 r3 ", {true, true, false}, {false, true, false}},
        {BACKEND "/vbd/3/51712/frontend", "n9 r3 ", {true, true, false}, {false, true, false}},
        {BACKEND "/vbd/3/51712/params", "n9 r3 ", {true, true, false}, {false, true, false}},
        {BACKEND "/vbd/3/51712/new", "n9 r3 ", {true, true, false}, {false, true, false}},
    };

    (void)state;
    write_device(FRONT, &disk);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t size = strlen(rows[i].path) + 1;

        for (unsigned guest = 0; guest < 3; guest++) {
            call_as(guest, XS_WRITE, rows[i].path, size);
            assert_int_equal(reply.head.type != XS_ERROR, rows[i].writes[guest]);
        }
        for (unsigned guest = 0; guest < 3; guest++) {
            call_as(guest, XS_READ, rows[i].path, size);
            assert_int_equal(reply.head.type != XS_ERROR, rows[i].reads[guest]);
        }
        call_as(rows[i].reads[FRONT] ? FRONT : BACK, XS_GET_PERMS, rows[i].path, size);
        for (char *end = reply.payload; end < reply.payload + reply.head.len; end++)
            *end = *end ? *end : ' ';
        assert_reply(rows[i].permissions, strlen(rows[i].permissions));
    }
}

/* The front end pays for both directories; the back end for what it writes itself, and for one node a type. */
static void test_who_pays(void **state)
{
    unsigned front = session_of(FRONT)->own.nr_nodes, back = session_of(BACK)->own.nr_nodes;

    (void)state;
    write_device(FRONT, &disk);
    assert_int_equal(session_of(FRONT)->own.nr_nodes, front + 2 + 4 + 2 + 6);
    assert_int_equal(session_of(BACK)->own.nr_nodes, back + 1);
    write_device(OTHER, &disk);
    assert_int_equal(session_of(BACK)->own.nr_nodes, back + 1);
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/feature\0001"));
    assert_ok();
    assert_int_equal(session_of(BACK)->own.nr_nodes, back + 2);
}

/* What one domain has of the directories goes with it; the other's devices stay. */
static void test_front_goes(void **state)
{
    (void)state;
    write_device(FRONT, &disk);
    write_device(OTHER, &disk);
    call_as(BACK, XS_WATCH, TEXT("backend\0token\0"));
    assert_ok();
    assert_event(TEXT("backend\0token\0"));
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/feature\0001"));
    assert_event(TEXT("backend/vbd/3/51712/feature\0token\0"));
    as(FRONT);
    host_go();
    as(BACK);
    assert_event(TEXT("backend/vbd/3\0token\0"));
    call_as(BACK, XS_DIRECTORY, TEXT("backend/vbd\0"));
    assert_reply(TEXT("5\0"));
    come(FRONT, 3, false);
    write_device(FRONT, &disk);
    as(BACK);
    assert_event(TEXT("backend/vbd/3\0token\0"));
    assert_event(TEXT("backend/vbd/3/51712\0token\0"));
}

static void test_back_goes(void **state)
{
    (void)state;
    write_device(FRONT, &disk);
    as(BACK);
    host_go();
    call_as(FRONT, XS_READ, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_error("EACCES");
    call_as(FRONT, XS_GET_PERMS, TEXT("device/vbd/51712\0"));
    assert_reply(TEXT("n3\0"));
    xenstore_remove_device(&host_guests[FRONT].domain, &disk);
    call_as(FRONT, XS_READ, TEXT("device/vbd/51712\0"));
    assert_error("ENOENT");
    xenstore_remove_device(&host_guests[FRONT].domain, &disk); /* nothing is there */
    come(BACK, 9, true);
    call_as(BACK, XS_READ, TEXT(HOME "/device/vbd/51712\0"));
    assert_error("EACCES");
    write_device(FRONT, &disk);
    call_as(BACK, XS_READ, TEXT(HOME "/device/vbd/51712/state\0"));
    assert_reply(TEXT("1"));
}

/* The back end comes again: its directory is as at first, the front end's as it was, and to be read by the new one. */
static void test_back_comes_again(void **state)
{
    struct hv_domain *front = &host_guests[FRONT].domain;

    (void)state;
    write_device(FRONT, &disk);
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/ring/ref\00099"));
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/state\0004"));
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/open\0001"));
    call_as(FRONT, XS_SET_PERMS, TEXT("device/vbd/51712/open\0b3\0"));
    assert_ok();
    as(BACK);
    host_go();
    come(BACK, 9, true);
    call_as(BACK, XS_READ, TEXT(HOME "/device/vbd/51712/ring/ref\0"));
    assert_error("EACCES");
    assert_int_equal(xenstore_write_back_device(front, &host_guests[BACK].domain, &disk, true), 0);
    assert_tree(BACK, BACKEND "/vbd/3/51712",
                (const char *const[]){"frontend", HOME "/device/vbd/51712", "frontend-id", "3", "online", "1", "params",
                                      "vbd-3-51712", "state", "1", "empty", "", NULL});
    assert_tree(BACK, HOME "/device/vbd/51712",
                (const char *const[]){"ring/ref", "99", "state", "4", "virtual-device", "51712", NULL});
    call_as(BACK, XS_WRITE, TEXT(HOME "/device/vbd/51712/state\0006"));
    assert_error("EACCES");
    call_as(FRONT, XS_GET_PERMS, TEXT("device/vbd/51712/open\0")); /* it is for everybody as it is */
    assert_reply(TEXT("b3\0"));
    call_as(FRONT, XS_GET_PERMS, TEXT("device/vbd\0"));
    assert_reply(TEXT("n0\0r3\0"));
    assert_int_equal(xenstore_write_back_device(front, &host_guests[BACK].domain, &disk, false), 0);
    call_as(BACK, XS_READ, TEXT("backend/vbd/3/51712/online\0"));
    assert_reply(TEXT("0"));
    call_as(FRONT, XS_RM, TEXT("device/vbd/51712\0"));
    assert_int_equal(xenstore_write_back_device(front, &host_guests[BACK].domain, &disk, true), -XEN_ENOENT);
    call_as(BACK, XS_READ, TEXT("backend/vbd/3/51712/state\0"));
    assert_reply(TEXT("1")); /* it was not asked for */
}

/* It does not come again: the front end can read that the device is closed, and nobody can write so. */
static void test_given_up(void **state)
{
    unsigned used;

    (void)state;
    used = session_of(FRONT)->own.used;
    xenstore_give_up_device(&host_guests[FRONT].domain, 9, &disk);
    assert_int_equal(session_of(FRONT)->own.used, used); /* it has no such device */
    write_device(FRONT, &disk);
    as(BACK);
    host_go();
    xenstore_give_up_device(&host_guests[FRONT].domain, 9, &disk);
    call_as(FRONT, XS_READ, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_reply(TEXT("6"));
    call_as(FRONT, XS_WRITE, TEXT(BACKEND "/vbd/3/51712/state\0001"));
    assert_error("EACCES");
    call_as(OTHER, XS_READ, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_error("EACCES");
    call_as(FRONT, XS_READ, TEXT("device/vbd/51712/state\0"));
    assert_reply(TEXT("1"));
    as(FRONT);
    host_go();
    come(FRONT, 3, false);
    assert_int_equal(session_of(FRONT)->own.used, used);
}

/* Whatever both ends have made of the directories, they are as at first when they are written anew. */
static void test_written_anew(void **state)
{
    (void)state;
    write_device(FRONT, &disk);
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/state\0004"));
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/ring-ref\00099"));
    call_as(FRONT, XS_SET_PERMS, TEXT("device/vbd/51712\0b3\0"));
    call_as(BACK, XS_RM, TEXT("backend/vbd\0"));
    assert_ok();
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/state\0004"));
    assert_ok();
    write_device(FRONT, &disk);
    test_both_ends(state);
    call_as(FRONT, XS_GET_PERMS, TEXT("device/vbd/51712\0"));
    assert_reply(TEXT("n3\0r9\0"));
    call_as(FRONT, XS_GET_PERMS, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_reply(TEXT("n9\0r3\0"));
}

static void test_is_new(void **state)
{
    const struct hv_domain *front = &host_guests[FRONT].domain, *back = &host_guests[BACK].domain;

    (void)state;
    assert_false(xenstore_device_is_new(front, back, &disk));
    assert_false(xenstore_device_is_there(front, back, &disk));
    write_device(FRONT, &disk);
    assert_true(xenstore_device_is_there(front, back, &disk));
    assert_true(xenstore_device_is_new(front, back, &disk));
    call_as(FRONT, XS_WRITE, TEXT("device/vbd/51712/state\0003"));
    assert_true(xenstore_device_is_new(front, back, &disk));
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/state\00011"));
    assert_false(xenstore_device_is_new(front, back, &disk));
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/state\0002"));
    assert_false(xenstore_device_is_new(front, back, &disk));
    call_as(BACK, XS_RM, TEXT("backend/vbd/3/51712\0"));
    assert_false(xenstore_device_is_new(front, back, &disk));
    assert_false(xenstore_device_is_there(front, back, &disk));
}

static void close_disk(void)
{
    assert_int_equal(xenstore_close_device(&host_guests[FRONT].domain, &host_guests[BACK].domain, &disk), 0);
}

/* Both ends are told, and it is closed when the back end says so; what it has said is not taken back. */
static void test_closed(void **state)
{
    const struct hv_domain *front = &host_guests[FRONT].domain, *back = &host_guests[BACK].domain;

    (void)state;
    assert_true(xenstore_device_is_closed(front, back, &disk));
    close_disk(); /* nothing is made */
    assert_false(xenstore_device_is_there(front, back, &disk));
    write_device(FRONT, &disk);
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/state\0004"));
    assert_false(xenstore_device_is_closed(front, back, &disk));
    close_disk();
    assert_false(xenstore_device_is_closed(front, back, &disk));
    call_as(BACK, XS_READ, TEXT("backend/vbd/3/51712/online\0"));
    assert_reply(TEXT("0"));
    call_as(FRONT, XS_READ, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_reply(TEXT("5"));
    call_as(BACK, XS_WRITE, TEXT("backend/vbd/3/51712/state\0006"));
    assert_true(xenstore_device_is_closed(front, back, &disk));
    close_disk();
    call_as(FRONT, XS_READ, TEXT(BACKEND "/vbd/3/51712/state\0"));
    assert_reply(TEXT("6"));
}

/* Both directories go; what lies beside them stays. */
static void test_unplugged(void **state)
{
    (void)state;
    write_device(FRONT, &card);
    write_device(FRONT, &disk);
    xenstore_unplug_device(&host_guests[FRONT].domain, &host_guests[BACK].domain, &disk);
    call_as(FRONT, XS_READ, TEXT("device/vbd/51712/state\0"));
    assert_error("ENOENT");
    call_as(BACK, XS_READ, TEXT("backend/vbd/3/51712/state\0"));
    assert_error("ENOENT");
    call_as(BACK, XS_READ, TEXT("backend/vif/3/0/state\0"));
    assert_reply(TEXT("1"));
    xenstore_unplug_device(&host_guests[FRONT].domain, &host_guests[BACK].domain, &disk);
    test_both_ends(state);
}

/* A front end that has filled its account gets no device, and nothing of one. */
static void test_no_room(void **state)
{
    char key[] = "data/000\0";
    unsigned used;

    (void)state;
    as(FRONT);
    for (unsigned i = 0; i < 1000; i++) {
        sprintf(key, "data/%03u", i);
        call(XS_WRITE, key, sizeof(key) - 1);
    }
    assert_error("ENOSPC");
    used = session_of(FRONT)->own.used;
    assert_int_equal(xenstore_write_device(&host_guests[FRONT].domain, &host_guests[BACK].domain, &disk), -XEN_ENOSPC);
    assert_int_equal(session_of(FRONT)->own.used, used);
    call_as(BACK, XS_DIRECTORY, TEXT("backend/vbd\0"));
    assert_reply(TEXT(""));
    write_device(OTHER, &disk);
}

static unsigned changes;

static void changed(void)
{
    assert_null(audit_store()->entered);
    changes++;
}

static void test_listener(void **state)
{
    uint32_t transaction;

    (void)state;
    xenstore_listen(changed);
    changes = 0;
    call_as(BACK, XS_WRITE, TEXT("backend/key\0"));
    assert_true(changes > 0);
    transaction = start_transaction();
    call_in(transaction, XS_WRITE, TEXT("backend/key\0"));
    call_in(transaction, XS_READ, TEXT("backend/key\0"));
    xenstore_listen(NULL);
}

#define DEVICE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, xenstore_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEVICE_TEST(test_both_ends),        DEVICE_TEST(test_backend_directory),
        DEVICE_TEST(test_rights),           DEVICE_TEST(test_who_pays),
        DEVICE_TEST(test_front_goes),       DEVICE_TEST(test_back_goes),
        DEVICE_TEST(test_written_anew),     DEVICE_TEST(test_is_new),
        DEVICE_TEST(test_closed),           DEVICE_TEST(test_unplugged),
        DEVICE_TEST(test_no_room),          DEVICE_TEST(test_listener),
        DEVICE_TEST(test_back_comes_again), DEVICE_TEST(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
