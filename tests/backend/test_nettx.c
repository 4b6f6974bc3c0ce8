/* SPDX-License-Identifier: MIT */
/* Frames of all shapes, right and wrong, from a front end that keeps to the rules or not. */
/* links: backend/nettx.c backend/netring.c backend/packet.c backend/headers.c backend/checksum.c backend/segment.c */
/* links: backend/groups.c */
/* links: tests/backend/lib/draw.c tests/backend/lib/pool.c tests/backend/lib/lender.c tests/backend/lib/front.c */
/* links: tests/backend/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/nettx.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/frames.h>
#include <tests/backend/lib/front.h>
#include <tests/backend/lib/pool.h>

static struct front_tx front;
static struct groups groups;
static struct frame frame;
static uint8_t bytes[PACKET_SIZE_MAX], got[PACKET_SIZE_MAX];

static struct packet *take_up_to(unsigned max, int expected)
{
    struct packet *list;
    bool notify, more;

    assert_int_equal(nettx_take(&front.ring, LENDER_DOMAIN, max, &groups, &list, &notify, &more), expected);
    return list;
}

static struct packet *take(void)
{
    return take_up_to(NETTX_FRAMES, 0);
}

/* The front end finds @status in the @count slots of a frame, NETIF_RSP_NULL in those that @extras has a bit for. */
static void check_answers(unsigned count, unsigned extras, int status)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(front_tx_answer(&front), i < 32 && extras >> i & 1 ? NETIF_RSP_NULL : status);
}

static void check_bytes(const struct packet *packet, const uint8_t *expected, unsigned size)
{
    assert_non_null(packet);
    assert_int_equal(packet->size, size);
    assert_true(packet_read(packet, 0, got, size));
    assert_memory_equal(got, expected, size);
}

/* Frames of random size in random parts, many at once, at indices around 2^32.  Shows netif.send, netif.answers. */
static void test_good_frames(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 400; seed++) {
        unsigned sizes[8], parts[8], count, done = 0;
        struct packet *list;

        draw_seed(seed);
        front_tx_start(&front, (uint32_t)draw());
        count = 1 + draw_below(8);
        draw_bytes(bytes, sizeof(bytes));
        for (unsigned i = 0; i < count; i++) {
            parts[i] = 1 + draw_below(NETTX_PARTS);
            sizes[i] = 14 + draw_below(parts[i] * PAGE_SIZE < PACKET_SIZE_MAX ? parts[i] * PAGE_SIZE - 13 : 65522);
            front_tx_send(&front, bytes + i, sizes[i], parts[i], i % 2 ? NETTXF_data_validated : 0, 0, 0);
        }
        while (done < count) {
            struct packet *next;

            for (list = take(); list; list = next, done++) {
                next = list->next;
                check_bytes(list, bytes + done, sizes[done]);
                assert_int_equal(list->checksum_good, done % 2);
                assert_false(list->checksum_blank);
                packet_free(list);
            }
        }
        for (unsigned i = 0; i < count; i++)
            check_answers(parts[i], 0, NETIF_RSP_OKAY);
        assert_int_equal(front.consumed, front.page.head.rsp_prod);
    }
}

/*
 * XSA-423, 432 and 448: lists of slot lengths, short, empty and whole pages, in 1 to 19 slots, with what the first slot
 * says of the whole right and wrong.
 */
static void try_shape(const unsigned *lengths, unsigned count, unsigned total)
{
    struct front_slot slots[FRONT_SLOTS_MAX];
    unsigned rest = 0, at;
    struct packet *list;

    for (unsigned i = 0; i < count; i++) {
        slots[i] = (struct front_slot){.ref = LENDER_FIRST_REF + i, .size = lengths[i], .id = (uint16_t)draw()};
        slots[i].flags = i + 1 < count ? NETTXF_more_data : 0;
        rest += i ? lengths[i] : 0;
    }
    if (total > PACKET_SIZE_MAX)
        return;
    slots[0].size = total;
    front_tx_put(&front, slots, count);
    list = take();
    if (count > NETTX_PARTS || total < 14 || total < rest || total - rest > PAGE_SIZE) {
        assert_null(list);
        check_answers(count, 0, NETIF_RSP_ERROR);
        return;
    }
    at = total - rest;
    memcpy(bytes, lender_page(slots[0].ref), at);
    for (unsigned i = 1; i < count; at += lengths[i++])
        memcpy(bytes + at, lender_page(slots[i].ref), lengths[i]);
    check_bytes(list, bytes, total);
    assert_null(list->next);
    packet_free(list);
    check_answers(count, 0, NETIF_RSP_OKAY);
}

static void try_shapes(const unsigned *lengths, unsigned count)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += lengths[i];
    try_shape(lengths, count, sum);
    try_shape(lengths, count, sum + 1);
    try_shape(lengths, count, sum - lengths[0]);
    if (sum > lengths[0])
        try_shape(lengths, count, sum - lengths[0] - 1);
    try_shape(lengths, count, sum - lengths[0] + PAGE_SIZE + 1);
    try_shape(lengths, count, 0);
}

/* Shows netif.parts, netif.send. */
static void xsa_423_every_shape_of_a_packet(void **state)
{
    static const unsigned each[] = {0, 1, 13, 14, 64, 128, 4096};

    (void)state;
    draw_seed(1);
    for (unsigned i = 0; i < 20; i++)
        draw_bytes(lender_page(LENDER_FIRST_REF + i), PAGE_SIZE);
    front_tx_start(&front, UINT32_MAX - 1000);
    for (unsigned count = 1; count <= 19; count++) {
        unsigned lengths[19] = {0};

        /* All lists of up to three; of the longer ones, the first, the last and all between of each length. */
        for (unsigned n = 0; n < 7 * 7 * 7; n++) {
            for (unsigned i = 0; i < count; i++)
                lengths[i] = i == 0 ? each[n % 7] : i + 1 == count ? each[n / 7 % 7] : each[n / 49];
            try_shapes(lengths, count);
        }
        for (unsigned n = 0; n < 300; n++) {
            for (unsigned i = 0; i < count; i++)
                lengths[i] = DRAW_OF(each);
            try_shapes(lengths, count);
        }
    }
}

/* Beyond the end of a page, in any part. */
static void test_over_the_end(void **state)
{
    (void)state;
    draw_seed(2);
    for (unsigned which = 0; which < 3; which++) {
        struct front_slot slots[3] = {{.ref = LENDER_FIRST_REF, .size = 300, .flags = NETTXF_more_data},
                                      {.ref = LENDER_FIRST_REF, .size = 100, .flags = NETTXF_more_data},
                                      {.ref = LENDER_FIRST_REF, .size = 100}};

        front_tx_start(&front, 0);
        slots[which].offset = PAGE_SIZE - 99;
        front_tx_put(&front, slots, 3);
        assert_null(take());
        check_answers(3, 0, NETIF_RSP_ERROR);
        slots[which].offset--;
        front_tx_put(&front, slots, 3);
        packet_free(take());
        check_answers(3, 0, NETIF_RSP_OKAY);
        slots[which].offset = 0xffff;
        front_tx_put(&front, slots, 3);
        assert_null(take());
        check_answers(3, 0, NETIF_RSP_ERROR);
    }
}

/* Each copy of a batch fails or not: those frames are errors, and the others are whole. */
static void xsa_361_copies_that_fail(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        bool fails[6] = {false};
        unsigned parts[6];
        struct packet *list, *next;

        draw_seed(seed);
        front_tx_start(&front, 0);
        for (unsigned i = 0; i < 6; i++) {
            grant_ref_t first = front.next_ref;

            parts[i] = 1 + draw_below(4);
            draw_bytes(bytes, 1000);
            bytes[0] = (uint8_t)i;
            front_tx_send(&front, bytes, 1000, parts[i], 0, 0, 0);
            for (unsigned part = 0; part < parts[i]; part++) {
                bool refuse = !draw_below(4);

                lender_refuse(first + part, refuse);
                fails[i] = fails[i] || refuse;
            }
        }
        for (list = take(); list; list = next) {
            next = list->next;
            assert_true(packet_read(list, 0, got, 1));
            assert_false(fails[got[0]]);
            packet_free(list);
        }
        for (unsigned i = 0; i < 6; i++) {
            int first = front_tx_answer(&front);

            assert_int_equal(first, fails[i] ? NETIF_RSP_ERROR : NETIF_RSP_OKAY);
            check_answers(parts[i] - 1, 0, first);
        }
        lender_start();
    }
}

/* A frame that comes slot by slot stays until it is there; one without an end is the end of the ring. */
static void test_incomplete(void **state)
{
    struct front_slot slot = {.ref = LENDER_FIRST_REF, .size = 400, .flags = NETTXF_more_data};
    struct packet *packet;

    (void)state;
    front_tx_start(&front, 77);
    for (unsigned i = 0; i < 3; i++) {
        front_tx_put(&front, &slot, 1);
        slot.size = 100;
        assert_null(take());
        assert_int_equal(front.page.head.rsp_prod, 77);
        assert_int_equal(front.page.head.req_event, front.produced + 1);
    }
    slot.flags = 0;
    front_tx_put(&front, &slot, 1);
    packet = take();
    assert_int_equal(packet->size, 400);
    packet_free(packet);
    check_answers(4, 0, NETIF_RSP_OKAY);

    slot.flags = NETTXF_more_data;
    for (unsigned i = 0; i < NETIF_RING_SLOTS; i++)
        front_tx_put(&front, &slot, 1);
    assert_null(take_up_to(NETTX_FRAMES, -XEN_EINVAL));
}

/* The longest chain that ends is an error and leaves the ring in order. */
static void test_too_many(void **state)
{
    struct front_slot slot = {.ref = LENDER_FIRST_REF, .size = 100, .flags = NETTXF_more_data};

    (void)state;
    front_tx_start(&front, 0);
    for (unsigned i = 0; i < NETIF_RING_SLOTS; i++) {
        slot.flags = i + 1 < NETIF_RING_SLOTS ? NETTXF_more_data : 0;
        front_tx_put(&front, &slot, 1);
    }
    assert_null(take());
    check_answers(NETIF_RING_SLOTS, 0, NETIF_RSP_ERROR);
    front_tx_put(&front, &slot, 1);
    packet_free(take());
    check_answers(1, 0, NETIF_RSP_OKAY);
}

static void test_bad_index(void **state)
{
    (void)state;
    front_tx_start(&front, 5);
    front.page.head.req_prod = 5 + NETIF_RING_SLOTS + 1;
    assert_null(take_up_to(NETTX_FRAMES, -XEN_EINVAL));
    assert_int_equal(front.page.head.rsp_prod, 5);
}

static struct packet *send_frame(unsigned flags, unsigned gso_type, unsigned gso_size)
{
    unsigned parts = 1 + (frame.size + PAGE_SIZE - 1) / PAGE_SIZE;

    front_tx_send(&front, frame.bytes, frame.size, parts, flags, gso_type, gso_size);
    return take();
}

/* What a front end says of checksums and segments is believed where the bytes say so too. */
static void test_offloads(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 200; seed++) {
        unsigned version = seed % 2 ? 4 : 6, right = version == 4 ? 1 : 2;
        struct packet *packet;

        draw_seed(seed);
        front_tx_start(&front, 0);
        frame_make(&frame, version, 6, 0, 1 + draw_below(40000));
        packet = send_frame(NETTXF_csum_blank | NETTXF_data_validated, right, 1000);
        check_bytes(packet, frame.bytes, frame.size);
        assert_int_equal(packet->gso, right);
        assert_int_equal(packet->gso_size, 1000);
        assert_true(packet->checksum_blank);
        assert_int_equal(packet->csum_start, frame.transport);
        packet_free(packet);
        packet = send_frame(NETTXF_csum_blank, 0, 0);
        assert_int_equal(packet->gso, PACKET_GSO_NONE);
        packet_free(packet);
        assert_null(send_frame(NETTXF_csum_blank, 3 - right, 1000)); /* the other version */
        assert_null(send_frame(NETTXF_csum_blank, 3, 1000));         /* none that there is */
        assert_null(send_frame(NETTXF_csum_blank, right, 0));
        assert_null(send_frame(0, right, 1000)); /* its checksum cannot be right for all segments */
        frame.bytes[frame.ip - 2] = 0x33;
        assert_null(send_frame(NETTXF_csum_blank, 0, 0)); /* not IP */
        packet_free(send_frame(0, 0, 0));
    }
}

/* A frame that adds a group or removes one. */
static int say_group(unsigned type, unsigned last)
{
    struct front_slot slots[2] = {
        {.ref = LENDER_FIRST_REF, .flags = NETTXF_extra_info},
        {.is_extra = true, .extra = {.type = (uint8_t)type, .u.mcast.addr = {1, 0, 0x5e, 0, 0, (uint8_t)last}}}};
    int status;

    front_tx_put(&front, slots, 2);
    assert_null(take());
    status = front_tx_answer(&front);
    assert_int_equal(front_tx_answer(&front), NETIF_RSP_NULL);
    return status;
}

/* As many as the list has room for; nothing is sent, and nothing copied. */
static void test_groups(void **state)
{
    static const uint8_t first[MAC_SIZE] = {1, 0, 0x5e};

    (void)state;
    front_tx_start(&front, 0);
    for (unsigned i = 0; i < GROUPS_MAX; i++)
        assert_int_equal(say_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, i), NETIF_RSP_OKAY);
    assert_true(groups_has(&groups, first));
    assert_int_equal(say_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, GROUPS_MAX), NETIF_RSP_ERROR);
    assert_int_equal(say_group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 0), NETIF_RSP_OKAY);
    assert_int_equal(say_group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 0), NETIF_RSP_OKAY);
    assert_false(groups_has(&groups, first));
    assert_int_equal(say_group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, GROUPS_MAX), NETIF_RSP_OKAY);
    assert_int_equal(groups.count, GROUPS_MAX);
}

/* Extras: each kind, twice, unknown, without end.  Shows netif.answers. */
static void test_extras(void **state)
{
    static const struct {
        uint8_t types[3];
        int status;
        bool passes;
    } cases[] = {
        {{4}, NETIF_RSP_OKAY, true},      {{2}, NETIF_RSP_OKAY, false},       {{3}, NETIF_RSP_OKAY, false},
        {{4, 4}, NETIF_RSP_OKAY, true},   {{5}, NETIF_RSP_ERROR, false},      {{0x80, 4}, NETIF_RSP_ERROR, false},
        {{1, 1}, NETIF_RSP_ERROR, false}, {{4, 2, 4}, NETIF_RSP_OKAY, false}, {{2, 3}, NETIF_RSP_ERROR, false},
        {{2, 5}, NETIF_RSP_ERROR, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct front_slot slots[5] = {
            {.ref = LENDER_FIRST_REF, .size = 200, .flags = NETTXF_extra_info | NETTXF_more_data, .id = 40}};
        unsigned count = 1, extras = 0;
        struct packet *packet;

        front_tx_start(&front, i * 100);
        for (; count <= 3 && cases[i].types[count - 1]; count++) {
            slots[count].is_extra = true;
            slots[count].extra.type = cases[i].types[count - 1];
            if (slots[count].extra.type / 2 == 1)
                slots[count].extra.u.mcast.addr[0] = 1;
            slots[count].extra.flags = count < 3 && cases[i].types[count] ? XEN_NETIF_EXTRA_FLAG_MORE : 0;
            extras |= 1u << count;
        }
        slots[count++] = (struct front_slot){.ref = LENDER_FIRST_REF, .size = 100, .id = 41};
        front_tx_put(&front, slots, count);
        packet = take();
        assert_int_equal(packet != NULL, cases[i].passes);
        packet_free_list(packet);
        check_answers(count, extras, cases[i].status);
    }
    struct front_slot endless = {.is_extra = true, .extra = {.type = 4, .flags = XEN_NETIF_EXTRA_FLAG_MORE}};
    struct front_slot first = {.ref = LENDER_FIRST_REF, .size = 200, .flags = NETTXF_extra_info};

    front_tx_start(&front, 0);
    front_tx_put(&front, &first, 1);
    for (unsigned i = 1; i < NETIF_RING_SLOTS; i++)
        front_tx_put(&front, &endless, 1);
    assert_null(take_up_to(NETTX_FRAMES, -XEN_EINVAL));
}

/* Without pages the frames are dropped, and said to be. */
static void test_no_memory(void **state)
{
    (void)state;
    front_tx_start(&front, 0);
    pool_leave(2);
    front_tx_send(&front, bytes, 3 * PAGE_SIZE, 3, 0, 0, 0);
    assert_null(take());
    check_answers(3, 0, NETIF_RSP_DROPPED);
    assert_int_equal(packet_pages_free(), 2);
    pool_leave(PACKET_PAGES);
}

/* A turn takes so much and no more, whatever waits, and says that there is more. */
static void test_share(void **state)
{
    unsigned taken = 0, turns = 0;
    bool notify, more = true;

    (void)state;
    front_tx_start(&front, 0);
    for (unsigned i = 0; i < NETIF_RING_SLOTS; i++)
        front_tx_send(&front, bytes, 60, 1, 0, 0, 0);
    for (; more; turns++) {
        struct packet *list, *next;
        unsigned now = 0;

        assert_int_equal(nettx_take(&front.ring, LENDER_DOMAIN, 5, &groups, &list, &notify, &more), 0);
        for (; list; list = next, now++) {
            next = list->next;
            packet_free(list);
        }
        assert_in_range(now, 0, 5);
        taken += now;
    }
    assert_int_equal(taken, NETIF_RING_SLOTS);
    assert_int_equal(turns, NETIF_RING_SLOTS / 5 + 1);
}

/* The guest writes everywhere while its pages are copied: what was read of the slots before is what counts. */
static void scribble(void)
{
    memset(front.page.slots, 0xff, sizeof(front.page.slots));
    front.page.head.req_prod += 0x1234567;
}

static void xsa_155_slots_to_send_are_read_once(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < 100; seed++) {
        unsigned count;
        struct packet *packet;

        draw_seed(seed);
        front_tx_start(&front, (uint32_t)draw());
        frame_make(&frame, 4, 6, 0, 5000);
        count = front_tx_send(&front, frame.bytes, frame.size, 4, NETTXF_csum_blank, 1, 1000);
        lender_meanwhile = scribble;
        packet = take();
        lender_meanwhile = NULL;
        check_bytes(packet, frame.bytes, frame.size);
        assert_int_equal(packet->gso_size, 1000);
        packet_free(packet);
        check_answers(count, 2, NETIF_RSP_OKAY);
    }
}

/* Slots of random words: no packet that contradicts itself, each slot answered, or the ring given up. */
static void test_noise(void **state)
{
    unsigned packets = 0, given_up = 0;

    (void)state;
    for (unsigned seed = 0; seed < 6000; seed++) {
        struct packet *list, *next;
        bool notify, more = true;
        unsigned count;
        int error = 0;

        draw_seed(seed);
        front_tx_start(&front, (uint32_t)draw());
        count = draw_below(NETIF_RING_SLOTS + 1);
        for (unsigned i = 0; i < count; i++) {
            struct netif_tx_request *request = &front.page.slots[netring_slot(front.produced + i)].request;

            draw_bytes(request, sizeof(*request));
            request->gref = LENDER_FIRST_REF + draw_below(LENDER_PAGES + 8);
            request->flags = (uint16_t)(draw_below(3) ? draw_below(4) : draw_below(16));
            if (draw_below(2)) {
                request->offset %= 2048;
                request->size %= 2048;
            }
        }
        front.produced += count + (draw_below(40) ? 0 : (uint32_t)draw());
        front.page.head.req_prod = front.produced;
        while (more && !error) {
            error =
                nettx_take(&front.ring, LENDER_DOMAIN, 1 + draw_below(NETTX_FRAMES), &groups, &list, &notify, &more);
            for (; list; list = next, packets++) {
                next = list->next;
                assert_in_range(list->size, 14, PACKET_SIZE_MAX);
                assert_true(!list->checksum_blank || list->csum_start + list->csum_offset + 2u <= list->size);
                packet_free(list);
            }
        }
        given_up += error != 0;
        assert_in_range(front.page.head.rsp_prod - front.consumed, 0, count);
        pool_assert_full();
    }
    assert_in_range(packets, 1000, 6000 * 256);
    assert_in_range(given_up, 50, 3000);
}

static int begin(void **state)
{
    (void)state;
    pool_start();
    lender_start();
    groups = (struct groups){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    pool_assert_full();
    assert_in_range(lender_most_copies, 0, 128);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good_frames, begin, end),
        cmocka_unit_test_setup_teardown(xsa_423_every_shape_of_a_packet, begin, end),
        cmocka_unit_test_setup_teardown(test_over_the_end, begin, end),
        cmocka_unit_test_setup_teardown(xsa_361_copies_that_fail, begin, end),
        cmocka_unit_test_setup_teardown(test_incomplete, begin, end),
        cmocka_unit_test_setup_teardown(test_too_many, begin, end),
        cmocka_unit_test_setup_teardown(test_bad_index, begin, end),
        cmocka_unit_test_setup_teardown(test_offloads, begin, end),
        cmocka_unit_test_setup_teardown(test_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_extras, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_share, begin, end),
        cmocka_unit_test_setup_teardown(xsa_155_slots_to_send_are_read_once, begin, end),
        cmocka_unit_test_setup_teardown(test_noise, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
