/* SPDX-License-Identifier: MIT */
/* A card as the port of a switch: what it cannot do is done before, what it claims is looked at. */
/* links: backend/uplink.c backend/switch.c backend/queue.c backend/packet.c */
/* links: backend/headers.c backend/checksum.c backend/segment.c */
/* links: backend/groups.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/time.h>
#include <backend/checksum.h>
#include <backend/switch.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/pool.h>

#define CARDS 6u

static struct nic cards[CARDS];
static struct switch_port guest_port;
static struct frame frame;
static uint8_t got[PACKET_SIZE_MAX];
static unsigned room, sent, again, told; /* told: of how many that were sent the cards have heard */
static int failure;
static struct packet *coming; /* at cards[where] */
static unsigned where;

/*
 * ---- The cards.  All send into got, one after the other.
 */

struct nic *nic_find(const uint8_t mac[MAC_SIZE])
{
    return mac[5] < CARDS ? &cards[mac[5]] : NULL;
}

int nic_send(struct nic *nic, struct packet *packet)
{
    if (failure)
        return failure;
    if (!room)
        return -XEN_EAGAIN;
    room--;
    sent++;
    assert_true(nic->can_checksum || !packet->checksum_blank);
    assert_true(nic->can_tso4 || packet->gso != PACKET_GSO_TCPV4);
    assert_true(nic->can_tso6 || packet->gso != PACKET_GSO_TCPV6);
    assert_true(packet_read(packet, 0, got, packet->size));
    packet_free(packet);
    return 0;
}

bool nic_poll(void)
{
    struct packet *packet = coming;

    coming = NULL;
    if (packet)
        cards[where].receive(&cards[where], packet);
    return packet;
}

void nic_kick(void)
{
    told = sent;
}

void work_again(void)
{
    again++;
}

uint64_t time_now(void)
{
    return 0;
}

/*
 * ---- Tests.
 */

static int join(unsigned card, const char *name)
{
    return uplink_join((const uint8_t[MAC_SIZE]){0, 0, 0, 0, 0, (uint8_t)card}, name);
}

/* A frame of the guest's, or for it, whose checksum is blank. */
static struct packet *make(unsigned version, unsigned size, unsigned gso_size)
{
    struct packet *packet;

    frame_make(&frame, version, PROTOCOL_TCP, 0, size);
    frame.bytes[0] = frame.bytes[6] = 2;
    packet = pool_make_packet(frame.bytes, frame.size);
    packet->checksum_blank = true;
    assert_int_equal(checksum_locate(packet), 0);
    packet->gso = gso_size ? version == 4 ? PACKET_GSO_TCPV4 : PACKET_GSO_TCPV6 : PACKET_GSO_NONE;
    packet->gso_size = (uint16_t)gso_size;
    return packet;
}

static void test_join(void **state)
{
    (void)state;
    assert_int_equal(join(0, "net"), 0); /* it is there */
    assert_int_equal(join(0, "other"), -XEN_EBUSY);
    assert_int_equal(join(CARDS, "net"), -XEN_ENODEV);
    assert_int_equal(join(2, ""), -XEN_EINVAL);
    assert_null(cards[2].owner);
    assert_int_equal(join(2, "second"), 0);
    assert_int_equal(join(3, "second"), 0);
    assert_int_equal(join(4, "third"), 0);
    assert_int_equal(join(5, "fourth"), -XEN_ENOSPC);
}

static void test_card_without_offloads(void **state)
{
    (void)state;
    room = 10;
    switch_input(&guest_port, make(4, 3500, 1000));
    uplink_turn();
    assert_int_equal(sent, 4);
    switch_input(&guest_port, make(6, 500, 0));
    uplink_turn();
    assert_int_equal(sent, 5);
    assert_true(frame_is_right(&frame, got, frame.size));
    switch_input(&guest_port, make(4, 1600, 0)); /* more than a wire takes */
    uplink_turn();
    assert_int_equal(sent, 5);
}

/* What a card has no room for is sent later, in order, and once. */
static void test_room(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < 5; i++) {
        struct packet *packet = make(4, 100, 0);

        assert_true(packet_write(packet, 11, &i, 1));
        switch_input(&guest_port, packet);
    }
    for (unsigned i = 0; i < 5; i++) {
        room = 0;
        uplink_turn();
        assert_int_equal(sent, i);
        room = 1;
        uplink_turn();
        assert_int_equal(sent, i + 1);
        assert_int_equal(got[11], i);
    }
}

/* A card that has failed loses what is sent, and holds nothing. */
static void test_failed_card(void **state)
{
    (void)state;
    switch_input(&guest_port, make(4, 100, 0));
    switch_input(&guest_port, make(4, 100, 0));
    failure = -XEN_EIO;
    uplink_turn();
    pool_assert_full();
    failure = 0;
}

static struct packet *receive(struct packet *packet)
{
    coming = packet;
    again = 0;
    uplink_turn();
    assert_true(again);
    return guest_port.queues[0].first ? queue_take(&guest_port.queues[0]) : NULL;
}

static void test_received(void **state)
{
    struct packet *packet;

    (void)state;
    packet = receive(make(4, 3000, 1000));
    assert_int_equal(packet->gso, PACKET_GSO_TCPV4);
    packet_free(packet);
    packet = make(4, 3000, 1000);
    packet->gso = PACKET_GSO_TCPV6; /* it is not */
    assert_null(receive(packet));
    packet = make(4, 3000, 1000);
    packet->gso_size = 0;
    assert_null(receive(packet));
    /* A checksum of a protocol that no guest completes is completed here. */
    packet = make(4, 100, 0);
    assert_true(packet_write(packet, 12, "\x12\x34", 2));
    packet = receive(packet);
    assert_false(packet->checksum_blank);
    assert_true(packet_read(packet, 0, got, packet->size));
    assert_int_equal(get_be16(got + frame.transport + 16), frame_checksum(&frame));
    packet_free(packet);
}

/* A card hears in the same turn of what it is given, also of what has just come in by another card of its switch. */
static void test_told(void **state)
{
    (void)state;
    room = 2;
    switch_input(&guest_port, make(4, 100, 0));
    uplink_turn();
    assert_int_equal(sent, 1);
    assert_int_equal(told, 1);
    assert_int_equal(join(2, "second"), 0);
    assert_int_equal(join(3, "second"), 0);
    where = 2;
    assert_null(receive(make(4, 100, 0)));
    where = 0;
    assert_int_equal(sent, 2);
    assert_int_equal(told, 2);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    draw_seed(1);
    sent = told = room = 0;
    guest_port = (struct switch_port){.takes_blank = true, .takes_tso4 = true, .size_max = PACKET_SIZE_MAX};
    assert_int_equal(switch_attach(&guest_port, "net"), 0);
    return join(0, "net");
}

static int end(void **state)
{
    (void)state;
    switch_detach(&guest_port);
    pool_assert_full();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_card_without_offloads, begin, end),
        cmocka_unit_test_setup_teardown(test_room, begin, end),
        cmocka_unit_test_setup_teardown(test_failed_card, begin, end),
        cmocka_unit_test_setup_teardown(test_received, begin, end),
        cmocka_unit_test_setup_teardown(test_join, begin, end),
        cmocka_unit_test_setup_teardown(test_told, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
