/* SPDX-License-Identifier: MIT */
/* Checksums of random packets in random fragments, against a plain loop over their bytes. */
/* links: backend/checksum.c backend/headers.c backend/packet.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/frames.c tests/backend/lib/pool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/checksum.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/pool.h>

static struct frame frame;

static void draw_frame(unsigned seed)
{
    static const unsigned versions[] = {4, 6}, protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};

    draw_seed(seed);
    frame_make(&frame, DRAW_OF(versions), DRAW_OF(protocols), draw_below(3), draw_below(draw_below(4) ? 1500 : 65000));
}

static unsigned field(const struct packet *packet)
{
    uint8_t bytes[2] = {0};

    assert_true(packet_read(packet, packet->csum_start + packet->csum_offset, bytes, sizeof(bytes)));
    return get_be16(bytes);
}

static void test_blank_is_completed(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 4000; seed++) {
        struct packet *packet;

        draw_frame(seed);
        packet = pool_make_packet(frame.bytes, frame.size);
        packet->checksum_blank = true;
        assert_int_equal(checksum_locate(packet), 0);
        assert_int_equal(packet->csum_start, frame.transport);
        checksum_finish(packet);
        assert_int_equal(field(packet), frame_checksum(&frame));
        assert_true(packet->checksum_good && !packet->checksum_blank);
        checksum_finish(packet);
        assert_int_equal(field(packet), frame_checksum(&frame));
        packet_free(packet);
    }
}

/* A checksum that comes to 0 is sent as the other zero, without which UDP would have none. */
static void test_zero(void **state)
{
    unsigned zeroes = 0;

    (void)state;
    draw_seed(1);
    frame_make(&frame, 4, PROTOCOL_UDP, 0, 2);
    for (unsigned word = 0; word < 0x10000; word++) {
        struct packet *packet;

        put_be16(frame.bytes + frame.data, word);
        packet = pool_make_dense(frame.bytes, frame.size);
        packet->checksum_blank = true;
        assert_int_equal(checksum_locate(packet), 0);
        checksum_finish(packet);
        assert_int_not_equal(field(packet), 0);
        zeroes += field(packet) == 0xffff;
        packet_free(packet);
    }
    assert_in_range(zeroes, 1, 2);
}

static void test_pseudo(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        struct packet *packet;
        struct headers headers;

        draw_frame(seed);
        packet = pool_make_packet(frame.bytes, frame.size);
        packet->checksum_blank = true;
        assert_int_equal(checksum_locate(packet), 0);
        assert_int_equal(headers_find(packet, &headers), 0);
        assert_int_equal(checksum_pseudo(packet, &headers, frame.size - frame.transport), field(packet));
        packet_free(packet);
    }
}

static void test_nothing_to_complete(void **state)
{
    struct packet *packet;

    (void)state;
    draw_frame(7);
    frame.bytes[frame.ip - 2] = 0x12;
    packet = pool_make_packet(frame.bytes, frame.size);
    packet->checksum_blank = true;
    assert_int_equal(checksum_locate(packet), -XEN_EINVAL);
    assert_int_equal(packet->csum_start, 0);
    packet_free(packet);
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
        cmocka_unit_test_setup_teardown(test_blank_is_completed, begin, end),
        cmocka_unit_test_setup_teardown(test_zero, begin, end),
        cmocka_unit_test_setup_teardown(test_pseudo, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_to_complete, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
