/* SPDX-License-Identifier: MIT */
/* From the ring of one guest over the switch to that of another: all that is sent arrives, in order, and right. */
/* links: backend/nettx.c backend/netrx.c backend/netring.c backend/switch.c backend/queue.c backend/packet.c */
/* links: backend/headers.c backend/checksum.c backend/segment.c */
/* links: backend/groups.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/lender.c tests/backend/lib/front.c */
/* links: tests/backend/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <guest/time.h>
#include <backend/netrx.h>
#include <backend/nettx.h>
#include <backend/switch.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/front.h>
#include <tests/backend/lib/pool.h>

#define GSO_SIZE 1400u

static struct front_tx sender;
static struct front_rx receiver;
static struct switch_port ports[2];
static struct groups groups;
static struct frame frame;
static uint8_t got[NETIF_RING_SLOTS * PAGE_SIZE];

uint64_t time_now(void)
{
    return 0;
}

static void turn(void)
{
    struct packet *list, *next;
    bool notify, more;

    assert_int_equal(nettx_take(&sender.ring, LENDER_DOMAIN, NETTX_FRAMES, &groups, &list, &notify, &more), 0);
    for (; list; list = next) {
        next = list->next;
        list->next = NULL;
        switch_input(&ports[0], list);
    }
    do {
        assert_int_equal(netrx_give(&receiver.ring, LENDER_DOMAIN, &ports[1].queues[0], &notify, &more), 0);
    } while (more);
}

/* Send the frame, and check what arrives: it as it was, or its segments, or it with its checksum. */
static void pass(bool blank, bool gso)
{
    unsigned parts = 1 + frame.size / PAGE_SIZE + draw_below(2), kind = frame.version == 4 ? 1 : 2, done = frame.data;
    unsigned count =
        front_tx_send(&sender, frame.bytes, frame.size, parts, blank ? NETTXF_csum_blank : 0, gso ? kind : 0, GSO_SIZE);
    bool uncut = gso && (kind == 1 ? ports[1].takes_tso4 : ports[1].takes_tso6);

    front_rx_post(&receiver, NETIF_RING_SLOTS - (receiver.produced - receiver.consumed));
    turn();
    while (count--)
        assert_in_range(front_tx_answer(&sender), NETIF_RSP_OKAY, NETIF_RSP_NULL);

    while (done < frame.size) {
        struct netif_rx_response first;
        struct netif_extra_info extra;
        int size = front_rx_take(&receiver, got, &first, &extra);
        bool still_blank = blank && ports[1].takes_blank && (uncut || !gso);

        assert_in_range(size, frame.data + 1, gso && !uncut ? frame.data + GSO_SIZE : frame.size);
        assert_int_equal(extra.u.gso.size, uncut ? GSO_SIZE : 0);
        assert_int_equal((first.flags & NETRXF_csum_blank) != 0, still_blank);
        if (!gso || uncut)
            assert_int_equal(size, frame.size);
        if (still_blank || !blank)
            assert_memory_equal(got, frame.bytes, frame.size);
        else
            assert_true(frame_is_right(&frame, got, (unsigned)size));
        assert_memory_equal(got + frame.data, frame.bytes + done, (unsigned)size - frame.data);
        done += (unsigned)size - frame.data;
    }
    assert_int_equal(receiver.consumed, receiver.page.head.rsp_prod);
}

static void test_path(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 60; seed++) {
        draw_seed(seed);
        lender_start();
        memset(ports, 0, sizeof(ports));
        for (unsigned i = 0; i < 2; i++) {
            ports[i].size_max = PACKET_SIZE_MAX;
            assert_int_equal(switch_attach(&ports[i], "s"), 0);
        }
        ports[1].takes_blank = draw_below(3);
        ports[1].takes_tso4 = ports[1].takes_blank && draw_below(2);
        ports[1].takes_tso6 = ports[1].takes_blank && draw_below(2);
        front_tx_start(&sender, (uint32_t)draw());
        front_rx_start(&receiver, (uint32_t)draw());
        for (unsigned i = 0; i < 40; i++) {
            bool blank = draw_below(4), gso = blank && draw_below(2);

            frame_make(&frame, draw_below(2) ? 4 : 6, gso || draw_below(2) ? 6 : 17, draw_below(3),
                       1 + draw_below(gso ? 60000 : 9000));
            frame.bytes[0] = frame.bytes[6] = 2;
            pass(blank, gso);
        }
        for (unsigned i = 0; i < 2; i++)
            switch_detach(&ports[i]);
        pool_assert_full();
    }
}

/*
 * A receiver that posts nothing, or a page less than the first packet needs: the sender is answered all the same, and
 * what is held is bounded (XSA-392, XSA-424).
 */
static void xsa_392_a_receiver_that_stands_still(void **state)
{
    static const unsigned posted[] = {0, 1};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        memset(ports, 0, sizeof(ports));
        for (unsigned n = 0; n < 2; n++) {
            ports[n].size_max = PACKET_SIZE_MAX;
            assert_int_equal(switch_attach(&ports[n], "s"), 0);
        }
        front_tx_start(&sender, 0);
        front_rx_start(&receiver, 0);
        front_rx_post(&receiver, posted[i]);
        frame_make(&frame, 4, 17, 0, 6000);
        frame.bytes[0] = frame.bytes[6] = 2;
        for (unsigned n = 0; n < 1000; n++) {
            unsigned count = front_tx_send(&sender, frame.bytes, frame.size, 2, 0, 0, 0);

            turn();
            while (count--)
                assert_int_equal(front_tx_answer(&sender), NETIF_RSP_OKAY);
            assert_in_range(packet_pages_free(), PACKET_PAGES - QUEUE_PAGES_MAX, PACKET_PAGES);
        }
        assert_int_equal(receiver.page.head.rsp_prod, 0);
        assert_in_range(ports[1].queues[0].dropped, 1000 - QUEUE_PAGES_MAX, 1000);
        for (unsigned n = 0; n < 2; n++)
            switch_detach(&ports[n]);
    }
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    lender_start();
    return 0;
}

static int end(void **state)
{
    (void)state;
    pool_assert_full();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_path, begin, end),
        cmocka_unit_test_setup_teardown(xsa_392_a_receiver_that_stands_still, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
