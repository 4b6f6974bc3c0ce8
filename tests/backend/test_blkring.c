/* SPDX-License-Identifier: MIT */
/* Slots by the bytes of both layouts, indices at every distance, events, and what a response leaves of a slot. */
/* links: backend/blkring.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/blkring.h>
#include <tests/backend/lib/draw.h>

#define PAGES 16u

/* Where the members of a slot are, in bytes, and how large it is: for a 64-bit and a 32-bit front end. */
static const struct form {
    enum blkring_layout layout;
    unsigned stride, id, sector, segments, nr_sectors, grefs, response;
} forms[] = {{BLKRING_64, 112, 8, 16, 24, 24, 28, 16}, {BLKRING_32, 108, 4, 12, 20, 20, 24, 12}};

static _Alignas(PAGE_SIZE) uint8_t pages[PAGES * PAGE_SIZE];
static struct blkring ring;

static struct sring_head *head(void)
{
    return (struct sring_head *)pages;
}

static void start(const struct form *form, unsigned nr_pages)
{
    memset(pages, 0, sizeof(pages));
    head()->req_event = head()->rsp_event = 1;
    assert_int_equal(blkring_init(&ring, pages, nr_pages, form->layout), 0);
}

static uint8_t *slot(const struct form *form, uint32_t index)
{
    return pages + 64 + (index & (ring.nr_slots - 1)) * form->stride;
}

static void put(uint8_t *at, uint64_t value, unsigned size)
{
    memcpy(at, &value, size);
}

/* Shows blkif.slots, ring.indexes. */
static void test_slots(void **state)
{
    static const unsigned sizes[][2] = {{1, 32}, {2, 64}, {4, 128}, {8, 256}, {16, 512}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
            start(&forms[i], sizes[j][0]);
            assert_int_equal(ring.nr_slots, sizes[j][1]);
        }
    }
}

/* Shows blkif.layouts. */
static void test_members(void **state)
{
    struct blkring_request request;

    (void)state;
    for (const struct form *form = forms; form < forms + 2; form++) {
        start(form, 1);
        slot(form, 0)[0] = BLKIF_OP_WRITE;
        slot(form, 0)[1] = 200;
        put(slot(form, 0) + form->id, UINT64_C(0x1122334455667788), 8);
        put(slot(form, 0) + form->sector, UINT64_C(0x99aabbccddeeff00), 8);
        put(slot(form, 0) + form->segments + 10 * 8, 0x12345678, 4);
        slot(form, 0)[form->segments + 10 * 8 + 4] = 3;
        slot(form, 0)[form->segments + 10 * 8 + 5] = 6;
        slot(form, 1)[0] = BLKIF_OP_DISCARD;
        slot(form, 1)[1] = 1;
        put(slot(form, 1) + form->nr_sectors, UINT64_C(0x123456789abcdef0), 8);
        slot(form, 2)[0] = BLKIF_OP_INDIRECT;
        slot(form, 2)[1] = BLKIF_OP_WRITE;
        put(slot(form, 2) + 2, 513, 2);
        put(slot(form, 2) + form->grefs + 7 * 4, 0x87654321, 4);
        head()->req_prod = 3;
        assert_int_equal(blkring_take(&ring, &request), 1);
        assert_true(request.operation == BLKIF_OP_WRITE && request.nr_segments == 200);
        assert_true(request.id == UINT64_C(0x1122334455667788) && request.sector == UINT64_C(0x99aabbccddeeff00));
        assert_true(request.segments[10].gref == 0x12345678 && request.segments[10].first_sect == 3);
        assert_true(request.segments[10].last_sect == 6 && request.segments[9].last_sect == 0);
        assert_int_equal(blkring_take(&ring, &request), 1);
        assert_true(request.operation == BLKIF_OP_DISCARD && request.discard_flag == 1);
        assert_true(request.nr_sectors == UINT64_C(0x123456789abcdef0) && request.nr_segments == 0);
        assert_int_equal(blkring_take(&ring, &request), 1);
        assert_true(request.operation == BLKIF_OP_INDIRECT && request.indirect_op == BLKIF_OP_WRITE);
        assert_true(request.nr_indirect == 513 && request.indirect_grefs[7] == 0x87654321);
        assert_int_equal(blkring_take(&ring, &request), 0);
    }
}

/* XSA-39: from each place, every distance near the edges. */
static void xsa_39_every_distance_of_a_block_ring(void **state)
{
    static const int32_t edges[] = {-1000000, -512, -33, -32, -2, -1, 33, 34, 512, 1000000, INT32_MAX, INT32_MIN};
    static const uint32_t places[] = {0, 1, 31, 32, UINT32_MAX - 40, UINT32_MAX - 31, UINT32_MAX - 1, UINT32_MAX};
    struct blkring_request request;

    (void)state;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (int32_t distance = 0; distance <= 32; distance++) {
            start(&forms[0], 1);
            ring.req_cons = ring.rsp_prod = ring.rsp_pushed = places[i];
            head()->req_prod = places[i] + (uint32_t)distance;
            for (int32_t taken = 0; taken < distance; taken++)
                assert_int_equal(blkring_take(&ring, &request), 1);
            assert_int_equal(blkring_take(&ring, &request), 0);
            /* All that were taken are without a response, so that there is room for the others only. */
            head()->req_prod = places[i] + 32;
            assert_int_equal(blkring_take(&ring, &request), distance < 32 ? 1 : 0);
            head()->req_prod = places[i] + 33;
            assert_int_equal(blkring_take(&ring, &request), -XEN_EINVAL);
            if (distance)
                head()->req_prod = places[i] + (uint32_t)distance - 1;
            assert_int_equal(blkring_take(&ring, &request), -XEN_EINVAL);
        }
        for (unsigned j = 0; j < sizeof(edges) / sizeof(edges[0]); j++) {
            start(&forms[0], 1);
            ring.req_cons = ring.rsp_prod = ring.rsp_pushed = places[i];
            head()->req_prod = places[i] + (uint32_t)edges[j];
            assert_int_equal(blkring_take(&ring, &request), -XEN_EINVAL);
            assert_int_equal(ring.req_cons, places[i]);
        }
    }
}

/* XSA-216: all bytes of a response are written, and none behind it.  Shows blkif.responses. */
static void xsa_216_all_bytes_of_a_response(void **state)
{
    (void)state;
    for (const struct form *form = forms; form < forms + 2; form++) {
        uint8_t expected[112];

        start(form, 1);
        ring.req_cons = ring.rsp_prod = ring.rsp_pushed = UINT32_MAX;
        memset(pages + 64, 0xa5, PAGE_SIZE - 64);
        memset(expected, 0xa5, sizeof(expected));
        memset(expected, 0, form->response);
        put(expected, UINT64_C(0x1122334455667788), 8);
        expected[8] = BLKIF_OP_WRITE;
        put(expected + 10, (uint16_t)-1, 2);
        blkring_respond(&ring, UINT64_C(0x1122334455667788), BLKIF_OP_WRITE, BLKIF_RSP_ERROR);
        assert_memory_equal(slot(form, UINT32_MAX), expected, form->stride);
        assert_int_equal(head()->rsp_prod, 0);
        (void)blkring_push(&ring);
        assert_int_equal(head()->rsp_prod, 0); /* UINT32_MAX + 1 */
        assert_int_equal(ring.rsp_pushed, 0);
    }
}

/* Shows ring.events. */
static void test_events(void **state)
{
    struct blkring_request request;

    (void)state;
    for (uint32_t place = UINT32_MAX - 6; place != 5; place++) {
        for (uint32_t count = 0; count < 5; count++) {
            for (uint32_t event = place - 2; event != place + 8; event++) {
                start(&forms[0], 1);
                ring.req_cons = place + count;
                ring.rsp_prod = ring.rsp_pushed = place;
                head()->rsp_event = event;
                for (uint32_t i = 0; i < count; i++)
                    blkring_respond(&ring, i, 0, 0);
                /* It is one of the numbers that the index has come to. */
                assert_int_equal(blkring_push(&ring), event - place >= 1 && event - place <= count);
                assert_int_equal(head()->rsp_prod, place + count);
                assert_false(blkring_push(&ring));
            }
        }
    }
    start(&forms[0], 1);
    assert_false(blkring_ask(&ring));
    assert_int_equal(head()->req_event, 1);
    head()->req_prod = 1;
    assert_true(blkring_ask(&ring));
    assert_int_equal(blkring_take(&ring, &request), 1);
    assert_false(blkring_ask(&ring));
    assert_int_equal(head()->req_event, 2);
}

static uint64_t take_id(void)
{
    struct blkring_request request;

    assert_int_equal(blkring_take(&ring, &request), 1);
    return request.id;
}

/* After the end of whoever served the ring, what it has not answered is there; what it was about to, nobody knows. */
static void test_another_life(void **state)
{
    static const uint32_t places[] = {0, 30, UINT32_MAX - 1};
    struct blkring_request request;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        const struct form *form = &forms[i % 2];
        uint32_t place = places[i / 2];

        start(form, 1);
        head()->rsp_prod = head()->req_prod = place;
        assert_int_equal(blkring_init(&ring, pages, 1, form->layout), 0);
        for (uint32_t n = 0; n < 5; n++)
            put(slot(form, place + n) + form->id, n, 8);
        head()->req_prod = place + 5;
        for (uint32_t n = 0; n < 4; n++)
            assert_int_equal(take_id(), n);
        blkring_respond(&ring, 0, 0, 0);
        blkring_respond(&ring, 1, 0, 0);
        assert_int_equal(blkring_init(&ring, pages, 1, form->layout), -XEN_EIO);
        ring.rsp_prod = place + 2;
        (void)blkring_push(&ring);
        assert_int_equal(blkring_init(&ring, pages, 1, form->layout), 0);
        for (uint32_t n = 2; n < 5; n++)
            assert_int_equal(take_id(), n);
        assert_int_equal(blkring_take(&ring, &request), 0);
        blkring_respond(&ring, 2, 0, 0);
        (void)blkring_push(&ring);
        assert_int_equal(head()->rsp_prod, place + 3);
    }
}

/* What a front end has put into the back end's part of a fresh ring means nothing. */
static void test_fresh_and_scribbled(void **state)
{
    (void)state;
    start(&forms[0], 1);
    memset(head()->_gap0, 0x5a, sizeof(head()->_gap0));
    assert_int_equal(blkring_init(&ring, pages, 1, BLKRING_64), 0);
}

/* XSA-155: what the front end writes after a request was taken is not in it. */
static void xsa_155_a_slot_is_copied_once(void **state)
{
    struct blkring_request request, kept;

    (void)state;
    draw_seed(1);
    for (unsigned round = 0; round < 10000; round++) {
        const struct form *form = &forms[round % 2];

        start(form, 1);
        draw_bytes(pages + 64, PAGE_SIZE - 64);
        head()->req_prod = 1;
        assert_int_equal(blkring_take(&ring, &request), 1);
        assert_int_equal(request.operation, slot(form, 0)[0]);
        kept = request;
        draw_bytes(pages, sizeof(pages));
        assert_memory_equal(&request, &kept, sizeof(kept));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_members),
        cmocka_unit_test(xsa_155_a_slot_is_copied_once),
        cmocka_unit_test(xsa_39_every_distance_of_a_block_ring),
        cmocka_unit_test(test_events),
        cmocka_unit_test(xsa_216_all_bytes_of_a_response),
        cmocka_unit_test(test_another_life),
        cmocka_unit_test(test_fresh_and_scribbled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
