/* SPDX-License-Identifier: MIT */
/* Indices: what a front end may claim, around 2^32 as well, and who is told when. */
/* links: backend/netring.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/netring.h>

static struct netif_tx_ring page;
static struct netring ring;

static void begin_at(uint32_t index)
{
    memset(&page, 0, sizeof(page));
    netring_init(&ring, &page);
    ring.taken = ring.answered = ring.published = index;
    page.head.req_prod = page.head.rsp_prod = index;
}

static const uint32_t starts[] = {0, 1, 255, 256, UINT32_MAX - 255, UINT32_MAX};

static void xsa_39_every_distance_of_a_network_ring(void **state)
{
    static const uint32_t claims[] = {257, 300, 1u << 31, UINT32_MAX};
    unsigned count;

    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        begin_at(starts[i]);
        for (unsigned n = 0; n <= NETIF_RING_SLOTS; n++) {
            page.head.req_prod = starts[i] + n;
            assert_int_equal(netring_count(&ring, &count), 0);
            assert_int_equal(count, n);
        }
        for (unsigned n = 0; n < sizeof(claims) / sizeof(claims[0]); n++) {
            page.head.req_prod = starts[i] + claims[n];
            assert_int_equal(netring_count(&ring, &count), -XEN_EINVAL);
        }
        /* Of those taken, what is not answered still has its slot; and nothing that was taken comes back. */
        ring.taken += 10;
        page.head.req_prod = starts[i] + 257;
        assert_int_equal(netring_count(&ring, &count), -XEN_EINVAL);
        page.head.req_prod = starts[i] + 9;
        assert_int_equal(netring_count(&ring, &count), -XEN_EINVAL);
        page.head.req_prod = starts[i] + 10;
        assert_int_equal(netring_count(&ring, &count), 0);
        assert_int_equal(count, 0);
    }
}

/* Shows ring.events. */
static void test_publish(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        begin_at(starts[i]);
        page.head.rsp_event = starts[i] + 1;
        assert_false(netring_publish(&ring)); /* nothing new */
        ring.answered += 1;
        assert_true(netring_publish(&ring));
        assert_int_equal(page.head.rsp_prod, starts[i] + 1);
        ring.answered += 1;
        assert_false(netring_publish(&ring)); /* told before, and not asked again */
        page.head.rsp_event = starts[i] + 5;
        ring.answered += 2;
        assert_false(netring_publish(&ring));
        ring.answered += 2;
        assert_true(netring_publish(&ring)); /* passes what was asked for */
        assert_int_equal(page.head.rsp_prod, starts[i] + 6);
    }
}

/* What was not answered before the end of whoever served the ring is there for the next one. */
static void test_another_life(void **state)
{
    unsigned count;

    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        begin_at(starts[i]);
        page.head.req_prod = starts[i] + 20;
        ring.taken += 10;
        ring.answered += 4;
        (void)!netring_publish(&ring);
        netring_init(&ring, &page);
        assert_int_equal(netring_count(&ring, &count), 0);
        assert_int_equal(count, 16);
        assert_false(netring_publish(&ring));
        page.head.req_prod = starts[i] + 4 + NETIF_RING_SLOTS + 1;
        assert_int_equal(netring_count(&ring, &count), -XEN_EINVAL);
    }
}

static void test_await(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        begin_at(starts[i]);
        assert_false(netring_await(&ring, 1));
        assert_int_equal(page.head.req_event, starts[i] + 1);
        page.head.req_prod = starts[i] + 2;
        assert_true(netring_await(&ring, 1));
        assert_true(netring_await(&ring, 2));
        assert_false(netring_await(&ring, 3));
        assert_int_equal(page.head.req_event, starts[i] + 3);
        page.head.req_prod = starts[i] - 1;
        assert_true(netring_await(&ring, 3)); /* to be looked at: it is not in order */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_39_every_distance_of_a_network_ring),
        cmocka_unit_test(test_publish),
        cmocka_unit_test(test_await),
        cmocka_unit_test(test_another_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
