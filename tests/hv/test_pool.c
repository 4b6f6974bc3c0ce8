/* SPDX-License-Identifier: MIT */
/* links: hv/mem/pool.c tests/hv/lib/lock_host.c */
/* The pool of free frames against a plain array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <engine/check.h>
#include <hv/mem/pool.h>

#define FRAMES_MAX 300000u

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

static bool model[FRAMES_MAX];
static uint64_t nr_free;

static void begin(uint64_t nr_frames, uint64_t seed)
{
    static void *map;

    free(map);
    map = calloc(1, pool_map_size(nr_frames));
    assert_non_null(map);
    for (uint64_t i = 0; i < FRAMES_MAX; i++)
        model[i] = false;
    nr_free = 0;
    pool_init(map, nr_frames, seed);
}

static void give(uint64_t first, unsigned order)
{
    for (uint64_t i = 0; i < 1u << order; i++) {
        assert_false(model[first + i]);
        model[first + i] = true;
    }
    nr_free += 1u << order;
    pool_give(MFN(first), order);
    assert_int_equal(pool_count(), nr_free);
}

static uint64_t take_below(unsigned order, mfn_t end)
{
    mfn_t first;

    assert_true(pool_take(order, end, &first));
    assert_true(first.v + (1u << order) <= end.v);
    assert_int_equal(first.v % (1u << order), 0);
    for (uint64_t i = 0; i < 1u << order; i++) {
        assert_true(model[first.v + i]);
        model[first.v + i] = false;
    }
    nr_free -= 1u << order;
    assert_int_equal(pool_count(), nr_free);
    return first.v;
}

static uint64_t take(unsigned order)
{
    return take_below(order, MFN_NONE);
}

/* Every frame comes exactly once, whatever the size, and then none. */
static void test_everything(void **state)
{
    const uint64_t sizes[] = {1, 63, 64, 65, 4095, 4096, 4097, 64 * 64 * 64 + 1, FRAMES_MAX};
    mfn_t none;

    (void)state;
    for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        begin(sizes[s], 1);
        assert_false(pool_take(0, MFN_NONE, &none));
        for (uint64_t i = 0; i < sizes[s]; i++)
            give(i, 0);
        for (uint64_t i = 0; i < sizes[s]; i++)
            (void)take(0);
        assert_false(pool_take(0, MFN_NONE, &none));
    }
}

/* Ranges that begin and end anywhere in a word, and have whole ones between: each frame of them comes, and no other. */
static void test_ranges(void **state)
{
    static const uint64_t ends[] = {0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8192, 9000};
    unsigned nr_ends = sizeof(ends) / sizeof(ends[0]);
    mfn_t none;

    (void)state;
    for (unsigned a = 0; a < nr_ends; a++) {
        for (unsigned b = a; b < nr_ends; b++) {
            begin(9000, 5);
            pool_add(MFN(ends[a]), ends[b] - ends[a]);
            nr_free = ends[b] - ends[a];
            assert_int_equal(pool_count(), nr_free);
            for (uint64_t i = ends[a]; i < ends[b]; i++)
                model[i] = true;
            while (nr_free > 0)
                (void)take(0);
            assert_false(pool_take(0, MFN_NONE, &none));
        }
    }
}

/* Few free frames far apart: those, and no others. */
static void test_sparse(void **state)
{
    const uint64_t places[] = {0, 1, 63, 64, 4095, 4096, 200000, FRAMES_MAX - 1};
    unsigned count = sizeof(places) / sizeof(places[0]);

    (void)state;
    for (uint64_t seed = 1; seed < 200; seed++) {
        begin(FRAMES_MAX, seed);
        for (unsigned i = 0; i < count; i++)
            give(places[i], 0);
        for (unsigned i = 0; i < count; i++)
            (void)take(0);
    }
}

/* Several at once: the same frames, in the same order, as one by one; where there are no more, those that there are. */
static void test_some(void **state)
{
    mfn_t mfns[64], none;

    (void)state;
    for (uint64_t end = 100; end <= 500; end += 200) {
        uint64_t count = end < 400 ? end : 400, expected[400];

        begin(400, 9);
        for (uint64_t i = 0; i < 400; i++)
            give(i, 0);
        for (uint64_t i = 0; i < count; i++)
            expected[i] = take_below(0, MFN(end));
        begin(400, 9);
        for (uint64_t i = 0; i < 400; i++)
            give(i, 0);
        for (uint64_t i = 0; i < count; i += 64) {
            unsigned taken = pool_take_some(64, MFN(end), mfns);

            assert_int_equal(taken, count - i < 64 ? count - i : 64);
            for (unsigned j = 0; j < taken; j++)
                assert_int_equal(mfns[j].v, expected[i + j]);
        }
        assert_false(pool_take(0, MFN(end), &none));
        assert_int_equal(pool_take_some(5, MFN(end), mfns), 0);
        pool_give_some((const mfn_t[]){{7}, {64}, {63}}, 3);
        assert_int_equal(pool_count(), 400 - count + 3);
        assert_int_equal(pool_take_some(5, MFN(64), mfns), 2);
        assert_int_equal(mfns[0].v + mfns[1].v, 7 + 63);
    }
}

/* Those that go back together lie in whatever order, in the same words of the map and in others. */
static void test_give_some(void **state)
{
    mfn_t mfns[64], none;

    (void)state;
    for (unsigned step = 1; step < 200; step += 2) {
        begin(256, step);
        for (unsigned i = 0; i < 128; i += 64) {
            for (unsigned j = 0; j < 64; j++) {
                mfns[j] = MFN((i + j) * step % 256);
                model[mfns[j].v] = true;
            }
            pool_give_some(mfns, 64);
            assert_int_equal(pool_count(), i + 64);
        }
        nr_free = 128;
        for (unsigned i = 0; i < 128; i++)
            (void)take(0);
        assert_false(pool_take(0, MFN_NONE, &none));
    }
}

/* Consecutive and aligned runs, singles in between, given back in pieces. */
static void test_mixed(void **state)
{
    uint64_t run;

    (void)state;
    begin(5000, 7);
    for (uint64_t i = 0; i < 5000; i++)
        give(i, 0);
    srand(3);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned order = (unsigned)rand() % 5;

        run = take(order);
        for (uint64_t j = 0; j < 1u << order; j++)
            give(run + j, 0);
    }
}

/* A run in which a frame is missing, whichever, is none; one that is whole is found behind and in front of them. */
static void test_holes(void **state)
{
    const uint64_t runs = 5;
    mfn_t none;

    (void)state;
    for (unsigned order = 1; order < 6; order++) {
        uint64_t length = 1u << order;

        for (uint64_t missing = 0; missing < length; missing++) {
            for (uint64_t whole = 0; whole <= runs; whole++) {
                begin(runs * length, missing + 1);
                for (uint64_t i = 0; i < runs * length; i++) {
                    if (i / length == whole || i % length != missing)
                        give(i, 0);
                }
                if (whole < runs)
                    assert_int_equal(take(order), whole * length);
                assert_false(pool_take(order, MFN_NONE, &none));
                assert_int_equal(pool_count(), nr_free);
            }
        }
    }
}

/* Each one below the place comes once, and then none, however many there are behind it. */
static void test_below(void **state)
{
    const uint64_t ends[] = {1, 2, 63, 64, 65, 1000, 4096, 4097, 4999, 5000, 5001};
    mfn_t none;

    (void)state;
    for (unsigned e = 0; e < sizeof(ends) / sizeof(ends[0]); e++) {
        for (unsigned order = 0; order < 4; order++) {
            begin(5000, e + 1);
            for (uint64_t i = 0; i < 5000; i++)
                give(i, 0);
            for (uint64_t i = 0; i < (ends[e] < 5000 ? ends[e] : 5000) >> order; i++)
                (void)take_below(order, MFN(ends[e]));
            assert_false(pool_take(order, MFN(ends[e]), &none));
            assert_false(pool_take(order, MFN(0), &none));
        }
    }
}

/* Scattered: hardly two that come one after the other are neighbours.  The same seed gives the same order. */
static void test_order(void **state)
{
    uint64_t order[1000];
    unsigned neighbours = 0;

    (void)state;
    for (unsigned run = 0; run < 2; run++) {
        begin(10000, 42);
        for (uint64_t i = 0; i < 10000; i++)
            give(i, 0);
        for (unsigned i = 0; i < 1000; i++) {
            uint64_t frame = take(0);

            if (run == 0)
                order[i] = frame;
            assert_int_equal(order[i], frame);
            neighbours += run == 0 && i > 0 && frame == order[i - 1] + 1;
        }
    }
    assert_in_range(neighbours, 0, 10);
}

static void test_order_of_size(void **state)
{
    (void)state;
    assert_int_equal(pool_order(1), 0);
    assert_int_equal(pool_order(PAGE_SIZE), 0);
    assert_int_equal(pool_order(PAGE_SIZE + 1), 1);
    assert_int_equal(pool_order(3 * PAGE_SIZE), 2);
    assert_int_equal(pool_order(UINT64_C(1) << 30), 18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything), cmocka_unit_test(test_ranges),        cmocka_unit_test(test_sparse),
        cmocka_unit_test(test_mixed),      cmocka_unit_test(test_holes),         cmocka_unit_test(test_below),
        cmocka_unit_test(test_order),      cmocka_unit_test(test_order_of_size), cmocka_unit_test(test_some),
        cmocka_unit_test(test_give_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
