/* SPDX-License-Identifier: MIT */
/*
 * Shares by their keys: right ones carry messages, wrong ones leave nothing behind; front ends that write what cannot
 * be, or disappear in the middle, cost themselves the device; and what the host's side does wrong costs no more.
 */
/* links: tests/backend/lib/print_to.c tests/backend/lib/bus.c */
/* links: backend/ninepfs.c backend/ninepring.c backend/ninep.c backend/ninepkept.c backend/ninepfids.c */
/* links: backend/work.c tests/backend/lib/draw.c tests/backend/lib/ends.c */
/* links: tests/backend/lib/keys.c tests/backend/lib/share_host.c tests/backend/lib/share_front.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/ninep.h>
#include <backend/ninepfs.h>
#include <backend/share.h>
#include <tests/backend/lib/bus.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/ends.h>
#include <tests/backend/lib/share_front.h>
#include <tests/backend/lib/share_host.h>

#define TVERSION 100u
#define TREAD    116u

static struct xenbus_device device, other;

/*
 * ---- The xenstore.
 */

static unsigned offers;

int xenbus_write_number(struct xenbus_device *asked, const char *key, uint64_t number)
{
    static const struct {
        const char *key;
        unsigned number;
    } offered[] = {{"versions", 1}, {"max-rings", NINEP_RINGS}, {"max-ring-page-order", NINEP_ORDER_MAX}};

    (void)asked;
    for (unsigned i = 0; i < ARRAY_SIZE(offered); i++) {
        if (!strcmp(key, offered[i].key)) {
            assert_int_equal(number, offered[i].number);
            offers |= 1u << i;
        }
    }
    return 0;
}

/*
 * ---- The front end.
 */

static void write_keys(void)
{
    memset(bus_front, 0, sizeof(bus_front));
    keys_set(bus_front, "version", "1");
    keys_set(bus_front, "num-rings", "2");
    keys_set(bus_front, "ring-ref0", "100");
    keys_set(bus_front, "ring-ref1", "101");
    keys_set(bus_front, "event-channel-0", "20");
    keys_set(bus_front, "event-channel-1", "21");
    keys_set(bus_front, "ring-ref2", "100"); /* of a third ring, at which nobody looks */
    keys_set(bus_front, "event-channel-2", "20");
}

static void turn(void)
{
    bus_type->turn(&device);
}

/* Connected, with nothing but rings of that order between both. */
static void start(unsigned order)
{
    write_keys();
    ninep_make_rings(order);
    assert_int_equal(bus_type->connect(&device), 0);
    assert_int_equal(ends_mapped, 2 * NINEP_RINGS);
    assert_int_equal(ends_bound, NINEP_RINGS);
}

/* However long the host takes: a guest that reboots waits for its pages, and its back end is ended if it keeps them. */
static void expect_pages_back(void)
{
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
}

static void expect_nothing_left(void)
{
    expect_pages_back();
    assert_false(host_running);
}

static int set_up(void **state)
{
    (void)state;
    device = other = (struct xenbus_device){.domain = NINEP_DOMAIN};
    keys_set(bus_back, "params", "share-1-0");
    bus_failures = ninep_refused = 0;
    host_begin();
    ninepfs_init();
    assert_string_equal(bus_type->name, "9pfs");
    assert_int_equal(bus_type->create(&device), 0);
    offers = 0;
    assert_int_equal(bus_type->publish(&device), 0);
    assert_int_equal(offers, 7);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (host_running) {
        while (host_nr_sent)
            host_answer(7);
        assert_true(bus_type->disconnect(&device));
    }
    expect_nothing_left();
    bus_type->destroy(&device);
    assert_false(host_shares[0].in_use || host_shares[1].in_use);
    return 0;
}

/*
 * ---- What is offered, and to whom.
 */

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(bus_type->create(&other), 0);
    assert_int_equal(bus_type->publish(&other), -XEN_EBUSY);
    keys_set(bus_back, "params", "share-1-1");
    assert_int_equal(bus_type->publish(&other), 0);
    assert_int_equal(bus_type->publish(&other), 0);
    assert_true(host_shares[0].in_use && host_shares[1].in_use);
    keys_set(bus_back, "params", "share-9-9");
    assert_int_equal(bus_type->publish(&other), -XEN_ENODEV);
    keys_set(bus_back, "params", "a name that is longer than any share's");
    assert_int_equal(bus_type->publish(&other), -XEN_E2BIG);
    keys_set(bus_back, "params", NULL);
    assert_int_equal(bus_type->publish(&other), -XEN_ENOENT);
    bus_type->destroy(&other);
    assert_true(host_shares[0].in_use && !host_shares[1].in_use);
}

/* As many as xenbus has, each with a place of its own. */
static void test_places(void **state)
{
    static struct xenbus_device more[XENBUS_DEVICES_MAX];

    (void)state;
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX - 1; i++)
        assert_int_equal(bus_type->create(&more[i]), 0);
    assert_int_equal(bus_type->create(&more[XENBUS_DEVICES_MAX - 1]), -XEN_ENOMEM);
    for (unsigned i = 0; i < XENBUS_DEVICES_MAX - 1; i++)
        bus_type->destroy(&more[i]);
}

/* ---- Keys. */

static void expect_refused(void)
{
    assert_true(bus_type->connect(&device) < 0);
    expect_nothing_left();
}

static void xsa_526_illegal_keys_of_a_share(void **state)
{
    static const char *const names[] = {"version",   "num-rings",       "ring-ref0",
                                        "ring-ref1", "event-channel-0", "event-channel-1"};
    static const char *const values[] = {NULL, "", "-1", "x", "4294967296", "99999999999999999999", "1x"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(values); j++) {
            write_keys();
            ninep_make_rings(2);
            keys_set(bus_front, names[i], values[j]);
            expect_refused();
        }
    }
    assert_int_equal(host_starts, 0);
    start(2);
}

static void test_values(void **state)
{
    static const struct key bad[] = {{"version", "0"},         {"version", "2"},         {"num-rings", "0"},
                                     {"num-rings", "3"},       {"ring-ref1", "7"},       {"ring-ref0", "102"},
                                     {"event-channel-1", "0"}, {"event-channel-0", "22"}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_keys();
        ninep_make_rings(2);
        keys_set(bus_front, bad[i].name, bad[i].value);
        expect_refused();
    }
    write_keys();
    keys_set(bus_front, "num-rings", "1");
    keys_set(bus_front, "ring-ref1", NULL);
    ninep_make_rings(2);
    assert_int_equal(bus_type->connect(&device), 0);
    assert_int_equal(ends_mapped, 2);
}

static void test_orders(void **state)
{
    static const uint32_t bad[] = {0, 7, 8, 31, 32, 63, 64, 0x7fffffff, 0x80000000, UINT32_MAX};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write_keys();
        ninep_make_rings(2);
        ninep_heads[i % NINEP_RINGS].shared.ring_order = bad[i];
        expect_refused();
    }
    write_keys();
    ninep_make_rings(3);
    ninep_heads[1].shared.ref[7]++;
    expect_refused();
    for (unsigned order = 1; order <= NINEP_ORDER_MAX; order++) {
        start(order);
        assert_true(bus_type->disconnect(&device));
        expect_nothing_left();
    }
}

/* Each step fails once; what comes after finds all as it was. */
static void test_early_errors(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        write_keys();
        ninep_make_rings(2);
        ninep_refused = i;
        expect_refused();
    }
    host_start_fails = true;
    write_keys();
    ninep_make_rings(2);
    expect_refused();
    host_start_fails = false;
    start(2);
}

/* ---- Messages. */

static void test_messages(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    for (uint16_t tag = 0; tag < 2000; tag++) {
        unsigned ring = tag % NINEP_RINGS;

        ninep_ask(ring, 24, tag, 7 + tag % 1000, 0, 0);
        turn();
        assert_int_equal(host_nr_sent, 1);
        assert_int_equal(ninep_told[ring], tag / NINEP_RINGS);
        host_answer(7 + tag % 3000);
        turn();
        assert_int_equal(ninep_told[ring], tag / NINEP_RINGS + 1);
        assert_int_equal(ninep_heads[ring].shared.out_cons, ninep_heads[ring].shared.out_prod);
        assert_int_equal(ninep_get_reply(ring, &size), tag);
        assert_int_equal(size, 7 + tag % 3000);
        assert_int_equal(ninep_get_reply(!ring, &size), -1);
    }
    turn();
    assert_int_equal(ninep_told[0] + ninep_told[1], 2000);
    assert_int_equal(bus_failures, 0);
}

/* More requests than messages: those of one ring wait until another's have been answered. */
static void test_more_than_messages(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    for (uint16_t tag = 0; tag < SHARE_MESSAGES; tag++)
        ninep_ask(1, 24, tag, 20, 0, 0);
    turn();
    ninep_ask(0, 24, 77, 20, 0, 0);
    turn();
    assert_int_equal(host_nr_sent, SHARE_MESSAGES);
    host_answer(10);
    turn();
    assert_int_equal(host_nr_sent, SHARE_MESSAGES);
    assert_int_equal(host_sent[SHARE_MESSAGES - 1]->request[5], 77);
    assert_int_equal(ninep_get_reply(1, &size), 0);
}

/* Replies stay where they are until their ring has room, in their order, and hold up no other ring's. */
static void test_no_room(void **state)
{
    uint32_t size;

    (void)state;
    start(2);
    ninep_ask(0, 24, 1, 20, 0, 0);
    ninep_ask(0, 24, 2, 20, 0, 0);
    ninep_ask(0, 24, 3, 20, 0, 0);
    turn();
    host_answer(8000);
    host_answer(500);
    host_answer(7);
    turn();
    ninep_ask(1, 24, 9, 20, 0, 0);
    turn();
    host_answer(7);
    turn();
    assert_int_equal(ninep_get_reply(1, &size), 9);
    assert_int_equal(ninep_get_reply(0, &size), 1);
    assert_int_equal(ninep_get_reply(0, &size), -1);
    turn();
    assert_int_equal(ninep_get_reply(0, &size), 2);
    assert_int_equal(ninep_get_reply(0, &size), 3);
    assert_int_equal(bus_failures, 0);
}

/* What a session agrees on is no more than the rings hold, and holds for what follows. */
static void test_session(void **state)
{
    uint32_t number;

    (void)state;
    for (unsigned order = 1; order <= NINEP_ORDER_MAX; order++) {
        uint32_t most = 2048u << order < SHARE_MESSAGE_MAX ? 2048u << order : SHARE_MESSAGE_MAX;

        start(order);
        ninep_ask(0, TVERSION, 1, 21, 7, UINT32_MAX);
        turn();
        memcpy(&number, host_sent[0]->request + 7, 4);
        assert_int_equal(number, most);
        host_answer(21);
        ninep_ask(0, TREAD, 2, 23, 19, UINT32_MAX);
        turn();
        memcpy(&number, host_sent[0]->request + 19, 4);
        assert_int_equal(number, most - 11);
        host_answer(most);
        turn();
        assert_int_equal(bus_failures, 0);
        assert_true(bus_type->disconnect(&device));
    }
}

/* ---- Front ends that write what cannot be. */

static void expect_failure(void)
{
    turn();
    assert_int_equal(bus_failures, 1);
    bus_failures = 0;
    device.failed = false;
    while (host_nr_sent) {
        assert_false(bus_type->disconnect(&device));
        expect_pages_back();
        host_answer(7);
    }
    assert_true(bus_type->disconnect(&device));
    expect_nothing_left();
}

static void test_hostile_sizes(void **state)
{
    static const uint32_t sizes[] = {0, 1, 6, 8193, 65537, 0x7fffffff, 0x80000000, UINT32_MAX};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint8_t header[7] = {0};

        start(2);
        ninep_ask(1, 24, 1, 20, 0, 0);
        memcpy(header, &sizes[i], 4);
        ninep_put_bytes(i % NINEP_RINGS, header, 7);
        expect_failure();
    }
    /* Beyond what the session has agreed on. */
    start(4);
    ninep_ask(0, TVERSION, 1, 21, 7, 4096);
    turn();
    host_answer(21);
    ninep_ask(0, 24, 2, 4096, 0, 0);
    turn();
    assert_int_equal(bus_failures, 0);
    ninep_ask(0, 24, 2, 4097, 0, 0);
    expect_failure();
}

static void test_hostile_indexes(void **state)
{
    (void)state;
    start(2);
    ninep_heads[1].shared.out_prod += 8193;
    expect_failure();
    start(2);
    ninep_ask(0, 24, 1, 20, 0, 0);
    turn();
    host_answer(20);
    ninep_heads[0].shared.in_cons = 1;
    expect_failure();
}

/* A reply that the ring cannot hold: the device's sizes are another session's, or a lie. */
static void test_large_reply(void **state)
{
    (void)state;
    start(1);
    ninep_ask(0, 24, 1, 20, 0, 0);
    turn();
    host_answer(4097);
    expect_failure();
}

static void test_share_fails(void **state)
{
    (void)state;
    start(2);
    ninep_ask(0, 24, 1, 20, 0, 0);
    turn();
    host_has_failed = true;
    turn();
    assert_int_equal(bus_failures, 1);
    assert_true(bus_type->disconnect(&device)); /* what is under way never comes back */
    expect_nothing_left();
    bus_failures = 0;
    test_messages(NULL);
}

/* ---- The end in the middle, at every step. */

static void test_disappearing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        draw_seed(seed);
        start(1 + draw_below(3));
        for (unsigned step = draw_below(30); step > 0 && !bus_failures; step--) {
            unsigned ring = draw_below(NINEP_RINGS);

            switch (draw_below(5)) {
            case 0:
                ninep_heads[ring].shared.out_prod += draw_below(40);
                break;
            case 1:
                draw_bytes(ninep_data[ring], draw_below(2) ? 64 : sizeof(ninep_data[ring]));
                break;
            case 2:
                if (host_nr_sent)
                    host_answer(7 + draw_below(4000));
                break;
            case 3:
                ninep_heads[ring].shared.in_cons = ninep_heads[ring].shared.in_prod - draw_below(3000) * draw_below(2);
                break;
            default:
                ninep_ask(ring, (uint8_t)draw(), (uint16_t)draw(), 23 + draw_below(100), 19, (uint32_t)draw());
            }
            turn();
        }
        for (; host_nr_sent; host_answer(7 + draw_below(5000))) {
            assert_false(bus_type->disconnect(&device));
            expect_pages_back();
        }
        assert_true(bus_type->disconnect(&device));
        expect_nothing_left();
        bus_failures = 0;
        device.failed = false;
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names),
        TEST(test_places),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys_of_a_share, set_up, tear_down),
        TEST(test_values),
        TEST(test_orders),
        TEST(test_early_errors),
        TEST(test_messages),
        TEST(test_more_than_messages),
        TEST(test_no_room),
        TEST(test_session),
        TEST(test_hostile_sizes),
        TEST(test_hostile_indexes),
        TEST(test_large_reply),
        TEST(test_share_fails),
        TEST(test_disappearing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
