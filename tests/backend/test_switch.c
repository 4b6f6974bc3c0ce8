/* SPDX-License-Identifier: MIT */
/* Who gets a packet, against a plain list of who was heard of where; and in which form. */
/* links: backend/switch.c backend/queue.c backend/segment.c backend/checksum.c backend/headers.c backend/packet.c */
/* links: backend/groups.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/time.h>
#include <backend/checksum.h>
#include <backend/switch.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/pool.h>

#define PORTS 5u
#define HOSTS 12u

static uint64_t now;
static struct switch_port ports[PORTS];
static struct frame frame;
static uint8_t got[PACKET_SIZE_MAX];

uint64_t time_now(void)
{
    return now;
}

static void send(unsigned from, const uint8_t *to_mac, const uint8_t *from_mac)
{
    uint8_t bytes[60] = {0};

    memcpy(bytes, to_mac, MAC_SIZE);
    memcpy(bytes + MAC_SIZE, from_mac, MAC_SIZE);
    switch_input(&ports[from], pool_make_packet(bytes, sizeof(bytes)));
}

/* Bit n: port n has got the packet, once. */
static unsigned who_got(void)
{
    unsigned who = 0;

    for (unsigned i = 0; i < PORTS; i++) {
        if (!ports[i].queues[0].first)
            continue;
        assert_int_equal(ports[i].queues[0].first->size, 60);
        packet_free(queue_take(&ports[i].queues[0]));
        assert_null(ports[i].queues[0].first);
        who |= 1u << i;
    }
    return who;
}

/* Addresses that fall on different places of the table. */
static const uint8_t *host(unsigned number)
{
    static uint8_t macs[HOSTS][MAC_SIZE];

    macs[number][0] = 2;
    macs[number][5] = (uint8_t)number;
    return macs[number];
}

static void test_learning(void **state)
{
    unsigned where[HOSTS] = {0}, all = (1u << PORTS) - 1;
    uint64_t heard[HOSTS];
    bool known[HOSTS] = {false};

    (void)state;
    draw_seed(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned from = draw_below(HOSTS), to = draw_below(HOSTS), port = draw_below(PORTS), expected;

        if (draw_below(3) && known[from])
            port = where[from];
        now += draw_below(20) ? draw_below(1000) : SWITCH_AGE / 3;
        send(port, host(to), host(from));
        known[from] = true;
        where[from] = port;
        heard[from] = now;
        if (known[to] && now - heard[to] <= SWITCH_AGE)
            expected = where[to] == port ? 0 : 1u << where[to];
        else
            expected = all & ~(1u << port);
        assert_int_equal(who_got(), expected);
    }
}

static void test_groups(void **state)
{
    static const uint8_t broadcast[MAC_SIZE] = {255, 255, 255, 255, 255, 255}, group[MAC_SIZE] = {1, 0, 0x5e, 0, 0, 1};
    uint8_t bridge[MAC_SIZE] = {1, 0x80, 0xc2, 0, 0, 0};

    (void)state;
    send(1, broadcast, host(0));
    assert_int_equal(who_got(), 0x1d);
    send(1, group, host(0));
    assert_int_equal(who_got(), 0x1d);
    for (unsigned last = 0; last < 17; last++) {
        bridge[5] = (uint8_t)last;
        send(1, bridge, host(0));
        assert_int_equal(who_got(), last < 16 ? 0 : 0x1d);
    }
    send(2, host(0), group); /* nobody has a group for an address */
    assert_int_equal(who_got(), 0);
    send(2, group, host(1));
    send(3, host(0), broadcast);
    assert_int_equal(who_got(), 0x1b);
}

/* Who has named groups gets theirs, and all that is to no group; the others get everything. */
static void test_named_groups(void **state)
{
    static const uint8_t broadcast[MAC_SIZE] = {255, 255, 255, 255, 255, 255}, group[MAC_SIZE] = {1, 0, 0x5e, 0, 0, 1};
    static struct groups named, none;

    (void)state;
    assert_int_equal(groups_add(&named, group), 0);
    ports[2].groups = &named;
    ports[3].groups = &none;
    ports[4].groups = &none;
    send(1, group, host(0));
    assert_int_equal(who_got(), 0x5);
    send(2, group, host(1)); /* who sends to a group does not get it back */
    assert_int_equal(who_got(), 0x3);
    send(1, broadcast, host(0));
    assert_int_equal(who_got(), 0x1d);
    send(1, host(5), host(0)); /* nobody knows where that is */
    assert_int_equal(who_got(), 0x1d);
    groups_remove(&named, group);
    ports[0].groups = ports[1].groups = &none;
    send(1, group, host(0));
    assert_int_equal(who_got(), 0);
}

/* One port claims more addresses than there are places: what others have said is still known. */
static void test_flood_of_addresses(void **state)
{
    (void)state;
    send(0, host(1), host(0));
    (void)who_got();
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t mac[MAC_SIZE] = {6};

        draw_bytes(mac + 1, MAC_SIZE - 1);
        send(1, host(0), mac);
        assert_int_equal(who_got(), 1);
    }
}

static void test_names(void **state)
{
    static struct switch_port others[SWITCHES_MAX + 1];
    char name[SWITCH_NAME_MAX + 2];

    (void)state;
    memset(name, 'a', sizeof(name));
    name[SWITCH_NAME_MAX + 1] = 0;
    assert_int_equal(switch_attach(&others[0], name), -XEN_EINVAL);
    assert_int_equal(switch_attach(&others[0], ""), -XEN_EINVAL);
    assert_null(others[0].home);
    for (unsigned i = 0; i < SWITCHES_MAX - 1; i++) {
        snprintf(name, sizeof(name), "other%u", i);
        others[i].size_max = 1514;
        assert_int_equal(switch_attach(&others[i], name), 0);
    }
    assert_int_equal(switch_attach(&others[SWITCHES_MAX - 1], "more"), -XEN_ENOSPC);
    others[SWITCHES_MAX - 1].size_max = 1514;
    assert_int_equal(switch_attach(&others[SWITCHES_MAX - 1], "other3"), 0);
    switch_input(&others[3], pool_make_packet((const uint8_t[60]){2, 2, 2}, 60));
    assert_int_equal(who_got(), 0); /* another switch */
    assert_non_null(others[SWITCHES_MAX - 1].queues[0].first);
    for (unsigned i = 0; i < SWITCHES_MAX; i++)
        switch_detach(&others[i]); /* and what waits there is given back */
    assert_int_equal(switch_attach(&others[0], "more"), 0);
    switch_detach(&others[0]);
    switch_detach(&others[0]);
}

static void test_detached(void **state)
{
    (void)state;
    send(2, host(1), host(0));
    (void)who_got();
    switch_detach(&ports[2]);
    send(1, host(0), host(1));
    assert_int_equal(who_got(), 0x19);
    assert_int_equal(switch_attach(&ports[2], "s"), 0);
    send(1, host(0), host(1)); /* what it had said is forgotten */
    assert_int_equal(who_got(), 0x1d);
}

static struct packet *make_gso(unsigned version, unsigned size)
{
    struct packet *packet;

    frame_make(&frame, version, 6, 0, size);
    frame.bytes[0] = 2;
    frame.bytes[6] = 2;
    packet = pool_make_packet(frame.bytes, frame.size);
    packet->checksum_blank = true;
    assert_int_equal(checksum_locate(packet), 0);
    packet->gso = version == 4 ? PACKET_GSO_TCPV4 : PACKET_GSO_TCPV6;
    packet->gso_size = 1000;
    return packet;
}

/* The forms in which three ports of different abilities get what one sends. */
static void test_forms(void **state)
{
    (void)state;
    ports[1].takes_blank = ports[1].takes_tso4 = true;
    ports[2].takes_blank = ports[2].takes_tso6 = true;
    ports[3].takes_blank = true;
    for (unsigned version = 4; version <= 6; version += 2) {
        switch_input(&ports[0], make_gso(version, 3500));
        for (unsigned i = 1; i < PORTS; i++) {
            unsigned offset = frame.data, count = 0;

            for (; ports[i].queues[0].first; count++) {
                struct packet *packet = queue_take(&ports[i].queues[0]);
                bool whole = i == (version == 4 ? 1 : 2);

                assert_int_equal(packet->gso != PACKET_GSO_NONE, whole);
                assert_int_equal(packet->checksum_blank, whole);
                assert_true(packet_read(packet, 0, got, packet->size));
                assert_true(whole || frame_is_right(&frame, got, packet->size));
                assert_memory_equal(got + frame.data, frame.bytes + offset, packet->size - frame.data);
                offset += packet->size - frame.data;
                packet_free(packet);
            }
            assert_int_equal(offset, frame.size);
            assert_int_equal(count, i == (version == 4 ? 1 : 2) ? 1 : 4);
        }
    }
    for (unsigned i = 1; i < PORTS; i++)
        assert_int_equal(ports[i].refused, 0);
}

static void test_blank(void **state)
{
    struct packet *packet = make_gso(6, 500);

    (void)state;
    ports[3].takes_blank = true;
    packet->gso = PACKET_GSO_NONE;
    switch_input(&ports[0], packet);
    for (unsigned i = 1; i < PORTS; i++) {
        packet = queue_take(&ports[i].queues[0]);
        assert_int_equal(packet->checksum_blank, i == 3);
        assert_true(packet_read(packet, 0, got, packet->size));
        assert_int_equal(frame_is_right(&frame, got, packet->size), i != 3);
        packet_free(packet);
    }
}

static void test_too_large(void **state)
{
    static uint8_t bytes[1515] = {2};

    (void)state;
    bytes[11] = 1;
    ports[2].size_max = 1515;
    switch_input(&ports[0], pool_make_packet(bytes, 1515));
    for (unsigned i = 1; i < PORTS; i++) {
        assert_int_equal(ports[i].queues[0].first != NULL, i == 2);
        assert_int_equal(ports[i].refused, i != 2);
        queue_clear(&ports[i].queues[0]);
    }
    switch_input(&ports[0], pool_make_packet(bytes, 1514));
    assert_non_null(ports[1].queues[0].first);
}

/* Without room for copies some do not get the packet; nothing else happens. */
static void test_no_memory(void **state)
{
    struct packet *packet = make_gso(4, 3500);

    (void)state;
    for (unsigned left = 0; left < 30; left++) {
        struct packet *copy = packet_copy(packet);

        pool_leave(left);
        switch_input(&ports[0], copy);
        for (unsigned i = 0; i < PORTS; i++)
            queue_clear(&ports[i].queues[0]);
        pool_leave(PACKET_PAGES - packet->nr_fragments);
        assert_int_equal(packet_pages_free(), PACKET_PAGES - packet->nr_fragments);
    }
    packet_free(packet);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    memset(ports, 0, sizeof(ports));
    for (unsigned i = 0; i < PORTS; i++) {
        ports[i].size_max = 1514;
        assert_int_equal(switch_attach(&ports[i], "s"), 0);
    }
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTS; i++)
        switch_detach(&ports[i]);
    pool_assert_full();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_learning, begin, end),
        cmocka_unit_test_setup_teardown(test_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_named_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_flood_of_addresses, begin, end),
        cmocka_unit_test_setup_teardown(test_names, begin, end),
        cmocka_unit_test_setup_teardown(test_detached, begin, end),
        cmocka_unit_test_setup_teardown(test_forms, begin, end),
        cmocka_unit_test_setup_teardown(test_blank, begin, end),
        cmocka_unit_test_setup_teardown(test_too_large, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
