/* SPDX-License-Identifier: MIT */
/* The pools end and are full again, and bytes go to the fragment they belong to. */
/* links: backend/packet.c tests/backend/lib/draw.c tests/backend/lib/pool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/packet.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/pool.h>

static void test_pools_end(void **state)
{
    struct packet *list = NULL;
    unsigned count = 0;

    (void)state;
    for (struct packet *packet; (packet = packet_alloc()); count++) {
        packet->next = list;
        list = packet;
    }
    assert_int_equal(count, PACKETS);
    packet_free_list(list);

    pool_leave(3);
    list = packet_alloc();
    assert_int_equal(packet_extend(list, 4 * PAGE_SIZE), -XEN_ENOMEM);
    assert_int_equal(list->size, 0);
    assert_int_equal(packet_pages_free(), 3);
    assert_int_equal(packet_extend(list, 2 * PAGE_SIZE + 1), 0);
    assert_null(packet_copy(list));
    packet_free(list);
    pool_leave(PACKET_PAGES);
}

static void test_packet_is_bounded(void **state)
{
    struct packet *packet = packet_alloc();
    uint8_t *page = packet_page_alloc();

    (void)state;
    for (unsigned i = 0; i < PACKET_FRAGMENTS; i++)
        assert_int_equal(packet_append(packet, packet_page_alloc(), i, 1), 0);
    assert_int_equal(packet_append(packet, page, 0, 1), -XEN_ENOSPC);
    assert_int_equal(packet->size, PACKET_FRAGMENTS);
    packet_free(packet);

    packet = packet_alloc();
    assert_int_equal(packet_extend(packet, PACKET_SIZE_MAX), 0);
    assert_int_equal(packet_append(packet, page, 0, 1), -XEN_ENOSPC);
    assert_int_equal(packet_extend(packet, 1), -XEN_ENOSPC);
    assert_int_equal(packet->size, PACKET_SIZE_MAX);
    packet_free(packet);
    packet_page_free(page);
}

/* Reading and writing anywhere, against an array. */
static void test_bytes(void **state)
{
    static uint8_t bytes[PACKET_SIZE_MAX], part[PACKET_SIZE_MAX];

    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        unsigned size, offset, length;
        struct packet *packet, *copy;

        draw_seed(seed);
        size = 1 + draw_below(PACKET_SIZE_MAX);
        draw_bytes(bytes, size);
        packet = pool_make_packet(bytes, size);
        for (unsigned i = 0; i < 20; i++) {
            offset = draw_below(size + 1);
            length = draw_below(size - offset + 1);
            draw_bytes(part, length);
            memcpy(bytes + offset, part, length);
            assert_true(packet_write(packet, offset, part, length));
            assert_false(packet_write(packet, offset, part, size - offset + 1));
            assert_false(packet_read(packet, size + 1, part, 0));
        }
        copy = packet_copy(packet);
        assert_true(packet_read(packet, 0, part, size));
        assert_memory_equal(part, bytes, size);
        memset(part, 0, size);
        assert_true(packet_read(copy, 0, part, size));
        assert_memory_equal(part, bytes, size);
        packet_free(packet);
        packet_free(copy);
    }
}

static void test_copy_has_properties(void **state)
{
    struct packet *packet = pool_make_dense((const uint8_t *)"0123456789abcdef", 16), *copy;

    (void)state;
    packet->checksum_blank = packet->checksum_good = true;
    packet->csum_start = 3;
    packet->csum_offset = 5;
    packet->gso = PACKET_GSO_TCPV6;
    packet->gso_size = 7;
    copy = packet_copy(packet);
    assert_true(copy->checksum_blank && copy->checksum_good);
    assert_int_equal(copy->csum_start, 3);
    assert_int_equal(copy->csum_offset, 5);
    assert_int_equal(copy->gso, PACKET_GSO_TCPV6);
    assert_int_equal(copy->gso_size, 7);
    packet_free(copy);
    packet_free(packet);
    packet = packet_alloc();
    assert_true(!packet->checksum_blank && !packet->nr_fragments && !packet->next && !packet->gso_size);
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
        cmocka_unit_test_setup_teardown(test_pools_end, begin, end),
        cmocka_unit_test_setup_teardown(test_packet_is_bounded, begin, end),
        cmocka_unit_test_setup_teardown(test_bytes, begin, end),
        cmocka_unit_test_setup_teardown(test_copy_has_properties, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
