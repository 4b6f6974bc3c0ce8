/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue against a model of a device: what it is given arrives as given, in each form; the rings wrap; it is told
 * and tells when it asks and is asked; and no lie of its makes the driver touch anything but its records.
 */
/* links: backend/virtqueue.c tests/backend/lib/ring_device.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/virtqueue.h>
#include <tests/backend/lib/ring_device.h>

#define TABLE_ENTRIES 16u
#define BUFFERS_MAX   24u

static struct virtqueue queue;
static struct ring_device device = {.queue = &queue};

static void start(unsigned size, bool event_index, bool indirect)
{
    virtqueue_create(&queue, size, TABLE_ENTRIES);
    virtqueue_reset(&queue, size, event_index, indirect);
    device.avail = device.used = 0;
}

static int tear_down(void **state)
{
    (void)state;
    ring_memory_release();
    return 0;
}

static int tokens[VIRTQUEUE_SIZE_MAX];

static int add(unsigned nr_out, unsigned nr_in, unsigned token)
{
    struct virtqueue_buffer buffers[BUFFERS_MAX];

    for (unsigned i = 0; i < nr_out + nr_in && i < BUFFERS_MAX; i++)
        buffers[i] = (struct virtqueue_buffer){token * UINT64_C(0x10000) + i * 512, 512 + i};
    return virtqueue_add(&queue, buffers, nr_out, nr_in, &tokens[token]);
}

static void check_seen(const struct ring_chain *seen, unsigned nr_out, unsigned nr_in, unsigned token)
{
    assert_int_equal(seen->count, nr_out + nr_in);
    assert_int_equal(seen->nr_out, nr_out);
    for (unsigned i = 0; i < seen->count; i++) {
        assert_int_equal(seen->buffers[i].maddr, token * UINT64_C(0x10000) + i * 512);
        assert_int_equal(seen->buffers[i].size, 512 + i);
    }
}

static void expect_taken(unsigned token, uint32_t written)
{
    void *taken = NULL;
    uint32_t length = ~0u;

    assert_true(virtqueue_take(&queue, &taken, &length));
    assert_ptr_equal(taken, &tokens[token]);
    assert_int_equal(length, written);
}

static void expect_nothing(void)
{
    void *taken = NULL;
    uint32_t length;

    assert_false(virtqueue_take(&queue, &taken, &length));
    assert_null(taken);
}

/* ---- Tests. */

static void test_shapes(void **state)
{
    struct ring_chain seen;

    (void)state;
    for (unsigned indirect = 0; indirect < 2; indirect++) {
        start(16, false, indirect);
        for (unsigned nr_out = 0; nr_out <= 4; nr_out++) {
            for (unsigned nr_in = nr_out == 0; nr_in <= 4; nr_in++) {
                assert_int_equal(add(nr_out, nr_in, nr_in), 0);
                assert_true(ring_device_get(&device, &seen));
                check_seen(&seen, nr_out, nr_in, nr_in);
                assert_int_equal(seen.indirect, indirect && nr_out + nr_in > 1);
                ring_device_put(&device, seen.head, nr_in ? 512 : 0);
                expect_taken(nr_in, nr_in ? 512 : 0);
            }
        }
        expect_nothing();
        assert_int_equal(queue.nr_free, 16);
        tear_down(NULL);
    }
}

static void test_room(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, false, false);
    assert_int_equal(add(0, 0, 0), -XEN_EINVAL);
    assert_int_equal(add(4, 5, 0), -XEN_EINVAL);
    assert_int_equal(add(2, 3, 0), 0);
    assert_int_equal(add(2, 2, 1), -XEN_EAGAIN);
    assert_int_equal(add(2, 1, 1), 0);
    assert_int_equal(add(1, 0, 2), -XEN_EAGAIN);
    assert_true(ring_device_get(&device, &seen));
    ring_device_put(&device, seen.head, 0);
    expect_taken(0, 0);
    assert_int_equal(add(5, 0, 2), 0);
    assert_int_equal(add(0, 1, 3), -XEN_EAGAIN);
}

/* What is too long for a table goes into the ring. */
static void test_longer_than_table(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(32, false, true);
    for (unsigned count = 15; count <= 18; count++) {
        assert_int_equal(add(10, count - 10, 0), 0);
        assert_true(ring_device_get(&device, &seen));
        check_seen(&seen, 10, count - 10, 0);
        assert_int_equal(seen.indirect, count <= TABLE_ENTRIES);
        ring_device_put(&device, seen.head, 0);
        expect_taken(0, 0);
    }
    assert_int_equal(queue.nr_free, 32);
}

/* As many requests as descriptors, whatever their length. */
static void test_room_indirect(void **state)
{
    (void)state;
    start(8, false, true);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(add(4, 4, i), 0);
    assert_int_equal(add(1, 0, 8), -XEN_EAGAIN);
}

/* At random, answered in any order, past the end of the rings and of the indices. */
static void wrap(unsigned size, bool indirect, unsigned seed)
{
    struct {
        struct ring_chain seen;
        unsigned token;
    } held[64];
    bool busy[64] = {false};
    unsigned nr_held = 0;

    start(size, true, indirect);
    srand(seed);
    for (unsigned turn = 0; turn < 70000; turn++) {
        unsigned token = (unsigned)rand() % 64, nr_out = (unsigned)rand() % 4, nr_in = 1 + (unsigned)rand() % 3;

        if (!busy[token] && add(nr_out, nr_in, token) == 0) {
            busy[token] = true;
            assert_true(ring_device_get(&device, &held[nr_held].seen));
            check_seen(&held[nr_held].seen, nr_out, nr_in, token);
            held[nr_held++].token = token;
        }
        while (nr_held && (nr_held == size || rand() % 2)) {
            unsigned chosen = (unsigned)rand() % nr_held;

            ring_device_put(&device, held[chosen].seen.head, turn % 512);
            expect_taken(held[chosen].token, turn % 512);
            busy[held[chosen].token] = false;
            held[chosen] = held[--nr_held];
        }
    }
    while (nr_held) {
        ring_device_put(&device, held[--nr_held].seen.head, 0);
        expect_taken(held[nr_held].token, 0);
    }
    assert_int_equal(queue.nr_free, size);
    assert_false(queue.broken);
    tear_down(NULL);
}

static void test_wrap(void **state)
{
    (void)state;
    wrap(8, false, 1);
    wrap(32, false, 2);
    wrap(8, true, 3);
    wrap(32, true, 4);
}

static volatile uint16_t *event_of_device(void)
{
    return (volatile uint16_t *)&queue.used->ring[queue.size];
}

/* Told exactly when the entry that it has named is among the new ones, wherever the index stands. */
static void test_kick_event_index(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, true, false);
    assert_false(virtqueue_kick(&queue));
    for (uint32_t turn = 0; turn < 66000; turn++) {
        unsigned count = 1 + turn % 3, wanted = turn % 4;

        *event_of_device() = (uint16_t)(queue.avail_next + wanted);
        for (unsigned i = 0; i < count; i++)
            assert_int_equal(add(1, 0, i), 0);
        assert_int_equal(virtqueue_kick(&queue), wanted < count);
        assert_false(virtqueue_kick(&queue));
        for (unsigned i = 0; i < count; i++) {
            assert_true(ring_device_get(&device, &seen));
            ring_device_put(&device, seen.head, 0);
            expect_taken(i, 0);
        }
    }
}

static void test_kick_flag(void **state)
{
    (void)state;
    start(8, false, false);
    *event_of_device() = 1000;
    assert_int_equal(add(1, 0, 0), 0);
    assert_true(virtqueue_kick(&queue));
    queue.used->flags = VIRTQ_USED_NO_NOTIFY;
    assert_int_equal(add(1, 0, 1), 0);
    assert_false(virtqueue_kick(&queue));
}

static void test_arm(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, true, false);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(add(0, 1, i), 0);
    assert_false(virtqueue_arm(&queue));
    assert_int_equal(queue.avail->ring[8], 0);
    assert_true(ring_device_get(&device, &seen));
    ring_device_put(&device, seen.head, 0);
    assert_true(virtqueue_arm(&queue));
    expect_taken(0, 0);
    assert_false(virtqueue_arm(&queue));
    assert_int_equal(queue.avail->ring[8], 1);
}

/* ---- A device that lies. */

static void expect_broken(void)
{
    expect_nothing();
    assert_true(queue.broken);
    assert_int_equal(add(1, 0, 5), -XEN_EIO);
    assert_false(virtqueue_kick(&queue));
    assert_false(virtqueue_arm(&queue));
    expect_nothing();
    virtqueue_reset(&queue, 8, false, false);
    device.avail = device.used = 0;
    assert_int_equal(add(1, 0, 5), 0);
    expect_nothing();
    assert_false(queue.broken);
}

static void test_id_out_of_range(void **state)
{
    static const uint32_t ids[] = {8, 9, 0x10000, ~0u};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
        start(8, false, false);
        assert_int_equal(add(1, 0, 0), 0);
        ring_device_put(&device, ids[i], 0);
        expect_broken();
        tear_down(NULL);
    }
}

static void test_id_never_given(void **state)
{
    (void)state;
    start(8, false, false);
    assert_int_equal(add(1, 1, 0), 0);
    ring_device_put(&device, 1, 0); /* a part of a chain, not its first */
    expect_broken();
}

static void test_id_twice(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, false, false);
    assert_int_equal(add(0, 1, 0), 0);
    assert_int_equal(add(0, 1, 1), 0);
    assert_true(ring_device_get(&device, &seen));
    ring_device_put(&device, seen.head, 1);
    ring_device_put(&device, seen.head, 1);
    expect_taken(0, 1);
    expect_broken();
}

static void test_length(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, false, false);
    assert_int_equal(add(1, 2, 0), 0);
    assert_true(ring_device_get(&device, &seen));
    ring_device_put(&device, seen.head, 513 + 514);
    expect_taken(0, 513 + 514);
    assert_int_equal(add(1, 2, 0), 0);
    assert_true(ring_device_get(&device, &seen));
    ring_device_put(&device, seen.head, 513 + 514 + 1);
    expect_broken();
}

static void test_index_runs_ahead(void **state)
{
    (void)state;
    start(8, false, false);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(add(0, 1, i), 0);
    queue.used->idx = 9;
    expect_broken();
}

/* What it writes into its descriptors and tables is not read back. */
static void test_rings_overwritten(void **state)
{
    struct ring_chain seen;

    (void)state;
    start(8, false, true);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(add(2, 2, i), 0);
    assert_true(ring_device_get(&device, &seen));
    memset(queue.desc, 0xff, PAGE_SIZE);
    memset(queue.tables[0], 0xff, PAGE_SIZE);
    memset(queue.avail, 0xff, PAGE_SIZE);
    ring_device_put(&device, seen.head, 4);
    expect_taken(0, 4);
    assert_int_equal(queue.nr_free, 5);
    assert_int_equal(add(2, 2, 6), 0);
    assert_int_equal(queue.avail->idx, 5);
}

/* All that was given comes back, once, also from a queue that is broken. */
static void test_detach(void **state)
{
    bool back[4] = {false};
    int *token;

    (void)state;
    start(16, false, false);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(add(1, i, i), 0);
    ring_device_put(&device, 15, 0);
    expect_nothing();
    while ((token = virtqueue_detach(&queue))) {
        assert_false(back[token - tokens]);
        back[token - tokens] = true;
    }
    assert_true(back[0] && back[1] && back[2] && back[3]);
    assert_int_equal(queue.nr_free, 16);
}

/* Anything at random: what is taken had been given, once. */
static void test_random_lies(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        bool given[16] = {false};
        void *taken;
        uint32_t written;

        start(8, seed % 2, seed % 3 == 0);
        srand(seed);
        for (unsigned turn = 0; turn < 200 && !queue.broken; turn++) {
            unsigned token = (unsigned)rand() % 16;

            if (!given[token] && add((unsigned)rand() % 3, 1, token) == 0)
                given[token] = true;
            if (rand() % 4 == 0)
                ring_device_put(&device, (uint32_t)rand() % 9, (uint32_t)rand() % 600);
            if (rand() % 64 == 0)
                queue.used->idx = device.used = (uint16_t)rand();
            if (virtqueue_take(&queue, &taken, &written)) {
                token = (unsigned)((int *)taken - tokens);
                assert_true(given[token]);
                assert_true(written <= 512 + 2);
                given[token] = false;
            }
        }
        tear_down(NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_shapes, tear_down),
        cmocka_unit_test_teardown(test_room, tear_down),
        cmocka_unit_test_teardown(test_room_indirect, tear_down),
        cmocka_unit_test_teardown(test_longer_than_table, tear_down),
        cmocka_unit_test_teardown(test_wrap, tear_down),
        cmocka_unit_test_teardown(test_kick_event_index, tear_down),
        cmocka_unit_test_teardown(test_kick_flag, tear_down),
        cmocka_unit_test_teardown(test_arm, tear_down),
        cmocka_unit_test_teardown(test_id_out_of_range, tear_down),
        cmocka_unit_test_teardown(test_id_never_given, tear_down),
        cmocka_unit_test_teardown(test_id_twice, tear_down),
        cmocka_unit_test_teardown(test_length, tear_down),
        cmocka_unit_test_teardown(test_index_runs_ahead, tear_down),
        cmocka_unit_test_teardown(test_rings_overwritten, tear_down),
        cmocka_unit_test_teardown(test_detach, tear_down),
        cmocka_unit_test_teardown(test_random_lies, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
