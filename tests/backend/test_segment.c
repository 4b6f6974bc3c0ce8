/* SPDX-License-Identifier: MIT */
/* Segments of a packet are right each by itself, and together are the packet. */
/* links: backend/segment.c backend/checksum.c backend/headers.c backend/packet.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/frames.c tests/backend/lib/pool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/checksum.h>
#include <backend/segment.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/pool.h>

#define FIN 0x01u
#define PSH 0x08u
#define CWR 0x80u

static struct frame frame;
static uint8_t bytes[PACKET_SIZE_MAX];

static struct packet *make(unsigned version, unsigned size, unsigned gso_size)
{
    struct packet *packet;

    frame_make(&frame, version, PROTOCOL_TCP, draw_below(3), size);
    packet = pool_make_packet(frame.bytes, frame.size);
    packet->checksum_blank = true;
    assert_int_equal(checksum_locate(packet), 0);
    packet->gso = version == 4 ? PACKET_GSO_TCPV4 : PACKET_GSO_TCPV6;
    packet->gso_size = (uint16_t)gso_size;
    return packet;
}

static uint32_t sequence_of(const uint8_t *at)
{
    return get_be32(at + frame.transport + 4);
}

/* The segment whose data begins at @offset of the frame's; gives how much data it has. */
static unsigned check_segment(const struct packet *segment, unsigned offset, unsigned number, unsigned gso_size)
{
    unsigned left = frame.size - frame.data - offset, flags = frame.bytes[frame.transport + 13];
    unsigned size = left < gso_size ? left : gso_size;

    assert_int_equal(segment->size, frame.data + size);
    assert_true(packet_read(segment, 0, bytes, segment->size));
    assert_true(frame_is_right(&frame, bytes, segment->size));
    assert_true(segment->checksum_good && !segment->checksum_blank && segment->gso == PACKET_GSO_NONE);
    assert_memory_equal(bytes, frame.bytes, frame.ip);
    assert_memory_equal(bytes + frame.data, frame.bytes + frame.data + offset, size);
    assert_int_equal(sequence_of(bytes), (uint32_t)(sequence_of(frame.bytes) + offset));
    if (frame.version == 4)
        assert_int_equal(get_be16(bytes + frame.ip + 4), (get_be16(frame.bytes + frame.ip + 4) + number) & 0xffff);
    if (offset)
        flags &= ~CWR;
    if (size < left)
        flags &= ~(FIN | PSH);
    assert_int_equal(bytes[frame.transport + 13], flags);
    assert_memory_equal(bytes + frame.transport + 18, frame.bytes + frame.transport + 18,
                        frame.data - frame.transport - 18);
    return size;
}

static void test_segments(void **state)
{
    static const unsigned sizes[] = {600, 1000, 1220, 1448, 1460, 8948, 20000};

    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        unsigned gso_size, offset = 0, number = 0;
        struct packet *packet, *list;

        draw_seed(seed);
        gso_size = DRAW_OF(sizes);
        packet = make(draw_below(2) ? 4 : 6, 1 + draw_below(65000), gso_size);
        assert_true(segment_possible(packet));
        assert_int_equal(segment_packet(packet, &list), 0);
        for (struct packet *segment = list; segment; segment = segment->next)
            offset += check_segment(segment, offset, number++, gso_size);
        assert_int_equal(offset, frame.size - frame.data);
        packet_free_list(list);
        packet_free(packet);
    }
}

static void test_no_room(void **state)
{
    struct packet *packet = make(4, 10000, 1000), *list;

    (void)state;
    assert_true(segment_possible(packet));
    for (unsigned left = 0; left < 10; left++) {
        pool_leave(left);
        assert_int_equal(segment_packet(packet, &list), -XEN_ENOMEM);
        assert_null(list);
        assert_int_equal(packet_pages_free(), left);
    }
    pool_leave(10);
    assert_int_equal(segment_packet(packet, &list), 0);
    packet_free_list(list);
    packet_free(packet);
    pool_leave(PACKET_PAGES);
}

static void expect_impossible(struct packet *packet)
{
    assert_false(segment_possible(packet));
    packet_free(packet);
}

static void test_impossible(void **state)
{
    struct packet *packet;

    (void)state;
    draw_seed(5);
    expect_impossible(make(4, 1000, 0));
    expect_impossible(make(4, 0, 500));
    expect_impossible(make(6, SEGMENTS_MAX * 10 + 1, 10));
    packet = make(6, SEGMENTS_MAX * 10, 10);
    assert_true(segment_possible(packet));
    packet->checksum_blank = false;
    expect_impossible(packet);
    packet = make(4, 1000, 500);
    packet->gso = PACKET_GSO_TCPV6;
    expect_impossible(packet);
    packet = make(4, 1000, 500);
    packet->csum_start++;
    expect_impossible(packet);
    packet = make(4, 1000, 500);
    packet->csum_offset = 6;
    expect_impossible(packet);
    packet = make(4, 1000, 500);
    assert_int_equal(packet_extend(packet, 1), 0);
    expect_impossible(packet);
    frame_make(&frame, 4, PROTOCOL_UDP, 0, 1000);
    packet = pool_make_packet(frame.bytes, frame.size);
    packet->checksum_blank = true;
    assert_int_equal(checksum_locate(packet), 0);
    packet->gso = PACKET_GSO_TCPV4;
    packet->gso_size = 500;
    expect_impossible(packet);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
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
        cmocka_unit_test_setup_teardown(test_segments, begin, end),
        cmocka_unit_test_setup_teardown(test_no_room, begin, end),
        cmocka_unit_test_setup_teardown(test_impossible, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
