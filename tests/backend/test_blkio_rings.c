/* SPDX-License-Identifier: MIT */
/*
 * Several rings of one front end, by seed: each request has one response, in its own ring and in that ring's order;
 * nobody waits for ever for a ring that is always full; a ring that cannot be leaves the others their answers.
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

static _Alignas(PAGE_SIZE) uint8_t pages[BLKIO_RINGS][PAGE_SIZE];

static struct front {
    struct sring_head *head;
    struct blkif_request *slots;
    uint32_t producer, consumer;
} fronts[BLKIO_RINGS];

static struct blkio io;
static bool again;

void work_again(void)
{
    again = true;
}

void print(const char *format, ...)
{
    fail_msg("%s", format);
}

static void start(unsigned nr_rings, unsigned room)
{
    memset(pages, 0, sizeof(pages));
    lent_start(0);
    fake_disk_start(room, 0);
    blkio_init(&io, &fake_disk, 7, nr_rings, false, true);
    for (unsigned i = 0; i < nr_rings; i++) {
        struct sring_head *head = (struct sring_head *)pages[i];

        fronts[i] = (struct front){.head = head, .slots = (struct blkif_request *)(pages[i] + sizeof(*head))};
        head->rsp_event = 1;
        assert_int_equal(blkring_init(&io.rings[i].ring, pages[i], 1, BLKRING_64), 0);
    }
}

/* The identifier says which ring it is from. */
static void put(unsigned which, uint8_t operation, unsigned nr_segments)
{
    struct front *front = &fronts[which];
    struct blkif_request *request = &front->slots[front->producer % SLOTS];

    memset(request, 0, sizeof(*request));
    request->operation = operation;
    request->nr_segments = (uint8_t)nr_segments;
    request->sector_number = draw_below(FAKE_SECTORS - 512);
    request->id = (uint64_t)which << 32 | front->producer++;
    for (unsigned i = 0; i < nr_segments; i++)
        request->seg[i] = (struct blkif_request_segment){.gref = i, .last_sect = 7};
}

static void fill(unsigned which)
{
    while (fronts[which].producer - fronts[which].consumer < SLOTS)
        put(which, (uint8_t)draw_below(2), 1 + draw_below(11));
}

static void show(unsigned nr_rings)
{
    for (unsigned i = 0; i < nr_rings; i++)
        fronts[i].head->req_prod = fronts[i].producer;
}

/* All that there are; each is the next of its ring. */
static unsigned take_responses(unsigned which)
{
    struct front *front = &fronts[which];
    unsigned count = 0;

    for (; front->consumer != front->head->rsp_prod; front->consumer++, count++) {
        const struct blkif_response *response = (const struct blkif_response *)&front->slots[front->consumer % SLOTS];

        assert_int_equal(response->id, (uint64_t)which << 32 | front->consumer);
        assert_int_equal(response->status, BLKIF_RSP_OKAY);
    }
    front->head->rsp_event = front->consumer + 1;
    return count;
}

static unsigned turn(void)
{
    unsigned notify;

    assert_int_equal(blkio_turn(&io, &notify), 0);
    return notify;
}

static bool is_settled(unsigned nr_rings)
{
    for (unsigned i = 0; i < nr_rings; i++) {
        if (fronts[i].consumer != fronts[i].producer)
            return false;
    }
    return io.nr_under_way == 0;
}

/* Who is told has answers, and who has answers is told. */
static void take_told(unsigned nr_rings, unsigned notify)
{
    for (unsigned i = 0; i < nr_rings; i++)
        assert_int_equal(take_responses(i) != 0, notify >> i & 1);
    assert_int_equal(notify >> nr_rings, 0);
}

static void run(uint64_t seed)
{
    unsigned nr_rings, turns = 0;

    draw_seed(seed);
    nr_rings = 1 + draw_below(BLKIO_RINGS);
    start(nr_rings, 1 + draw_below(20));
    for (unsigned step = 0; step < STEPS; step++) {
        for (unsigned i = 0; i < nr_rings; i++) {
            if (draw_below(3) == 0)
                fill(i);
        }
        show(nr_rings);
        again = false;
        take_told(nr_rings, turn());
        for (unsigned i = 0; i < nr_rings && !again; i++)
            assert_true(io.rings[i].ring.req_cons == fronts[i].producer || fake_disk_has());
        fake_disk_finish(draw_below(6));
    }
    for (; !is_settled(nr_rings); turns++) {
        assert_in_range(turns, 0, 1000);
        take_told(nr_rings, turn());
        fake_disk_finish(3);
    }
    assert_int_equal(lent_mapped(), 0);
}

static void test_rings(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++)
        run(seed);
}

/* Whatever the others ask for at once and always, each ring has its turn. */
static void test_none_starves(void **state)
{
    unsigned answered[BLKIO_RINGS] = {0}, all = 0;

    (void)state;
    draw_seed(1);
    start(BLKIO_RINGS, 4);
    for (unsigned step = 0; step < 4000; step++) {
        for (unsigned i = 0; i < BLKIO_RINGS; i++)
            fill(i);
        show(BLKIO_RINGS);
        (void)turn();
        for (unsigned i = 0; i < BLKIO_RINGS; i++)
            answered[i] += take_responses(i);
        fake_disk_finish(1 + step % 2);
    }
    for (unsigned i = 0; i < BLKIO_RINGS; i++)
        all += answered[i];
    for (unsigned i = 0; i < BLKIO_RINGS; i++)
        assert_in_range(answered[i], all / (2 * BLKIO_RINGS), 2 * all / BLKIO_RINGS);
}

/* XSA-526's like: what one ring has wrong is said once, and the end of all answers what the others have asked. */
static void test_one_broken_ring(void **state)
{
    unsigned notify;

    (void)state;
    draw_seed(2);
    start(3, 8);
    for (unsigned i = 0; i < 3; i++)
        put(i, BLKIF_OP_READ, 1);
    show(3);
    fronts[1].head->req_prod += SLOTS;
    assert_int_equal(blkio_turn(&io, &notify), -XEN_EINVAL);
    fake_disk_finish(8);
    assert_true(blkio_stop(&io, &notify));
    assert_true(notify & 1 && notify & 4);
    assert_int_equal(take_responses(0), 1);
    assert_int_equal(take_responses(2), 1);
    assert_int_equal(lent_mapped(), 0);
}

/* All rings have the pages of one front end in common. */
static void xsa_300_rings_share_pages(void **state)
{
    unsigned most = 0, turns = 0;

    (void)state;
    draw_seed(3);
    start(BLKIO_RINGS, BLKIO_JOBS);
    for (unsigned i = 0; i < BLKIO_RINGS; i++) {
        while (fronts[i].producer < SLOTS)
            put(i, BLKIF_OP_READ, 11);
    }
    show(BLKIO_RINGS);
    for (; !is_settled(BLKIO_RINGS); turns++) {
        assert_in_range(turns, 0, 1000);
        (void)turn();
        if (lent_mapped() > most)
            most = lent_mapped();
        for (unsigned i = 0; i < BLKIO_RINGS; i++)
            (void)take_responses(i);
        fake_disk_finish(3);
    }
    assert_in_range(most, BLKIO_PAGES - BLKPLAN_SEGMENTS - 11, BLKIO_PAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rings),
        cmocka_unit_test(test_none_starves),
        cmocka_unit_test(test_one_broken_ring),
        cmocka_unit_test(xsa_300_rings_share_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
