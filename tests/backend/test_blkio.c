/* SPDX-License-Identifier: MIT */
/*
 * A front end of a block ring by seed, good or hostile, over lent pages and a disk that answer as they like: each
 * request has one response, each page that was mapped is given back before that, and data arrive.
 */
/* links: backend/blkio.c backend/blkplan.c backend/blkring.c tests/backend/lib/draw.c tests/backend/lib/lent.c */
/* links: tests/backend/lib/fake_disk.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/blkio.h>
#include <backend/work.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/fake_disk.h>
#include <tests/backend/lib/lent.h>

#define SLOTS 32u
#define STEPS 300u

static _Alignas(PAGE_SIZE) uint8_t page[PAGE_SIZE];
static struct sring_head *const head = (struct sring_head *)page;
static struct blkif_request *const slots = (struct blkif_request *)(page + sizeof(struct sring_head));
static struct blkio io;
static uint32_t producer, consumer;
static bool again;

void work_again(void)
{
    again = true;
}

void print(const char *format, ...)
{
    fail_msg("%s", format);
}

static void start(bool read_only, unsigned room, unsigned failing)
{
    memset(page, 0, sizeof(page));
    producer = consumer = 0;
    head->rsp_event = 1;
    lent_start(failing);
    fake_disk_start(room, failing);
    blkio_init(&io, &fake_disk, 7, 1, read_only, true);
    assert_int_equal(blkring_init(&io.rings[0].ring, page, 1, BLKRING_64), 0);
}

static struct blkif_request *put(uint8_t operation, uint64_t sector, unsigned nr_segments)
{
    struct blkif_request *request = &slots[producer % SLOTS];

    memset(request, 0, sizeof(*request));
    request->operation = operation;
    request->nr_segments = (uint8_t)nr_segments;
    request->sector_number = sector;
    request->id = producer++;
    for (unsigned i = 0; i < nr_segments; i++)
        request->seg[i] = (struct blkif_request_segment){.gref = i, .last_sect = 7};
    return request;
}

static const struct blkif_response *take(void)
{
    if (consumer == head->rsp_prod)
        return NULL;
    return (const struct blkif_response *)&slots[consumer++ % SLOTS];
}

static int turn(void)
{
    unsigned notify;

    head->req_prod = producer;
    return blkio_turn(&io, &notify);
}

/* Until everything is answered, with the disk going on in between. */
static void settle(void)
{
    for (unsigned i = 0; i < 1000 && (io.nr_under_way || io.rings[0].ring.req_cons != producer); i++) {
        assert_int_equal(turn(), 0);
        fake_disk_finish(3);
    }
    assert_int_equal(io.nr_under_way, 0);
    assert_int_equal(lent_mapped(), 0);
}

static uint8_t answered_operation;

static int16_t status_of_one(void)
{
    const struct blkif_response *response;

    settle();
    response = take();
    assert_non_null(response);
    assert_null(take());
    answered_operation = response->operation;
    return response->status;
}

static void test_data(void **state)
{
    (void)state;
    start(false, 8, 0);
    for (unsigned i = 0; i < 3; i++)
        memset(lent_pages[i], (int)i + 1, PAGE_SIZE);
    put(BLKIF_OP_WRITE, 10, 3)->seg[1].first_sect = 5;
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_int_equal(fake_sectors[17][0], 1);
    assert_int_equal(fake_sectors[18][0], 2);
    assert_int_equal(fake_sectors[20][511], 2);
    assert_int_equal(fake_sectors[21][0], 3);
    memset(lent_pages, 0, sizeof(lent_pages));
    put(BLKIF_OP_READ, 18, 1)->seg[0].first_sect = 7;
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_true(lent_pages[0][7 * 512 - 1] == 0 && lent_pages[0][7 * 512] == 2);
}

static void test_flush(void **state)
{
    (void)state;
    start(false, 8, 0);
    put(BLKIF_OP_FLUSH_DISKCACHE, UINT64_MAX, 0); /* as Linux does: without data the sector means nothing */
    assert_int_equal(turn(), 0);
    assert_null(take()); /* not before the device's */
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_int_equal(fake_flushes, 1);
    put(BLKIF_OP_FLUSH_DISKCACHE, 5, 1);
    assert_int_equal(turn(), 0);
    assert_int_equal(lent_mapped(), 1);
    fake_disk_finish(1);
    assert_int_equal(lent_mapped(), 0); /* however long the disk is at what is left */
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_int_equal(fake_flushes, 2);
    assert_int_equal(fake_given, 3);
}

static void test_discard(void **state)
{
    struct blkif_request_discard *discard;

    (void)state;
    start(false, 1, 0);
    memset(fake_sectors, 0xff, sizeof(fake_sectors));
    discard = (struct blkif_request_discard *)put(BLKIF_OP_DISCARD, 3, 0);
    discard->nr_sectors = 250;
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_int_equal(fake_given, 3); /* of 100 sectors at most */
    assert_true(fake_sectors[2][511] == 0xff && fake_sectors[3][0] == 0);
    assert_true(fake_sectors[252][511] == 0 && fake_sectors[253][0] == 0xff);
}

static struct blkif_request_segment *put_indirect(uint8_t operation, uint64_t sector, unsigned count)
{
    struct blkif_request_indirect *indirect = (struct blkif_request_indirect *)put(BLKIF_OP_INDIRECT, sector, 0);
    struct blkif_request_segment *segments = (struct blkif_request_segment *)lent_pages[LENT_PAGES - 1];

    indirect->indirect_op = operation;
    indirect->nr_segments = (uint16_t)count;
    indirect->indirect_grefs[0] = LENT_PAGES - 1;
    for (unsigned i = 0; i < count; i++)
        segments[i] = (struct blkif_request_segment){.gref = i % (LENT_PAGES - 1), .last_sect = 7};
    return segments;
}

/* Shows blkif.indirect. */
static void test_indirect(void **state)
{
    (void)state;
    start(false, 8, 0);
    for (unsigned i = 0; i < LENT_PAGES - 1; i++)
        memset(lent_pages[i], (int)i, PAGE_SIZE);
    (void)put_indirect(BLKIF_OP_WRITE, 0, 31);
    assert_int_equal(status_of_one(), BLKIF_RSP_OKAY);
    assert_int_equal(answered_operation, BLKIF_OP_WRITE); /* Linux takes nothing else */
    for (unsigned i = 0; i < 31; i++)
        assert_int_equal(fake_sectors[8 * i + 3][0], i);
    put_indirect(BLKIF_OP_WRITE, 0, 31)[30].last_sect = 8;
    assert_int_equal(status_of_one(), BLKIF_RSP_ERROR);
    (void)put_indirect(BLKIF_OP_READ, FAKE_SECTORS - 8 * 31 + 1, 31);
    assert_int_equal(status_of_one(), BLKIF_RSP_ERROR);
    assert_int_equal(fake_given, 1);
}

static void scramble(void)
{
    draw_bytes(lent_pages[LENT_PAGES - 1], PAGE_SIZE);
    draw_bytes(slots, SLOTS * sizeof(*slots));
}

/*
 * XSA-155: a front end that writes before and after each copy gets what the copy says, or a refusal: fake_disk.c looks.
 */
static void xsa_155_segments_are_copied_once(void **state)
{
    (void)state;
    draw_seed(2);
    for (unsigned round = 0; round < 1000; round++) {
        start(false, 8, 0);
        (void)put_indirect(BLKIF_OP_WRITE, 0, 31);
        lent_between = scramble;
        (void)turn();
        lent_between = NULL;
        settle();
    }
}

/* XSA-361 and its like: each element of four may fail by itself. */
static void xsa_361_every_pattern_of_map_errors(void **state)
{
    (void)state;
    for (unsigned pattern = 0; pattern < 16; pattern++) {
        start(false, 8, 0);
        struct blkif_request *request = put(BLKIF_OP_READ, 0, 4);

        for (unsigned i = 0; i < 4; i++) {
            lent_readonly[i] = i % 2;
            if (pattern >> i & 1)
                request->seg[i].gref = i % 2 ? i : LENT_PAGES + i; /* read-only, or none */
            else
                request->seg[i].gref = 8 + i;
        }
        (void)put(BLKIF_OP_WRITE, 0, 4); /* behind it, and nothing wrong with it */
        settle();
        assert_int_equal(fake_given, pattern ? 1 : 2);
        for (const struct blkif_response *response; (response = take());)
            assert_int_equal(response->status, response->id == 0 && pattern ? BLKIF_RSP_ERROR : BLKIF_RSP_OKAY);
    }
}

static void put_at_random(bool hostile)
{
    static const uint8_t operations[] = {BLKIF_OP_READ, BLKIF_OP_WRITE, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_DISCARD};
    uint64_t id = producer;

    if (hostile && draw_below(2)) {
        (void)put(0, 0, 0);
        draw_bytes(&slots[id % SLOTS], sizeof(slots[0]));
        slots[id % SLOTS].operation = (uint8_t)draw_below(8);
        slots[id % SLOTS].id = id;
    } else if (draw_below(4) == 0) {
        (void)put_indirect((uint8_t)draw_below(2), draw_below(FAKE_SECTORS - 512), 1 + draw_below(64));
    } else {
        uint8_t operation = DRAW_OF(operations);
        unsigned nr_segments = operation == BLKIF_OP_DISCARD ? 0 : 1 + draw_below(11);
        struct blkif_request *request = put(operation, draw_below(FAKE_SECTORS - 512), nr_segments);

        if (operation == BLKIF_OP_DISCARD)
            ((struct blkif_request_discard *)request)->nr_sectors = 1 + draw_below(512);
    }
}

/* Whatever comes, each id is answered once, and in the order in which they came. */
static void take_responses(uint8_t *asked)
{
    for (const struct blkif_response *response; (response = take());) {
        assert_true(response->id < producer && asked[response->id]);
        assert_int_equal(response->id, consumer - 1);
        asked[response->id] = 0;
        assert_in_range(response->status + 2, 0, 2);
    }
}

static void run(uint64_t seed, bool hostile)
{
    uint8_t asked[STEPS * 12] = {0};
    unsigned has;

    draw_seed(seed);
    start(hostile && draw_below(2), 1 + draw_below(20), draw_below(3) * 10);
    fake_disk.read_only = io.rights.read_only;
    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned count = draw_below(12); count && producer - consumer < SLOTS; count--) {
            asked[producer] = 1;
            put_at_random(hostile);
        }
        again = false;
        assert_int_equal(turn(), 0);
        take_responses(asked);
        /* Nobody would wake it: then there is nothing to be done, or the disk has something. */
        if (!again)
            assert_true(io.rings[0].ring.req_cons == producer || fake_disk_has());
        assert_int_equal(io.due, again); /* and whoever makes the turn knows for whom */
        again = false;
        has = fake_disk_has();
        fake_disk_finish(draw_below(6));
        assert_true(io.due || fake_disk_has() == has);
    }
    settle();
    take_responses(asked);
    for (unsigned i = 0; i < producer; i++)
        assert_int_equal(asked[i], 0);
}

static void test_good(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 40; seed++)
        run(seed, false);
}

static void xsa_71_nothing_stays_mapped(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 80; seed++)
        run(seed, true);
}

/* The end comes with requests everywhere: in the ring, waiting, with the disk, ready. */
static void test_stopped_in_flight(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        uint8_t asked[SLOTS];
        unsigned turns = 0;
        unsigned notify;

        draw_seed(seed);
        start(false, 1 + draw_below(8), draw_below(3) * 10);
        memset(asked, 1, sizeof(asked));
        for (unsigned i = 0; i < SLOTS; i++)
            put_at_random(false);
        head->req_prod = producer;
        for (unsigned i = draw_below(4); i; i--) {
            assert_int_equal(turn(), 0);
            fake_disk_finish(draw_below(3));
        }
        while (!blkio_stop(&io, &notify)) {
            take_responses(asked);
            assert_true(fake_disk_has());
            fake_disk_finish(1 + draw_below(2));
            assert_true(turns++ < 100);
        }
        take_responses(asked);
        for (unsigned i = 0; i < producer; i++)
            assert_int_equal(asked[i], 0);
        assert_int_equal(lent_mapped(), 0);
        assert_int_equal(fake_disk_has(), 0);
    }
}

/* A front end that goes on asking is answered, with errors; the disk has no more of it. */
static void test_refused(void **state)
{
    unsigned notify;

    (void)state;
    start(false, 8, 0);
    for (unsigned round = 0; round < 3; round++) {
        (void)put(BLKIF_OP_WRITE, 0, 1);
        (void)put_indirect(BLKIF_OP_READ, 0, 9);
        head->req_prod = producer;
        head->rsp_event = consumer + 1;
        assert_true(blkio_stop(&io, &notify));
        assert_true(notify);
        assert_int_equal(take()->status, BLKIF_RSP_ERROR);
        assert_int_equal(take()->operation, BLKIF_OP_READ);
        assert_int_equal(head->req_event, producer + 1);
    }
    assert_int_equal(fake_given, 0);
    again = false;
    head->req_prod = producer + SLOTS + 1;
    assert_true(blkio_stop(&io, &notify));
    assert_false(again || notify); /* nobody spins for that */
}

/* The end of whoever served it, anywhere in between: the next one answers what is left, each request once. */
static void test_another_life(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint8_t asked[STEPS * 12] = {0};

        draw_seed(seed);
        start(false, 1 + draw_below(20), 0);
        for (unsigned life = 0; life < 5; life++) {
            while (producer - consumer < SLOTS) {
                asked[producer] = 1;
                put_at_random(false);
            }
            for (unsigned i = draw_below(3); i; i--) {
                assert_int_equal(turn(), 0);
                fake_disk_finish(draw_below(20));
            }
            lent_start(0);
            fake_disk_start(1 + draw_below(20), 0);
            blkio_init(&io, &fake_disk, 7, 1, false, true);
            assert_int_equal(blkring_init(&io.rings[0].ring, page, 1, BLKRING_64), 0);
            take_responses(asked);
        }
        settle();
        take_responses(asked);
        for (unsigned i = 0; i < producer; i++)
            assert_int_equal(asked[i], 0);
    }
}

static void test_broken_ring(void **state)
{
    unsigned notify;

    (void)state;
    start(false, 8, 0);
    (void)put(BLKIF_OP_READ, 0, 1);
    assert_int_equal(turn(), 0);
    head->req_prod = producer + SLOTS;
    assert_int_equal(blkio_turn(&io, &notify), -XEN_EINVAL);
    fake_disk_finish(1);
    assert_true(blkio_stop(&io, &notify));
    assert_int_equal(lent_mapped(), 0);
}

/* Refused requests cost no job for long: only the share of a turn keeps a front end from being served for ever. */
static void test_share_of_a_turn(void **state)
{
    static _Alignas(PAGE_SIZE) uint8_t large[4 * PAGE_SIZE];
    struct sring_head *shared = (struct sring_head *)large;
    unsigned notify;

    (void)state;
    start(false, 8, 0);
    memset(large, 0xff, sizeof(large));
    memset(large, 0, sizeof(*shared));
    assert_int_equal(blkring_init(&io.rings[0].ring, large, 4, BLKRING_64), 0);
    shared->rsp_event = 1;
    shared->req_prod = 100;
    again = false;
    assert_int_equal(blkio_turn(&io, &notify), 0);
    assert_true(notify && again);
    assert_int_equal(io.rings[0].ring.req_cons, BLKIO_JOBS);
    again = false;
    assert_int_equal(blkio_turn(&io, &notify), 0);
    assert_false(notify || again);
    assert_int_equal(shared->rsp_prod, 100);
    assert_int_equal(shared->req_event, 101);
}

/* However large the requests are, a front end has no more pages mapped than its share, and all are answered. */
static void xsa_300_a_front_end_has_its_share_of_pages(void **state)
{
    static _Alignas(PAGE_SIZE) uint8_t large[8 * PAGE_SIZE];
    struct sring_head *shared = (struct sring_head *)large;
    struct blkif_request_segment *segments = (struct blkif_request_segment *)lent_pages[0];
    unsigned most = 0;
    unsigned notify;

    (void)state;
    start(false, BLKIO_JOBS, 0);
    memset(large, 0, sizeof(large));
    assert_int_equal(blkring_init(&io.rings[0].ring, large, 8, BLKRING_64), 0);
    for (unsigned i = 0; i < BLKPLAN_SEGMENTS; i++)
        segments[i] = (struct blkif_request_segment){.gref = 1 + i % (LENT_PAGES - 1)};
    for (unsigned i = 0; i < 2 * BLKIO_JOBS; i++) {
        struct blkif_request_indirect request = {.operation = BLKIF_OP_INDIRECT,
                                                 .indirect_op = i % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE,
                                                 .nr_segments = BLKPLAN_SEGMENTS};

        memcpy(large + sizeof(*shared) + i * sizeof(struct blkif_request), &request, sizeof(request));
    }
    shared->req_prod = 2 * BLKIO_JOBS;
    for (; io.due || fake_disk_has(); fake_disk_finish(1)) {
        assert_int_equal(blkio_turn(&io, &notify), 0);
        most = lent_mapped() > most ? lent_mapped() : most;
    }
    assert_in_range(most, BLKPLAN_SEGMENTS, BLKIO_PAGES);
    assert_int_equal(shared->rsp_prod, 2 * BLKIO_JOBS);
    assert_int_equal(io.nr_pages, 0);
    assert_int_equal(lent_mapped(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_discard),
        cmocka_unit_test(test_indirect),
        cmocka_unit_test(xsa_155_segments_are_copied_once),
        cmocka_unit_test(xsa_361_every_pattern_of_map_errors),
        cmocka_unit_test(test_good),
        cmocka_unit_test(xsa_71_nothing_stays_mapped),
        cmocka_unit_test(test_stopped_in_flight),
        cmocka_unit_test(test_broken_ring),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_another_life),
        cmocka_unit_test(test_share_of_a_turn),
        cmocka_unit_test(xsa_300_a_front_end_has_its_share_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
