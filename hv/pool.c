/* SPDX-License-Identifier: MIT */
#include <engine/check.h>
#include <hv/pool.h>

#define WORD_BITS 64u
#define ORDER_MAX 30u

static struct {
    uint64_t *map; /* a bit a frame */
    uint64_t nr_frames;
    uint64_t free;
    uint64_t seed, random;
} pool;

uint64_t pool_map_size(uint64_t nr_frames)
{
    return (nr_frames + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
}

void pool_init(void *map, uint64_t nr_frames, uint64_t seed)
{
    pool.map = map;
    pool.nr_frames = nr_frames;
    pool.free = 0;
    pool.seed = seed;
    pool.random = seed;
}

/* A number below @limit.  Xorshift with a multiplication (Vigna 2016): scattering needs no more. */
static uint64_t random_below(uint64_t limit)
{
    pool.random ^= pool.random >> 12;
    pool.random ^= pool.random << 25;
    pool.random ^= pool.random >> 27;
    return pool.random * UINT64_C(2685821657736338717) % limit;
}

static bool is_free(uint64_t frame)
{
    return pool.map[frame / WORD_BITS] >> frame % WORD_BITS & 1;
}

static void set_free(uint64_t frame)
{
    CHECK(frame < pool.nr_frames && !is_free(frame));
    pool.map[frame / WORD_BITS] |= UINT64_C(1) << frame % WORD_BITS;
    pool.free++;
}

static void set_taken(uint64_t frame)
{
    CHECK(is_free(frame));
    pool.map[frame / WORD_BITS] &= ~(UINT64_C(1) << frame % WORD_BITS);
    pool.free--;
}

void pool_add(mfn_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        set_free(first.v + i);
}

/* The first free frame from a random place on; there is one. */
static uint64_t find_frame(void)
{
    uint64_t words = (pool.nr_frames + WORD_BITS - 1) / WORD_BITS;
    uint64_t word = random_below(words);
    unsigned turn = (unsigned)random_below(WORD_BITS);
    uint64_t bits;

    for (uint64_t i = 0; !pool.map[word]; i++) {
        CHECK(i < words);
        word = word + 1 < words ? word + 1 : 0;
    }
    bits = pool.map[word] >> turn | pool.map[word] << (WORD_BITS - turn) % WORD_BITS;
    return word * WORD_BITS + (turn + (unsigned)__builtin_ctzll(bits)) % WORD_BITS;
}

static bool run_is_free(uint64_t first, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        if (!is_free(first + i))
            return false;
    }
    return true;
}

static bool find_run(uint64_t length, uint64_t *first)
{
    uint64_t runs = pool.nr_frames / length;
    uint64_t start = runs ? random_below(runs) : 0;

    for (uint64_t i = 0; i < runs; i++) {
        *first = (start + i) % runs * length;
        if (run_is_free(*first, length))
            return true;
    }
    return false;
}

bool pool_take(unsigned order, mfn_t *first)
{
    uint64_t found;

    if (order > ORDER_MAX || pool.free < UINT64_C(1) << order)
        return false;
    if (order == 0)
        found = find_frame();
    else if (!find_run(UINT64_C(1) << order, &found))
        return false;
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++)
        set_taken(found + i);
    *first = MFN(found);
    return true;
}

void pool_give(mfn_t first, unsigned order)
{
    CHECK(order <= ORDER_MAX && first.v % (UINT64_C(1) << order) == 0);
    pool_add(first, UINT64_C(1) << order);
}

uint64_t pool_count(void)
{
    return pool.free;
}

uint64_t pool_seed(void)
{
    return pool.seed;
}
