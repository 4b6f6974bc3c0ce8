/* SPDX-License-Identifier: MIT */
/* Headers are found where they are, and not in what is cut short, fragmented or nonsense. */
/* links: backend/headers.c backend/packet.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/frames.c tests/backend/lib/pool.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/headers.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/pool.h>

static struct frame frame;
static const unsigned versions[] = {4, 6}, protocols[] = {PROTOCOL_TCP, PROTOCOL_UDP};

static int find(struct headers *headers)
{
    struct packet *packet = pool_make_packet(frame.bytes, frame.size);
    int error = headers_find(packet, headers);

    packet_free(packet);
    return error;
}

static void test_found(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 2000; seed++) {
        struct headers headers;

        draw_seed(seed);
        frame_make(&frame, DRAW_OF(versions), DRAW_OF(protocols), draw_below(3), draw_below(200));
        frame.size += draw_below(2) * 10; /* padding */
        assert_int_equal(find(&headers), 0);
        assert_int_equal(headers.version, frame.version);
        assert_int_equal(headers.protocol, frame.protocol);
        assert_int_equal(headers.ip, frame.ip);
        assert_int_equal(headers.transport, frame.transport);
        assert_int_equal(headers.data, frame.data);
        assert_in_range(headers.end, frame.data, frame.size);
    }
}

static uint32_t flow(void)
{
    struct packet *packet = pool_make_packet(frame.bytes, frame.size);
    uint32_t number = headers_flow(packet);

    packet_free(packet);
    return number;
}

/* Each byte of addresses and ports counts, and none of the data; of what is no TCP or UDP, the Ethernet addresses. */
static void test_flow(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 500; seed++) {
        unsigned addresses, size, number;

        draw_seed(seed);
        frame_make(&frame, DRAW_OF(versions), DRAW_OF(protocols), draw_below(3), 1 + draw_below(200));
        addresses = frame.ip + (frame.version == 4 ? 12 : 8);
        size = frame.version == 4 ? 8 : 32;
        number = flow();
        frame.bytes[frame.data + draw_below(frame.size - frame.data)] ^= 1;
        frame.bytes[draw_below(2 * MAC_SIZE)] ^= 1;
        assert_int_equal(flow(), number);
        frame.bytes[addresses + draw_below(size)] ^= 1;
        assert_int_not_equal(flow(), number);
        number = flow();
        frame.bytes[frame.transport + draw_below(4)] ^= 1;
        assert_int_not_equal(flow(), number);
        frame.size = frame.ip + draw_below(10);
        number = flow();
        frame.bytes[draw_below(2 * MAC_SIZE)] ^= 1;
        assert_int_not_equal(flow(), number);
    }
}

/* Cut anywhere, the lengths say more than there is. */
static void test_cut(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 40; seed++) {
        draw_seed(seed);
        frame_make(&frame, versions[seed % 2], protocols[seed / 2 % 2], seed % 3, 3);
        while (--frame.size) {
            struct headers headers;

            assert_int_equal(find(&headers), -XEN_EINVAL);
        }
    }
}

static void refuse(unsigned offset, uint8_t value)
{
    struct headers headers;
    uint8_t old = frame.bytes[offset];

    assert_int_equal(find(&headers), 0);
    frame.bytes[offset] = value;
    assert_int_equal(find(&headers), -XEN_EINVAL);
    frame.bytes[offset] = old;
}

static void test_refused(void **state)
{
    (void)state;
    draw_seed(3);
    frame_make(&frame, 4, PROTOCOL_TCP, 0, 100);
    refuse(12, 0x86);                   /* another type */
    refuse(frame.ip, 0x64);             /* another version */
    refuse(frame.ip, 0x44);             /* a header shorter than its fixed part */
    refuse(frame.ip + 3, 30);           /* a packet shorter than its headers */
    refuse(frame.ip + 2, 0xff);         /* or longer than what is there */
    refuse(frame.ip + 6, 0x20);         /* more fragments follow */
    refuse(frame.ip + 7, 1);            /* not the first */
    refuse(frame.ip + 9, 1);            /* ICMP */
    refuse(frame.transport + 12, 0x40); /* TCP's header shorter than its fixed part */
    frame_make(&frame, 6, PROTOCOL_UDP, 2, 0);
    refuse(frame.ip + 5, (uint8_t)(frame.bytes[frame.ip + 5] - 1));
}

static void test_third_tag(void **state)
{
    struct headers headers;

    (void)state;
    frame_make(&frame, 4, PROTOCOL_UDP, 3, 100);
    assert_int_equal(find(&headers), -XEN_EINVAL);
}

static void test_fragment_and_routing(void **state)
{
    static const uint8_t refused[] = {43, 44, 51, 59, 1, 255};

    (void)state;
    for (unsigned i = 0; i < sizeof(refused); i++) {
        frame_make(&frame, 6, PROTOCOL_TCP, 0, 100);
        refuse(frame.ip + 6, refused[i]);
    }
}

/* Extension headers one after the other to the end of the packet: the walk ends before. */
static void test_extensions_are_bounded(void **state)
{
    struct headers headers;

    (void)state;
    for (unsigned count = 0; count < 20; count++) {
        frame_make(&frame, 6, PROTOCOL_UDP, 0, 20 * 8);
        memset(frame.bytes + frame.ip + 40, 0, frame.size - frame.ip - 40);
        frame.bytes[frame.ip + 6] = count ? 60 : PROTOCOL_UDP;
        for (unsigned i = 0; i < count; i++)
            frame.bytes[frame.ip + 40 + i * 8] = i + 1 < count ? 60 : PROTOCOL_UDP;
        assert_int_equal(find(&headers), count <= 8 ? 0 : -XEN_EINVAL);
    }
}

/* Bytes changed at random: whatever is found lies in the packet. */
static void test_noise(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned seed = 0; seed < 20000; seed++) {
        struct headers headers;

        draw_seed(seed);
        frame_make(&frame, DRAW_OF(versions), DRAW_OF(protocols), draw_below(3), draw_below(50));
        for (unsigned i = draw_below(4); i--;)
            frame.bytes[12 + draw_below(frame.size - 12)] = (uint8_t)draw();
        if (find(&headers))
            continue;
        found++;
        assert_in_range(headers.ip, 14, 22);
        assert_in_range(headers.transport, headers.ip + 20, headers.data - 8);
        assert_in_range(headers.data, headers.transport + 8, headers.end);
        assert_in_range(headers.end, headers.data, frame.size);
    }
    assert_in_range(found, 5000, 19999);
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
        cmocka_unit_test_setup_teardown(test_found, begin, end),
        cmocka_unit_test_setup_teardown(test_flow, begin, end),
        cmocka_unit_test_setup_teardown(test_cut, begin, end),
        cmocka_unit_test_setup_teardown(test_refused, begin, end),
        cmocka_unit_test_setup_teardown(test_third_tag, begin, end),
        cmocka_unit_test_setup_teardown(test_fragment_and_routing, begin, end),
        cmocka_unit_test_setup_teardown(test_extensions_are_bounded, begin, end),
        cmocka_unit_test_setup_teardown(test_noise, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
