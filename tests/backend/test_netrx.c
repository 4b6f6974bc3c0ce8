/* SPDX-License-Identifier: MIT */
/* Packets of all shapes arrive whole, in order, each response in the slot of its request. */
/* links: backend/netrx.c backend/netring.c backend/queue.c backend/packet.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/lender.c tests/backend/lib/front.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/time.h>
#include <backend/netrx.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/front.h>
#include <tests/backend/lib/pool.h>

static struct front_rx front;
static struct packet_queue queue;
static struct netif_rx_response first;
static struct netif_extra_info gso;
static uint8_t bytes[PACKET_SIZE_MAX], got[NETIF_RING_SLOTS * PAGE_SIZE];

uint64_t time_now(void)
{
    return 0;
}

/* One turn; is there more for another? */
static bool give(int expected)
{
    bool notify, more;

    assert_int_equal(netrx_give(&front.ring, LENDER_DOMAIN, &queue, &notify, &more), expected);
    return more;
}

static struct packet *put(const uint8_t *from, unsigned size)
{
    struct packet *packet = pool_make_packet(from, size);

    queue_put(&queue, packet, QUEUE_PAGES_MAX);
    assert_int_equal(queue.dropped, 0);
    return packet;
}

static int take(void)
{
    return front_rx_take(&front, got, &first, &gso);
}

/* Shows netif.receive. */
static void test_packets(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        unsigned sizes[8], types[8], count, taken = 0;

        draw_seed(seed);
        front_rx_start(&front, (uint32_t)draw());
        draw_bytes(bytes, sizeof(bytes));
        count = 1 + draw_below(8);
        for (unsigned i = 0; i < count; i++) {
            struct packet *packet;

            sizes[i] = 14 + draw_below(draw_below(3) ? 1500 : PACKET_SIZE_MAX - 20);
            types[i] = draw_below(3);
            packet = put(bytes + i, sizes[i]);
            packet->gso = types[i];
            packet->gso_size = (uint16_t)(types[i] ? 1000 + i : 0);
            packet->checksum_blank = types[i];
        }
        front_rx_post(&front, NETIF_RING_SLOTS);
        while (give(0))
            continue;
        for (int size; (size = take()); taken++) {
            assert_int_equal(size, sizes[taken]);
            assert_memory_equal(got, bytes + taken, sizes[taken]);
            assert_int_equal(gso.type, types[taken] ? XEN_NETIF_EXTRA_TYPE_GSO : 0);
            assert_int_equal(gso.u.gso.type, types[taken]);
            assert_int_equal(gso.u.gso.size, types[taken] ? 1000 + taken : 0);
            assert_int_equal(gso.u.gso.pad | gso.u.gso.features, 0);
        }
        assert_int_equal(taken, count);
        assert_null(queue.first);
    }
}

static void test_flags(void **state)
{
    static const unsigned flags[2][2] = {
        {0, NETRXF_data_validated},
        {NETRXF_data_validated | NETRXF_csum_blank, NETRXF_data_validated | NETRXF_csum_blank}};

    (void)state;
    front_rx_start(&front, 0);
    front_rx_post(&front, 8);
    for (unsigned blank = 0; blank < 2; blank++) {
        for (unsigned good = 0; good < 2; good++) {
            struct packet *packet = put(bytes, 2 * PAGE_SIZE);

            packet->checksum_blank = blank;
            packet->checksum_good = good;
            assert_false(give(0));
            assert_int_equal(take(), 2 * PAGE_SIZE);
            assert_int_equal(first.flags, flags[blank][good] | NETRXF_more_data);
            assert_int_equal(front.page.slots[netring_slot(front.consumed - 1)].response.flags, 0);
        }
    }
}

/* With too few pages the packet waits, the front end is asked to tell when there are enough, and nothing is taken. */
static void test_pages_run_out(void **state)
{
    struct packet *packet;

    (void)state;
    front_rx_start(&front, 250);
    packet = put(bytes, 4 * PAGE_SIZE + 1);
    packet->gso = PACKET_GSO_TCPV4;
    packet->gso_size = 1000;
    packet->checksum_blank = true;
    for (unsigned i = 0; i < 6; i++) {
        assert_false(give(0));
        assert_int_equal(take(), 0);
        assert_int_equal(front.ring.taken, 250);
        assert_int_equal(front.page.head.req_event, 256);
        front_rx_post(&front, 1);
    }
    assert_false(give(0));
    assert_int_equal(take(), 4 * PAGE_SIZE + 1);
    assert_int_equal(front.consumed, 256);
}

/* A page that cannot be written spoils its packet, in all its parts, and no other. */
static void xsa_361_pages_that_cannot_be_written(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        bool fails[6] = {false};
        unsigned slots = 0;

        draw_seed(seed);
        lender_start();
        front_rx_start(&front, (uint32_t)draw());
        front_rx_post(&front, NETIF_RING_SLOTS);
        for (unsigned i = 0; i < 6; i++) {
            unsigned pages = 1 + draw_below(4);

            bytes[0] = (uint8_t)i;
            put(bytes, pages * PAGE_SIZE);
            for (unsigned page = 0; page < pages; page++, slots++) {
                bool refuse = !draw_below(5);

                lender_refuse(front.posted[netring_slot(front.consumed + slots)].gref, refuse);
                fails[i] = fails[i] || refuse;
            }
        }
        while (give(0))
            continue;
        for (unsigned i = 0; i < 6; i++) {
            int size = take();

            if (fails[i]) {
                assert_int_equal(size, NETIF_RSP_ERROR);
                continue;
            }
            assert_in_range(size, PAGE_SIZE, 4 * PAGE_SIZE);
            assert_int_equal(got[0], i);
        }
    }
}

static void test_bad_index(void **state)
{
    (void)state;
    front_rx_start(&front, 9);
    put(bytes, 100);
    front.page.head.req_prod = 9 + NETIF_RING_SLOTS + 1;
    assert_false(give(-XEN_EINVAL));
    assert_int_equal(front.page.head.rsp_prod, 9);
    queue_clear(&queue);
    queue.dropped = 0;
}

/* The guest changes what it has posted while its pages are written. */
static void scribble(void)
{
    memset(front.page.slots, 0xff, sizeof(front.page.slots));
    front.page.head.req_prod += 0x10000;
}

static void xsa_155_slots_to_receive_are_read_once(void **state)
{
    struct packet *packet;

    (void)state;
    front_rx_start(&front, 300);
    front_rx_post(&front, 10);
    draw_bytes(bytes, 3 * PAGE_SIZE);
    packet = put(bytes, 3 * PAGE_SIZE);
    packet->gso = PACKET_GSO_TCPV6;
    packet->gso_size = 77;
    packet->checksum_blank = true;
    lender_meanwhile = scribble;
    (void)give(0);
    lender_meanwhile = NULL;
    assert_int_equal(take(), 3 * PAGE_SIZE);
    assert_memory_equal(got, bytes, 3 * PAGE_SIZE);
    assert_int_equal(gso.u.gso.size, 77);
}

/* Any words for requests: copies fail, nothing else. */
static void test_noise(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        bool notify, more = true;
        int error = 0;

        draw_seed(seed);
        front_rx_start(&front, (uint32_t)draw());
        draw_bytes(front.page.slots, sizeof(front.page.slots));
        front.page.head.req_prod += draw_below(10) ? draw_below(NETIF_RING_SLOTS + 1) : (uint32_t)draw();
        front.page.head.rsp_event = (uint32_t)draw();
        for (unsigned i = draw_below(6); i--;)
            put(bytes, 1 + draw_below(30000));
        while (more && !error)
            error = netrx_give(&front.ring, LENDER_DOMAIN, &queue, &notify, &more);
        assert_true(!error || front.page.head.req_prod - front.page.head.rsp_prod > NETIF_RING_SLOTS);
        queue_clear(&queue);
        queue.dropped = 0;
        pool_assert_full();
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
    assert_in_range(lender_most_copies, 0, 128);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_packets, begin, end),
        cmocka_unit_test_setup_teardown(test_flags, begin, end),
        cmocka_unit_test_setup_teardown(test_pages_run_out, begin, end),
        cmocka_unit_test_setup_teardown(xsa_361_pages_that_cannot_be_written, begin, end),
        cmocka_unit_test_setup_teardown(test_bad_index, begin, end),
        cmocka_unit_test_setup_teardown(xsa_155_slots_to_receive_are_read_once, begin, end),
        cmocka_unit_test_setup_teardown(test_noise, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
