/* SPDX-License-Identifier: MIT */
/* An interface with several pairs of rings: what goes where, and what may not be. */
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

/* The one queue in which a frame has arrived for @to, which has four; it is the only one that is told. */
static unsigned take_in_one(struct guest_of *to)
{
    unsigned queue = 0, found = QUEUES;

    for (; queue < QUEUES; queue++) {
        struct netif_rx_response first;
        struct netif_extra_info gso;

        if (front_rx_take(net_guest_rx(to, queue), got, &first, &gso) == 0)
            continue;
        assert_int_equal(found, QUEUES);
        assert_memory_equal(got, frame.bytes, frame.size);
        found = queue;
    }
    assert_in_range(found, 0, QUEUES - 1);
    assert_int_equal(to->told, 1u << found);
    return found;
}

/* A frame that another, of the same addresses and ports, is in a flow with. */
static void send_in_flow(unsigned flow, unsigned size)
{
    draw_seed(flow);
    frame_make(&frame, flow % 2 ? 4 : 6, 17, 0, size);
    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = 2;
    front_tx_send(&net_guests[0].tx, frame.bytes, frame.size, 1, NETTXF_csum_blank, 0, 0);
    net_guests[1].told = 0;
    net_guests_run();
}

/* It is to be told of what comes. */
static void post_one(struct front_rx *rx)
{
    rx->page.head.rsp_event = rx->consumed + 1;
    if (rx->produced == rx->consumed)
        front_rx_post(rx, 1);
}

static void test_flows(void **state)
{
    unsigned seen = 0;

    (void)state;
    net_guest_give_queues(1);
    net_guests_connect();
    assert_int_equal(ends_mapped, 2 + 2 * QUEUES);
    assert_int_equal(ends_bound, 2 + QUEUES + QUEUES / 2);
    for (unsigned flow = 0; flow < 40; flow++) {
        unsigned queue = QUEUES;

        for (unsigned i = 0; i < 3; i++) {
            unsigned where;

            for (unsigned j = 0; j < QUEUES; j++)
                post_one(net_guest_rx(&net_guests[1], j));
            send_in_flow(flow, 1000);
            where = take_in_one(&net_guests[1]);
            assert_true(queue == QUEUES || where == queue);
            queue = where;
        }
        seen |= 1u << queue;
    }
    assert_int_equal(seen, (1u << QUEUES) - 1);
}

/* Each of them sends, and what nobody takes from one keeps no other from receiving. */
static void test_queues(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;
    unsigned arrived = 0;

    (void)state;
    net_guest_give_queues(1);
    net_guests_connect();
    frame_make(&frame, 4, 17, 0, 500);
    memset(frame.bytes, 0xff, MAC_SIZE);
    frame.bytes[6] = 6;
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        front_rx_post(&net_guests[0].rx, 1);
        front_tx_send(net_guest_tx(&net_guests[1], queue), frame.bytes, frame.size, 1, 0, 0, 0);
        net_guests[1].told = 0;
        net_guests_run();
        assert_int_equal(net_guests[1].told, 1u << queue);
        assert_int_equal(front_rx_take(&net_guests[0].rx, got, &first, &gso), frame.size);
    }
    front_rx_post(net_guest_rx(&net_guests[1], 2), 200);
    for (unsigned flow = 0; flow < 100; flow++)
        send_in_flow(flow, 100);
    while (front_rx_take(net_guest_rx(&net_guests[1], 2), got, &first, &gso))
        arrived++;
    assert_in_range(arrived, 10, 60);
    net_guest_tx(&net_guests[1], 3)->page.head.req_prod += 1000;
    net_guests_run();
    assert_int_equal(net_failures, 1);
}

static void send_in_flows(unsigned count, unsigned nr_flows)
{
    for (unsigned i = 0; i < count; i++) {
        send_in_flow(i % nr_flows, 100);
        assert_int_equal(front_tx_answer(&net_guests[0].tx), NETIF_RSP_OKAY);
    }
}

/* Queues that nobody takes from hold together what one may hold; and none of them so much that others have nothing. */
static void xsa_392_queues_bounded(void **state)
{
    struct netif_rx_response first;
    struct netif_extra_info gso;
    unsigned other, arrived = 0;

    (void)state;
    net_guest_give_queues(1);
    net_guests_connect();
    for (unsigned i = 0; i < QUEUES; i++)
        post_one(net_guest_rx(&net_guests[1], i));
    send_in_flows(1, 1);
    other = (take_in_one(&net_guests[1]) + 1) % QUEUES;
    send_in_flows(1000, 1);
    send_in_flows(1000, 1000);
    assert_in_range(packet_pages_free(), PACKET_PAGES - QUEUE_PAGES_MAX, PACKET_PAGES - QUEUE_PAGES_MAX / 2);
    front_rx_post(net_guest_rx(&net_guests[1], other), 200);
    net_guests_run();
    while (front_rx_take(net_guest_rx(&net_guests[1], other), got, &first, &gso))
        arrived++;
    assert_in_range(arrived, 20, QUEUE_PAGES_MAX / 2);
}

/* None, too many, and those of which one lacks a key, or has another's. */
static void xsa_526_illegal_keys_of_queues(void **state)
{
    static const char *const numbers[] = {"0", "5", "256", "4294967296", "-1", "", "x"};
    static const char *const values[] = {"",    "0",  "1",  "x",  "500",    "510",        "610",
                                         "601", "20", "30", "41", "131073", "4294967296", "-1"};
    struct key good[KEYS_MAX];
    unsigned connected = 0, first = 0;

    (void)state;
    net_guest_give_queues(0);
    memcpy(good, net_guests[0].front, sizeof(good));
    assert_int_equal(net_type->publish(&net_guests[0].device), 0);
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        keys_set(net_guests[0].front, "multi-queue-num-queues", numbers[i]);
        assert_false(net_guests_try());
    }
    while (strncmp(good[first].name, "queue-", 6))
        first++;
    for (unsigned key = first; good[key].name; key++) {
        memcpy(net_guests[0].front, good, sizeof(good));
        assert_true(net_guests_try());
        net_guests[0].front[key].value = NULL;
        assert_false(net_guests_try());
        for (unsigned value = 0; value < sizeof(values) / sizeof(values[0]); value++) {
            net_guests[0].front[key].value = values[value];
            connected += net_guests_try();
        }
    }
    assert_in_range(connected, 1, 100);
    memcpy(net_guests[0].front, good, sizeof(good));
    net_guests_connect();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flows, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(test_queues, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(xsa_392_queues_bounded, net_guests_begin, net_guests_end),
        cmocka_unit_test_setup_teardown(xsa_526_illegal_keys_of_queues, net_guests_begin, net_guests_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
