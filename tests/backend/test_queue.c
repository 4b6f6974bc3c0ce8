/* SPDX-License-Identifier: MIT */
/* XSA-392 and 424: who does not take its packets holds a bounded share of the pools, and not for long. */
/* links: backend/queue.c backend/packet.c tests/backend/lib/draw.c tests/backend/lib/pool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <guest/time.h>
#include <backend/queue.h>
#include <tests/backend/lib/pool.h>

#define SECOND UINT64_C(1000000000)
#define TAKERS 40u

static uint64_t now;
static struct packet_queue queues[TAKERS];

uint64_t time_now(void)
{
    return now;
}

static void put(struct packet_queue *queue, unsigned mark)
{
    struct packet *packet = packet_alloc();

    assert_non_null(packet);
    assert_int_equal(packet_extend(packet, 100), 0);
    packet->csum_start = (uint16_t)mark;
    queue_put(queue, packet, QUEUE_PAGES_MAX);
}

static unsigned take(struct packet_queue *queue)
{
    struct packet *packet = queue_take(queue);
    unsigned mark = packet->csum_start;

    packet_free(packet);
    return mark;
}

static void test_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        put(&queues[0], i);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(take(&queues[0]), i);
    assert_null(queues[0].first);
    put(&queues[0], 77);
    assert_int_equal(take(&queues[0]), 77);
    assert_int_equal(queues[0].nr_pages, 0);
}

static void xsa_392_bounded_in_pages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        put(&queues[0], i);
    assert_int_equal(queues[0].nr_pages, QUEUE_PAGES_MAX);
    assert_int_equal(queues[0].dropped, 1000 - QUEUE_PAGES_MAX);
    assert_int_equal(take(&queues[0]), 0);
    queue_clear(&queues[0]);
    assert_int_equal(queues[0].dropped, 1000 - 1);
    assert_null(queues[0].first);
}

/* However many do not take theirs, there are pages for another one. */
static void xsa_392_all_hoard(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned n = 0; n < TAKERS - 1; n++)
            put(&queues[n], i);
    }
    /* Each holds half of what is free: of n + 2 parts they have n. */
    assert_in_range(packet_pages_free(), 2 * PACKET_PAGES / (TAKERS + 1) - TAKERS, PACKET_PAGES / 4);
    for (unsigned i = 0; i < 20; i++)
        put(&queues[TAKERS - 1], i);
    assert_int_equal(queues[TAKERS - 1].dropped, 0);
    for (unsigned n = 0; n < TAKERS; n++)
        queue_clear(&queues[n]);
}

static void xsa_392_bounded_in_time(void **state)
{
    (void)state;
    put(&queues[0], 1);
    put(&queues[0], 2);
    now += 9 * SECOND;
    put(&queues[0], 3);
    assert_int_equal(take(&queues[0]), 1);
    now += 9 * SECOND;
    put(&queues[0], 4);
    assert_int_equal(queues[0].dropped, 0); /* it moved since */
    now += 2 * SECOND;
    put(&queues[0], 5);
    assert_int_equal(queues[0].dropped, 3);
    assert_int_equal(take(&queues[0]), 5);
    now += 100 * SECOND;
    put(&queues[0], 6); /* an empty queue stands still for no time */
    now += 9 * SECOND;
    put(&queues[0], 7);
    assert_int_equal(queues[0].dropped, 3);
    queue_clear(&queues[0]);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    for (unsigned n = 0; n < TAKERS; n++)
        queues[n] = (struct packet_queue){0};
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
        cmocka_unit_test_setup_teardown(test_order, begin, end),
        cmocka_unit_test_setup_teardown(xsa_392_bounded_in_pages, begin, end),
        cmocka_unit_test_setup_teardown(xsa_392_all_hoard, begin, end),
        cmocka_unit_test_setup_teardown(xsa_392_bounded_in_time, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
