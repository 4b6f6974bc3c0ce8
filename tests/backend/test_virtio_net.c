/* SPDX-License-Identifier: MIT */
/*
 * Cards over a model of a virtio network device: packets out and in, of one page and of many; pools that are empty; a
 * device that lies or fails, after which every page is back and the card works again.
 */
/* links: backend/virtio_net.c backend/virtio_net_header.c backend/virtqueue.c backend/packet.c */
/* links: tests/backend/lib/virtio_model.c tests/backend/lib/ring_device.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/nic.h>
#include <tests/backend/lib/ring_device.h>
#include <tests/backend/lib/virtio_model.h>

#define RECEIVE 0u
#define SEND    1u
#define CONTROL 2u

#define RINGS    128u
#define HEADER   12u
#define FEATURES (~UINT64_C(0))

/* ---- What the device has besides its rings. */

static uint8_t model_mac[MAC_SIZE];
static uint16_t model_status;

void virtio_kick(struct virtio_queue *queue)
{
    (void)!virtqueue_kick(&queue->ring);
}

void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width)
{
    (void)device;
    if (offset == 0) {
        assert_int_equal(width, 1);
        assert_int_equal(size, MAC_SIZE);
        memcpy(to, model_mac, size);
    } else {
        assert_int_equal(offset, 6);
        assert_true(model.accepted >> 16 & 1);
        assert_int_equal(width, 2);
        memcpy(to, &model_status, size);
    }
}

void print(const char *format, ...)
{
    (void)format;
}

/* ---- The world: each test has a card of its own; those of the tests before have failed. */

static struct nic *nic;
static unsigned nr_cards;
static struct packet *received[300];
static unsigned nr_received;

static void receive(struct nic *from, struct packet *packet)
{
    assert_ptr_equal(from, nic);
    received[nr_received++] = packet;
}

static void start(uint64_t features)
{
    if (!nr_cards)
        packet_init();
    model = (struct virtio_model){.type = VIRTIO_NET, .features = features, .nr_queues = 3, .queue_max = 256};
    model_status = 1;
    model_mac[5] = (uint8_t)++nr_cards;
    nic_init();
    nic = nic_find(model_mac);
    if (nic)
        nic->receive = receive;
}

static int set_up(void **state)
{
    (void)state;
    start(FEATURES);
    assert_non_null(nic);
    assert_int_equal(packet_pages_free(), PACKET_PAGES - RINGS);
    return 0;
}

/* The card fails for good: all that it had is in the pools. */
static int tear_down(void **state)
{
    (void)state;
    while (nr_received)
        packet_free(received[--nr_received]);
    (void)nic_poll();
    assert_int_equal(packet_pages_free(), PACKET_PAGES - (model.running ? RINGS : 0));
    model.needs_reset = model.interrupt = model.refuses = true;
    (void)nic_poll();
    assert_int_equal(packet_count_free(), PACKETS);
    assert_int_equal(packet_pages_free(), PACKET_PAGES);
    return 0;
}

static struct packet *make(unsigned size, unsigned seed)
{
    struct packet *packet = packet_alloc();

    assert_int_equal(packet_extend(packet, size), 0);
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(i * 31 + seed);

        assert_true(packet_write(packet, i, &byte, 1));
    }
    return packet;
}

/* ---- Out. */

static uint8_t flat[70000];

static unsigned flatten(const struct ring_chain *chain, unsigned first)
{
    unsigned size = 0;

    for (unsigned i = first; i < chain->count; i++) {
        memcpy(flat + size, ring_memory_at(chain->buffers[i].maddr), chain->buffers[i].size);
        size += chain->buffers[i].size;
    }
    return size;
}

static void test_send(void **state)
{
    static const unsigned sizes[] = {14, 60, 1514, 4096, 4097, 9000, 65535};
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct packet *packet = make(sizes[i], i);

        packet->checksum_blank = true;
        packet->csum_start = 7;
        assert_int_equal(nic_send(nic, packet), 0);
        nic_kick();
        assert_int_equal(model.rings[SEND].queue->avail_told, model.rings[SEND].queue->avail_next);
        assert_true(ring_device_get(&model.rings[SEND], &chain));
        assert_int_equal(chain.nr_out, chain.count);
        assert_int_equal(chain.buffers[0].size, HEADER);
        assert_memory_equal(ring_memory_at(chain.buffers[0].maddr), "\1\0\0\0\0\0\7\0\0\0\0\0", HEADER);
        assert_int_equal(flatten(&chain, 1), sizes[i]);
        for (unsigned j = 0; j < sizes[i]; j++)
            assert_int_equal(flat[j], (uint8_t)(j * 31 + i));
        assert_true(packet_count_free() < PACKETS);
        ring_device_put(&model.rings[SEND], chain.head, 0);
        (void)nic_poll();
        assert_int_equal(packet_count_free(), PACKETS);
    }
}

static void test_send_room(void **state)
{
    struct packet *packet = make(60, 0);
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < RINGS; i++)
        assert_int_equal(nic_send(nic, make(60, i)), 0);
    assert_int_equal(nic_send(nic, packet), -XEN_EAGAIN);
    assert_true(ring_device_get(&model.rings[SEND], &chain));
    ring_device_put(&model.rings[SEND], chain.head, 0);
    (void)nic_poll();
    assert_int_equal(nic_send(nic, packet), 0);
    while (ring_device_get(&model.rings[SEND], &chain))
        ring_device_put(&model.rings[SEND], chain.head, 0);
    ring_device_put(&model.rings[SEND], 0, 1); /* it says that it wrote: a lie, and the rest comes back all the same */
}

/* ---- In. */

/* @size bytes behind @header in @count buffers, each filled before the next. */
static void deliver(const uint8_t *header, unsigned size, unsigned count)
{
    unsigned done = 0;

    for (unsigned i = 0; i < count; i++) {
        struct ring_chain chain;
        unsigned room = PAGE_SIZE - (i ? 0 : HEADER), part = size - done < room ? size - done : room;
        uint8_t *page;

        assert_true(ring_device_get(&model.rings[RECEIVE], &chain));
        assert_int_equal(chain.count, 1);
        assert_int_equal(chain.nr_out, 0);
        assert_int_equal(chain.buffers[0].size, PAGE_SIZE);
        page = ring_memory_at(chain.buffers[0].maddr);
        if (i == 0)
            memcpy(page, header, HEADER);
        for (unsigned j = 0; j < part; j++)
            page[(i ? 0 : HEADER) + j] = (uint8_t)((done + j) * 31 + size);
        ring_device_put(&model.rings[RECEIVE], chain.head, part + (i ? 0 : HEADER));
        done += part;
    }
}

static void deliver_plain(unsigned size, unsigned count)
{
    const uint8_t header[HEADER] = {[10] = (uint8_t)count};

    deliver(header, size, count);
}

static void expect_received(unsigned which, unsigned size)
{
    assert_true(which < nr_received);
    assert_int_equal(received[which]->size, size);
    assert_true(packet_read(received[which], 0, flat, size));
    for (unsigned i = 0; i < size; i++)
        assert_int_equal(flat[i], (uint8_t)(i * 31 + size));
}

static void test_receive(void **state)
{
    static const unsigned sizes[] = {14, 60, 1514, 4084, 4085, 9000, 65535};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        deliver_plain(sizes[i], (sizes[i] + HEADER + PAGE_SIZE - 1) / PAGE_SIZE);
        assert_true(nic_poll()); /* for who receives it */
        assert_int_equal(nr_received, i + 1);
        expect_received(i, sizes[i]);
    }
}

static void test_receive_properties(void **state)
{
    static const uint8_t blank[HEADER] = {1, 1, 54, 0, 200, 0, 34, 0, 16, 0, 1, 0};
    static const uint8_t good[HEADER] = {2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    static const uint8_t outside[HEADER] = {1, 0, 0, 0, 0, 0, 100, 0, 100, 0, 1, 0};

    (void)state;
    deliver(blank, 100, 1);
    deliver(good, 100, 1);
    deliver(outside, 100, 1);
    (void)nic_poll();
    assert_int_equal(nr_received, 2);
    assert_true(received[0]->checksum_blank);
    assert_int_equal(received[0]->gso, PACKET_GSO_TCPV4);
    assert_int_equal(received[0]->gso_size, 200);
    assert_true(received[1]->checksum_good);
    assert_int_equal(model.resets, 0);
}

/* Too short for a frame, too long for a packet, or with an empty page in it: lost, and the next one comes in. */
static void test_receive_odd(void **state)
{
    (void)state;
    deliver_plain(0, 1);
    deliver_plain(13, 1);
    deliver_plain(17 * PAGE_SIZE - HEADER + 5, 18); /* the last page would fit, the one before does not */
    deliver_plain(100, 3);
    deliver_plain(200, 1);
    (void)nic_poll();
    assert_int_equal(nr_received, 2);
    expect_received(0, 100);
    expect_received(1, 200);
    assert_int_equal(model.resets, 0);
}

static void test_nobody(void **state)
{
    (void)state;
    nic->receive = NULL;
    deliver_plain(60, 1);
    (void)nic_poll();
    assert_int_equal(nr_received, 0);
}

/* Without pages the ring runs dry, and is filled when they are back. */
static void test_empty_pools(void **state)
{
    static uint8_t *held[PACKET_PAGES + 1];
    static struct packet *packets[PACKETS + 1];
    unsigned nr_held = 0, nr_packets = 0;

    (void)state;
    while ((held[nr_held] = packet_page_alloc()))
        nr_held++;
    for (unsigned i = 0; i < RINGS; i++)
        deliver_plain(60, 1);
    while (nic_poll())
        ;
    assert_int_equal(nr_received, RINGS);
    while (nr_received)
        packet_free(received[--nr_received]);
    while (nr_held)
        packet_page_free(held[--nr_held]);
    (void)nic_poll();
    while ((packets[nr_packets] = packet_alloc()))
        nr_packets++;
    deliver_plain(9000, 3);
    (void)nic_poll();
    assert_int_equal(nr_received, 0);
    while (nr_packets)
        packet_free(packets[--nr_packets]);
    deliver_plain(9000, 3);
    (void)nic_poll();
    assert_int_equal(nr_received, 1);
}

/* So many in a turn, and the rest is not forgotten. */
static void test_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++)
        deliver_plain(60, 1);
    assert_true(nic_poll());
    assert_in_range(nr_received, 1, 99);
    while (nic_poll())
        ;
    assert_int_equal(nr_received, 100);
    assert_false(nic_poll());
}

/* ---- Control and configuration. */

static void test_promiscuous(void **state)
{
    struct ring_chain chain;

    (void)state;
    assert_true(ring_device_get(&model.rings[CONTROL], &chain));
    assert_int_equal(flatten(&chain, 0), 4);
    assert_int_equal(chain.nr_out, chain.count - 1);
    assert_memory_equal(flat, "\0\0\1", 3);
    assert_int_equal(chain.buffers[chain.count - 1].size, 1);
    *(uint8_t *)ring_memory_at(chain.buffers[chain.count - 1].maddr) = 0;
    ring_device_put(&model.rings[CONTROL], chain.head, 1);
    (void)nic_poll();
    assert_int_equal(model.resets, 0);
    assert_false(ring_device_get(&model.rings[CONTROL], &chain));
}

static void test_link(void **state)
{
    (void)state;
    assert_true(nic->link_up);
    model_status = 0;
    (void)nic_poll();
    assert_true(nic->link_up);
    model.interrupt = true;
    (void)nic_poll();
    assert_false(nic->link_up);
}

static void test_features(void **state)
{
    const uint64_t bare = VIRTIO_F_VERSION_1 | UINT64_C(1) << 5 | UINT64_C(1) << 15;

    (void)state;
    assert_true(nic->can_checksum && nic->can_tso4 && nic->can_tso6);
    assert_int_equal(model.accepted & ~(UINT64_C(0x130000000) | 0x799a3), 0);
    tear_down(NULL);
    start(bare);
    assert_non_null(nic);
    assert_true(nic->link_up);
    assert_false(nic->can_checksum || nic->can_tso4 || nic->can_tso6);
    test_receive(state);
    tear_down(NULL);
    start(bare | UINT64_C(1) << 11);
    assert_false(nic->can_checksum || nic->can_tso4);
    for (unsigned bit = 0; bit < 64; bit++) {
        tear_down(NULL);
        start(FEATURES & ~(UINT64_C(1) << bit));
        assert_int_equal(nic != NULL, !(bare >> bit & 1));
        assert_int_equal(model.running, !(bare >> bit & 1));
        assert_int_equal(model.resets, bare >> bit & 1);
    }
}

/* ---- Devices that lie or fail. */

static void expect_restarted(void)
{
    assert_int_equal(model.resets, 1);
    assert_true(model.running);
    assert_int_equal(packet_pages_free(), PACKET_PAGES - RINGS);
    assert_int_equal(packet_count_free(), PACKETS);
    nr_received = 0;
    deliver_plain(60, 1);
    (void)nic_poll();
    expect_received(0, 60);
    packet_free(received[--nr_received]);
    test_send(NULL);
}

static void send_some(void)
{
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(nic_send(nic, make(5000, i)), 0);
}

static void test_fails(void **state)
{
    (void)state;
    send_some();
    model.needs_reset = model.interrupt = true;
    (void)nic_poll();
    expect_restarted();
}

static void test_lies(void **state)
{
    static const struct {
        unsigned size, buffers, given;
    } lies[] = {{100, 0, 1}, {100, 19, 1}, {100, 255, 1}, {100, 2, 1}, {9000, 4, 3}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
        const uint8_t header[HEADER] = {[10] = (uint8_t)lies[i].buffers};

        send_some();
        deliver(header, lies[i].size, lies[i].given);
        (void)nic_poll();
        assert_int_equal(nr_received, 0);
        expect_restarted();
        model.resets = 0;
    }
}

static void test_lies_of_rings(void **state)
{
    (void)state;
    for (unsigned ring = RECEIVE; ring <= CONTROL; ring++) {
        send_some();
        ring_device_put(&model.rings[ring], 1000, 0);
        (void)nic_poll();
        expect_restarted();
        model.resets = 0;
    }
}

/* Less than a header. */
static void test_short(void **state)
{
    struct ring_chain chain;

    (void)state;
    assert_true(ring_device_get(&model.rings[RECEIVE], &chain));
    ((uint8_t *)ring_memory_at(chain.buffers[0].maddr))[10] = 1;
    ring_device_put(&model.rings[RECEIVE], chain.head, HEADER - 1);
    (void)nic_poll();
    expect_restarted();
}

static void test_no_restart(void **state)
{
    struct packet *packet = make(60, 0);

    (void)state;
    send_some();
    model.needs_reset = model.interrupt = model.refuses = true;
    (void)nic_poll();
    assert_false(model.running);
    assert_false(nic->link_up);
    assert_int_equal(nic_send(nic, packet), -XEN_EIO);
    packet_free(packet);
    assert_int_equal(packet_pages_free(), PACKET_PAGES);
    assert_false(nic_poll());
    assert_int_equal(model.resets, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_send, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_send_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receive_properties, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_receive_odd, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_pools, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_promiscuous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_features, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lies_of_rings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_restart, set_up, tear_down),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ring_memory_release();
    return failed;
}
