/* SPDX-License-Identifier: MIT */
/* Interfaces by their keys: right ones carry packets, wrong ones leave nothing behind (XSA-526, 527, 528, 531, 532). */
/* links: tests/backend/lib/print_to.c */
/* links: backend/netback.c backend/nettx.c backend/netrx.c backend/netring.c backend/switch.c backend/queue.c */
/* links: backend/rate.c backend/packet.c backend/headers.c backend/checksum.c backend/segment.c */
/* links: backend/groups.c backend/work.c tests/backend/lib/ends.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/lender.c tests/backend/lib/front.c */
/* links: tests/backend/lib/frames.c tests/backend/lib/keys.c tests/backend/lib/net_guests.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/net_guests.h>

static struct frame frame;
static uint8_t got[NETIF_RING_SLOTS * PAGE_SIZE];

/* Guest @from sends a frame to all; gives what the other one has got. */
static int exchange(unsigned from, struct netif_rx_response *first, struct netif_extra_info *gso)
{
    struct guest_of *to = &net_guests[1 - from];
    int size;

    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = (uint8_t)(2 + from * 4);
    front_tx_send(&net_guests[from].tx, frame.bytes, frame.size, 1 + frame.size / PAGE_SIZE, NETTXF_csum_blank,
                  frame.version == 4 && frame.protocol == 6 ? 1 : 0, 1000);
    net_guests_run();
    size = front_rx_take(&to->rx, got, first, gso);
    return size;
}

static void test_exchange(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;

    (void)state;
    net_guests_connect();
    assert_int_equal(ends_mapped, 4);
    assert_int_equal(ends_bound, 4);
    assert_true(net_written > 4);
    for (unsigned i = 0; i < 20; i++) {
        front_rx_post(&net_guests[1 - i % 2].rx, 6);
        frame_make(&frame, 4, 6, 0, 20000);
        assert_int_equal(exchange(i % 2, &first, &gso), frame.size);
        assert_memory_equal(got, frame.bytes, frame.size);
        assert_int_equal(gso.u.gso.size, 1000);
        assert_int_equal(net_guests[1 - i % 2].rx.page.head.rsp_prod, net_guests[1 - i % 2].rx.produced);
    }
    assert_true(net_guests[0].told_tx && net_guests[0].told_rx && net_guests[1].told_tx && net_guests[1].told_rx);
    assert_int_equal(net_failures, 0);
}

/* What a front end cannot do is done for it. */
static void test_simple_front_end(void **state)
{
    static const char *const absent[] = {"feature-sg", "feature-gso-tcpv4", "feature-ipv6-csum-offload",
                                         "event-channel-tx", "event-channel-rx"};
    struct netif_rx_response first;
    struct netif_extra_info gso;
    unsigned done;

    (void)state;
    for (unsigned i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        keys_set(net_guests[1].front, absent[i], NULL);
    keys_set(net_guests[1].front, "event-channel", "22");
    net_guests_connect();
    assert_int_equal(ends_bound, 3);
    front_rx_post(&net_guests[1].rx, 100);
    frame_make(&frame, 4, 6, 0, 3500);
    assert_in_range(exchange(0, &first, &gso), frame.data + 1, frame.data + 1000);
    assert_int_equal(first.flags, NETRXF_data_validated);
    assert_true(frame_is_right(&frame, got, (unsigned)first.status));
    for (done = 1; front_rx_take(&net_guests[1].rx, got, &first, &gso); done++)
        assert_true(frame_is_right(&frame, got, (unsigned)first.status));
    assert_int_equal(done, 4);
    frame_make(&frame, 4, 17, 0, 5000); /* more than a page, and not to be cut */
    assert_int_equal(exchange(0, &first, &gso), 0);
    frame_make(&frame, 4, 17, 0, 1000);
    assert_int_equal(exchange(0, &first, &gso), frame.size);
    assert_int_equal(first.flags, NETRXF_data_validated);
    assert_true(frame_is_right(&frame, got, frame.size));
}

/* Add a group to those of guest 1, or remove it. */
static void say_group(unsigned type)
{
    struct front_slot slots[2] = {
        {.ref = LENDER_FIRST_REF, .flags = NETTXF_extra_info},
        {.is_extra = true, .extra = {.type = (uint8_t)type, .u.mcast.addr = {1, 0, 0x5e, 0, 0, 9}}}};

    front_tx_put(&net_guests[1].tx, slots, 2);
    net_guests_run();
    assert_int_equal(net_guests[1].tx.page.head.rsp_prod, net_guests[1].tx.produced);
}

/* Does what guest 0 sends to the group arrive at guest 1? */
static bool gets_group(void)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;

    frame_make(&frame, 4, 17, 0, 300);
    memcpy(frame.bytes, "\x01\0\x5e\0\0\x09\2", 7);
    front_tx_send(&net_guests[0].tx, frame.bytes, frame.size, 1, NETTXF_csum_blank, 0, 0);
    net_guests_run();
    return front_rx_take(&net_guests[1].rx, got, &first, &gso) != 0;
}

/* Who asks for it gets no groups but those that it names; the list ends with the connection. */
static void test_groups(void **state)
{
    (void)state;
    net_guests_connect();
    front_rx_post(&net_guests[1].rx, 20);
    assert_true(gets_group());
    for (unsigned connection = 0; connection < 2; connection++) {
        assert_true(net_type->disconnect(&net_guests[1].device));
        front_tx_start(&net_guests[1].tx, 0);
        front_rx_start(&net_guests[1].rx, 0);
        keys_set(net_guests[1].front, "request-multicast-control", "1");
        assert_int_equal(net_type->connect(&net_guests[1].device), 0);
        front_rx_post(&net_guests[1].rx, 20);
        assert_false(gets_group());
        say_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
        assert_true(gets_group());
        say_group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
        assert_false(gets_group());
        say_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD);
    }
}

/* What an earlier life of the back end was told nobody knows: then everything comes. */
static void test_groups_that_are_lost(void **state)
{
    (void)state;
    keys_set(net_guests[1].front, "request-multicast-control", "1");
    net_guests_connect();
    front_rx_post(&net_guests[1].rx, 20);
    say_group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL);
    assert_false(gets_group());
    assert_true(net_type->disconnect(&net_guests[1].device));
    assert_int_equal(net_type->connect(&net_guests[1].device), 0);
    assert_true(gets_group());
}

/* Each key with each value, then keys and values at random: an error leaves nothing, and the next connect is good. */
static const char *const values[] = {NULL, "",       "0",      "1",          "2",          "-1",
                                     "x",  "500",    "501",    "601",        "20",         "21",
                                     "24", "131072", "131073", "4294967295", "4294967296", "99999999999999999999999"};

static void xsa_526_illegal_keys(void **state)
{
    struct key good[KEYS_MAX];
    unsigned connected = 0;

    (void)state;
    memcpy(good, net_guests[0].front, sizeof(good));
    assert_int_equal(net_type->publish(&net_guests[0].device), 0);
    for (unsigned key = 0; good[key].name; key++) {
        for (unsigned value = 0; value < sizeof(values) / sizeof(values[0]); value++) {
            net_guests[0].front[key].value = values[value];
            connected += net_guests_try();
            net_guests[0].front[key].value = good[key].value;
            assert_true(net_guests_try());
        }
    }
    for (unsigned seed = 0; seed < 3000; seed++) {
        draw_seed(seed);
        for (unsigned n = 1 + draw_below(4); n--;)
            net_guests[0].front[draw_below(11)].value = DRAW_OF(values);
        connected += net_guests_try();
        memcpy(net_guests[0].front, good, sizeof(good));
        assert_true(net_guests_try());
    }
    assert_in_range(connected, 100, 2000);
    net_guests_connect();
}

/* No pages to receive into by exchange, which nobody offers. */
static void test_flip(void **state)
{
    (void)state;
    assert_int_equal(net_type->publish(&net_guests[0].device), 0);
    keys_set(net_guests[0].front, "request-rx-copy", "0");
    assert_int_equal(net_type->connect(&net_guests[0].device), -XEN_EOPNOTSUPP);
    keys_set(net_guests[0].front, "request-rx-copy", NULL);
    assert_int_equal(net_type->connect(&net_guests[0].device), -XEN_EOPNOTSUPP);
}

static void test_own_keys(void **state)
{
    static const char *const macs[] = {"52:54:00:12:34", "52:54:00:12:34:5g", "52-54-00-12-34-56",
                                       "52:54:00:12:34:56:"};

    (void)state;
    keys_set(net_guests[0].back, "uplink", "52:54:00:aB:34:5f");
    assert_int_equal(net_type->publish(&net_guests[0].device), 0);
    assert_memory_equal(net_uplink_mac, "\x52\x54\x00\xab\x34\x5f", MAC_SIZE);
    assert_string_equal(net_uplink_name, "net");
    for (unsigned i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
        keys_set(net_guests[0].back, "uplink", macs[i]);
        assert_true(net_type->publish(&net_guests[0].device) < 0);
    }
    keys_set(net_guests[0].back, "uplink", NULL);
    keys_set(net_guests[0].back, "rate", "1");
    assert_true(net_type->publish(&net_guests[0].device) < 0);
    keys_set(net_guests[0].back, "rate", NULL);
    keys_set(net_guests[0].back, "bridge", "a name that is longer than any switch has");
    assert_true(net_type->publish(&net_guests[0].device) < 0);
}

/* Two megabytes a second: what is over waits for the net_timer, and nothing else does. */
static void test_rate(void **state)
{
    uint64_t begin;
    unsigned sent = 0;

    (void)state;
    keys_set(net_guests[0].back, "rate", "20000,10000");
    net_guests_connect();
    frame_make(&frame, 4, 17, 0, 1000);
    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = 2;
    net_now = begin = UINT64_C(5000000000);
    while (sent < 1000) {
        struct netif_rx_response first;
        struct netif_extra_info gso;

        while (net_guests[0].tx.produced - net_guests[0].tx.page.head.rsp_prod < 100)
            front_tx_send(&net_guests[0].tx, frame.bytes, frame.size, 1, 0, 0, 0);
        front_rx_post(&net_guests[1].rx, 200 - (net_guests[1].rx.produced - net_guests[1].rx.consumed));
        net_guests_run();
        while (front_rx_take(&net_guests[1].rx, got, &first, &gso))
            sent++;
        assert_true(net_timer > net_now);
        net_now = net_timer;
    }
    assert_in_range((net_now - begin) / 1000000, 1000 * (uint64_t)frame.size / 2000 - 20,
                    1000 * (uint64_t)frame.size / 2000 + 20);
}

/* A ring that is not in order costs its interface, and nobody else anything. */
static void xsa_374_a_bad_ring_and_then_the_end(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;

    (void)state;
    net_guests_connect();
    net_guests[0].tx.page.head.req_prod += 1000;
    net_guests_run();
    assert_int_equal(net_failures, 1);
    assert_true(net_guests[0].device.failed && !net_guests[1].device.failed);
    assert_true(net_type->disconnect(&net_guests[0].device));
    net_type->destroy(&net_guests[0].device);
    net_guest_start(0);
    net_guests[0].device.open = false;
    assert_int_equal(net_type->publish(&net_guests[0].device), 0);
    assert_int_equal(net_type->connect(&net_guests[0].device), 0);
    net_guests[0].device.open = true;
    front_rx_post(&net_guests[1].rx, 10);
    frame_make(&frame, 4, 17, 0, 1000);
    assert_int_equal(exchange(0, &first, &gso), frame.size);
    net_guests[1].rx.page.head.req_prod -= 20;
    assert_true(ends_send(FIRST_PORT + 3)); /* pages for which nothing waits are looked at when it says so */
    net_guests_run();
    assert_int_equal(net_failures, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exchange, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_simple_front_end, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_groups, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_groups_that_are_lost, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_flip, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_own_keys, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_rate, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(xsa_374_a_bad_ring_and_then_the_end, net_guests_begin, net_guests_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
