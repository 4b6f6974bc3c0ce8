/* SPDX-License-Identifier: MIT */
/* virtio's header before a packet, both ways: what it says of checksum and segmentation, and what it may not say. */
/* links: backend/virtio_net_header.c backend/packet.c tests/backend/lib/pool.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backend/virtio_net_header.h>
#include <tests/backend/lib/pool.h>

#define SIZE 200u

static struct packet *packet;

static int set_up(void **state)
{
    uint8_t bytes[SIZE] = {0};

    (void)state;
    pool_start();
    bytes[34 + 12] = 0x80; /* a TCP header of 32 bytes at 34 */
    packet = pool_make_packet(bytes, SIZE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    packet_free(packet);
    pool_assert_full();
    return 0;
}

/* As it stands in memory, by section 5.1.6. */
static void expect_bytes(const uint8_t *want)
{
    struct virtio_net_header header = virtio_net_header_of(packet);

    assert_memory_equal(&header, want, sizeof(header));
}

static void test_of(void **state)
{
    (void)state;
    expect_bytes((const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    packet->checksum_good = true;
    expect_bytes((const uint8_t[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    packet->checksum_blank = true;
    packet->csum_start = 34;
    packet->csum_offset = 16;
    expect_bytes((const uint8_t[]){1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0});
    packet->gso = PACKET_GSO_TCPV4;
    packet->gso_size = 1448;
    expect_bytes((const uint8_t[]){1, 1, 66, 0, 1448 & 0xff, 1448 >> 8, 34, 0, 16, 0, 0, 0});
    packet->gso = PACKET_GSO_TCPV6;
    expect_bytes((const uint8_t[]){1, 4, 66, 0, 1448 & 0xff, 1448 >> 8, 34, 0, 16, 0, 0, 0});
}

/* Where there is no TCP header the hint is made up. */
static void test_of_short(void **state)
{
    (void)state;
    packet->checksum_blank = true;
    packet->csum_start = SIZE - 4;
    packet->gso = PACKET_GSO_TCPV4;
    packet->gso_size = 100;
    assert_int_equal(virtio_net_header_of(packet).hdr_len, SIZE - 4 + 20);
}

static bool apply(struct virtio_net_header header)
{
    packet->checksum_blank = packet->checksum_good = false;
    packet->gso = PACKET_GSO_NONE;
    packet->gso_size = 0;
    return virtio_net_header_apply(&header, packet);
}

static void test_apply(void **state)
{
    (void)state;
    assert_true(apply((struct virtio_net_header){.csum_start = 7, .gso_size = 9}));
    assert_false(packet->checksum_blank || packet->checksum_good || packet->gso || packet->gso_size);
    assert_true(apply((struct virtio_net_header){.flags = 2}));
    assert_true(packet->checksum_good && !packet->checksum_blank);
    assert_true(apply((struct virtio_net_header){.flags = 1, .csum_start = 34, .csum_offset = 16}));
    assert_true(packet->checksum_blank && !packet->checksum_good);
    assert_int_equal(packet->csum_start, 34);
    assert_int_equal(packet->csum_offset, 16);
    assert_true(apply((struct virtio_net_header){.flags = 1, .gso_type = 1, .gso_size = 1, .csum_start = 34}));
    assert_int_equal(packet->gso, PACKET_GSO_TCPV4);
    assert_int_equal(packet->gso_size, 1);
    assert_true(apply((struct virtio_net_header){.flags = 3, .gso_type = 4, .gso_size = 65535, .csum_start = 34}));
    assert_int_equal(packet->gso, PACKET_GSO_TCPV6);
    assert_int_equal(packet->gso_size, 65535);
}

static void test_apply_outside(void **state)
{
    static const struct {
        unsigned start, offset;
        bool inside;
    } cases[] = {{0, 0, true},         {SIZE - 2, 0, true},   {0, SIZE - 2, true}, {SIZE - 1, 0, false},
                 {0, SIZE - 1, false}, {SIZE - 2, 1, false},  {SIZE, 0, false},    {65535, 0, false},
                 {0, 65535, false},    {65535, 65535, false}, {65535, 1, false},   {100, 98, true},
                 {100, 99, false}};

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct virtio_net_header header = {
            .flags = 1, .csum_start = (uint16_t)cases[i].start, .csum_offset = (uint16_t)cases[i].offset};

        assert_int_equal(apply(header), cases[i].inside);
    }
}

/* Kinds that were not agreed on, no size, a checksum that is not blank. */
static void test_apply_gso(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 256; type++) {
        struct virtio_net_header header = {.flags = 1, .gso_type = (uint8_t)type, .gso_size = 100, .csum_start = 34};

        assert_int_equal(apply(header), type == 0 || type == 1 || type == 4);
    }
    assert_false(apply((struct virtio_net_header){.flags = 1, .gso_type = 1, .csum_start = 34}));
    assert_false(apply((struct virtio_net_header){.flags = 2, .gso_type = 1, .gso_size = 100}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_short, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_apply, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_apply_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_apply_gso, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
