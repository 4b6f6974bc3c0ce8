/* SPDX-License-Identifier: MIT */
/*
 * Two streams of bytes: messages of every size over every border, and front ends that write what cannot be, at once or
 * in the middle, by seed.
 */
/* links: backend/ninepring.c backend/ninep.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/ninepring.h>
#include <tests/backend/lib/draw.h>

#define ORDER 1u
#define SIZE  4096u /* of each stream, for that order */
#define MOST  3000u /* of a message */

/* The front end's, at the end of their allocations, so that the sanitizers see what is touched behind. */
static struct xen_9pfs_data_intf *shared;
static uint8_t *data;
static struct ninepring ring;
static uint8_t message[SIZE], got[SIZE];

static int set_up(void **state)
{
    (void)state;
    shared = calloc(1, sizeof(*shared));
    data = calloc(2, SIZE);
    assert_true(shared && data);
    ninepring_init(&ring, shared, data, ORDER);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(shared);
    free(data);
    return 0;
}

/* A stream that begins at @index, as if so many bytes had gone through. */
static void begin_at(uint32_t index)
{
    shared->out_prod = shared->out_cons = ring.out_cons = ring.taken = index;
    shared->in_prod = shared->in_cons = ring.in_prod = index;
}

static void put_bytes(const uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        data[SIZE + shared->out_prod++ % SIZE] = bytes[i];
}

static void get_bytes(uint8_t *bytes, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = data[shared->in_cons++ % SIZE];
}

/* Taken, and answered at once. */
static int take(uint8_t *to, uint32_t most, uint32_t *size)
{
    uint32_t entry;
    int taken = ninepring_take(&ring, to, most, size, &entry);

    if (taken == 1)
        ninepring_retire(&ring, entry);
    return taken;
}

static void make(uint32_t size, uint32_t claimed)
{
    draw_bytes(message, size);
    memcpy(message, &claimed, sizeof(claimed));
}

/* Shows 9pfs.layout. */
static void test_layout(void **state)
{
    (void)state;
    for (unsigned order = 1; order <= 9; order++) {
        ninepring_init(&ring, shared, data, order);
        assert_int_equal(ring.size, 2048u << order);
        assert_ptr_equal(ring.in, data);
        assert_ptr_equal(ring.out, data + ring.size);
    }
}

/* Over each border, that of the stream and that of the index.  Shows 9pfs.messages, 9pfs.layout. */
static void test_messages(void **state)
{
    static const uint32_t starts[] = {0, 1, SIZE - 3, SIZE - 7, UINT32_MAX - 2, UINT32_MAX - SIZE};
    uint32_t size;

    (void)state;
    draw_seed(1);
    for (unsigned i = 0; i < ARRAY_SIZE(starts); i++) {
        begin_at(starts[i]);
        for (uint32_t length = NINEP_HEADER; length <= MOST; length += length < 20 ? 1 : 331) {
            make(length, length);
            put_bytes(message, length);
            memset(got, 0, sizeof(got));
            assert_int_equal(take(got, MOST, &size), 1);
            assert_int_equal(size, length);
            assert_memory_equal(got, message, length);
            assert_int_equal(got[length], 0);
            assert_int_equal(shared->out_cons, shared->out_prod);
            assert_int_equal(ninepring_put(&ring, message, length), 1);
            assert_int_equal(shared->in_prod - shared->in_cons, length);
            get_bytes(got, length);
            assert_memory_equal(got, message, length);
        }
    }
}

/* Until its last byte is there a message is not, and none of it has gone.  Shows 9pfs.partial. */
static void test_partial(void **state)
{
    uint32_t size;

    (void)state;
    draw_seed(2);
    begin_at(SIZE - 5);
    make(100, 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(take(got, MOST, &size), 0);
        assert_int_equal(shared->out_cons, SIZE - 5);
        put_bytes(message + i, 1);
    }
    put_bytes(message, 3);
    assert_int_equal(take(got, MOST, &size), 1);
    assert_int_equal(size, 100);
    assert_memory_equal(got, message, 100);
    assert_int_equal(take(got, MOST, &size), 0);
}

/* CVE-2026-99764's family: what a message says of its size. */
static void test_sizes(void **state)
{
    static const struct {
        uint32_t claimed;
        int taken;
    } rows[] = {{0, -XEN_EINVAL},
                {6, -XEN_EINVAL},
                {7, 1},
                {MOST, 0},
                {MOST + 1, -XEN_EINVAL},
                {SIZE, -XEN_EINVAL},
                {SIZE + 1, -XEN_EINVAL},
                {0x7fffffff, -XEN_EINVAL},
                {0x80000000, -XEN_EINVAL},
                {UINT32_MAX, -XEN_EINVAL},
                {1u << 16, -XEN_EINVAL}};
    uint32_t size;

    (void)state;
    draw_seed(3);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        begin_at(0);
        make(50, rows[i].claimed);
        put_bytes(message, 50);
        assert_int_equal(take(got, MOST, &size), rows[i].taken);
    }
    /* However much may be taken, more than the ring holds never comes. */
    begin_at(0);
    make(50, SIZE + 1);
    put_bytes(message, 50);
    assert_int_equal(take(got, UINT32_MAX, &size), -XEN_EINVAL);
}

static void test_indexes(void **state)
{
    static const uint32_t starts[] = {0, 77, UINT32_MAX - 10};
    static const uint32_t jumps[] = {SIZE + 1, SIZE + 7, 0x7fffffff, 0x80000000, UINT32_MAX - 1, UINT32_MAX};
    uint32_t size;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(starts); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(jumps); j++) {
            begin_at(starts[i]);
            make(30, 30); /* which is not taken, though it is there */
            put_bytes(message, 30);
            shared->out_prod = starts[i] + jumps[j];
            assert_int_equal(take(got, MOST, &size), -XEN_EINVAL);
            shared->in_cons -= jumps[j];
            assert_int_equal(ninepring_put(&ring, message, 20), -XEN_EINVAL);
        }
    }
}

/* What the front end writes to the indexes of this side changes nothing.  Shows 9pfs.writers. */
static void test_own_indexes(void **state)
{
    uint32_t size;

    (void)state;
    draw_seed(4);
    make(30, 30);
    for (unsigned i = 0; i < 1000; i++) {
        put_bytes(message, 30);
        shared->out_cons = (uint32_t)draw();
        shared->in_prod = (uint32_t)draw();
        assert_int_equal(take(got, MOST, &size), 1);
        assert_memory_equal(got, message, 30);
        assert_int_equal(ninepring_put(&ring, message, 30), 1);
        assert_int_equal(shared->in_prod, (i + 1) * 30);
        assert_int_equal(shared->out_cons, (i + 1) * 30);
        get_bytes(got, 30);
    }
}

/* A request keeps its place until those before it have been answered, too; there the next life begins. */
static void test_places(void **state)
{
    (void)state;
    draw_seed(6);
    for (unsigned pattern = 0; pattern < 1u << NINEPRING_ENTRIES; pattern++) {
        uint32_t entries[NINEPRING_ENTRIES], size, answered = 0;

        ninepring_init(&ring, shared, data, ORDER);
        begin_at(SIZE - 50);
        for (unsigned i = 0; i < NINEPRING_ENTRIES; i++) {
            make(20 + i, 20 + i);
            put_bytes(message, 20 + i);
            assert_int_equal(ninepring_take(&ring, got, MOST, &size, &entries[i]), 1);
        }
        assert_int_equal(shared->out_cons, SIZE - 50);
        for (unsigned i = NINEPRING_ENTRIES; i--;) {
            if (pattern >> i & 1)
                ninepring_retire(&ring, entries[i]);
        }
        while (answered < NINEPRING_ENTRIES && pattern >> answered & 1)
            answered++;
        ninepring_init(&ring, shared, data, ORDER);
        for (unsigned i = answered; i < NINEPRING_ENTRIES; i++) {
            assert_int_equal(take(got, MOST, &size), 1);
            assert_int_equal(size, 20 + i);
        }
        assert_int_equal(take(got, MOST, &size), 0);
        assert_int_equal(shared->out_cons, shared->out_prod);
    }
}

static void test_room(void **state)
{
    (void)state;
    draw_seed(5);
    begin_at(SIZE - 100);
    make(MOST, MOST);
    assert_int_equal(ninepring_put(&ring, message, MOST), 1);
    assert_int_equal(ninepring_put(&ring, message, SIZE - MOST + 1), 0);
    assert_int_equal(shared->in_prod, SIZE - 100 + MOST);
    assert_int_equal(ninepring_put(&ring, message, SIZE - MOST), 1);
    assert_int_equal(ninepring_put(&ring, message, 7), 0);
    get_bytes(got, 7);
    assert_int_equal(ninepring_put(&ring, message, 7), 1);
    assert_int_equal(ninepring_put(&ring, message, SIZE + 1), -XEN_EINVAL);
}

/* A front end that writes at random, into indexes and data, never gets a byte copied from or to elsewhere. */
static void hostile(uint64_t seed)
{
    draw_seed(seed);
    begin_at((uint32_t)draw());
    for (unsigned step = 0; step < 200; step++) {
        uint32_t size = 0, most = NINEP_HEADER + draw_below(SIZE - NINEP_HEADER);
        uint8_t *copy = malloc(most);
        int taken;

        assert_non_null(copy);
        switch (draw_below(6)) {
        case 0:
            shared->out_prod = (uint32_t)draw();
            break;
        case 1:
            shared->in_cons = (uint32_t)draw();
            break;
        case 2:
            draw_bytes(data, 2 * SIZE);
            break;
        case 3:
            shared->in_cons = ring.in_prod - draw_below(SIZE + 2);
            break;
        default:
            make(40, draw_below(64));
            shared->out_prod = ring.out_cons;
            put_bytes(message, 40);
        }
        taken = take(copy, most, &size);
        assert_true(taken == 1 || taken == 0 || taken == -XEN_EINVAL);
        assert_true(taken != 1 || (size >= NINEP_HEADER && size <= most && ninep_size(copy) == size));
        taken = ninepring_put(&ring, message, draw_below(SIZE));
        assert_true(taken == 1 || taken == 0 || taken == -XEN_EINVAL);
        free(copy);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++)
        hostile(seed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_layout),      TEST(test_messages), TEST(test_partial), TEST(test_sizes),   TEST(test_indexes),
        TEST(test_own_indexes), TEST(test_places),   TEST(test_room),    TEST(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
