/* SPDX-License-Identifier: MIT */
/* Pages of the host, which the sanitizer knows, and packets in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <guest/memory.h>
#include <guest/string.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/pool.h>

static uint8_t *held[PACKET_PAGES];
static unsigned nr_held;

void *page_alloc(void)
{
    void *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);

    assert_non_null(page);
    return page;
}

void pool_start(void)
{
    if (!packet_count_free())
        packet_init();
    pool_assert_full();
}

void pool_assert_full(void)
{
    assert_int_equal(packet_pages_free(), PACKET_PAGES);
    assert_int_equal(packet_count_free(), PACKETS);
}

void pool_leave(unsigned left)
{
    while (nr_held && packet_pages_free() < left)
        packet_page_free(held[--nr_held]);
    while (packet_pages_free() > left)
        held[nr_held++] = packet_page_alloc();
}

/* Sizes of fragments, so that those that follow have room for the rest. */
static unsigned fragment_size(unsigned left, unsigned more_fragments)
{
    unsigned least = left > more_fragments * PAGE_SIZE ? left - more_fragments * PAGE_SIZE : 1;
    unsigned most = left < PAGE_SIZE ? left : PAGE_SIZE;

    return least + draw_below(most - least + 1);
}

struct packet *pool_make_packet(const uint8_t *bytes, unsigned size)
{
    struct packet *packet = packet_alloc();

    assert_non_null(packet);
    for (unsigned done = 0; done < size;) {
        unsigned part = fragment_size(size - done, PACKET_FRAGMENTS - packet->nr_fragments - 1);
        unsigned offset = draw_below(PAGE_SIZE - part + 1);
        uint8_t *page = packet_page_alloc();

        assert_non_null(page);
        memcpy(page + offset, bytes + done, part);
        assert_int_equal(packet_append(packet, page, offset, part), 0);
        done += part;
    }
    return packet;
}

struct packet *pool_make_dense(const uint8_t *bytes, unsigned size)
{
    struct packet *packet = packet_alloc();

    assert_non_null(packet);
    assert_int_equal(packet_extend(packet, size), 0);
    assert_true(packet_write(packet, 0, bytes, size));
    return packet;
}
