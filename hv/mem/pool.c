/* SPDX-License-Identifier: MIT */
/*
 * A bit for each frame, and above it levels of summary: a bit for each word of the level below that is not zero.  So
 * the free frame that comes next behind another is found in a few steps, however few there are.
 */
#include <engine/check.h>
#include <hv/cpu/lock.h>
#include <hv/mem/pool.h>

#define WORD_BITS  64u
#define LEVELS_MAX 6u /* 64^6 frames are 2^48 bytes */
#define ORDER_MAX  30u

struct level {
    uint64_t *words;
    uint64_t nr_words;
};

static struct {
    struct level levels[LEVELS_MAX]; /* level 0 has the bits of the frames, the topmost a single word */
    unsigned nr_levels;
    uint64_t nr_frames;
    uint64_t free;
    uint64_t seed, random;
} pool;

static struct lock lock = LOCK_INIT(LOCK_POOL, 0); /* over all of it, from the first pool_add() on */

static uint64_t words_for(uint64_t bits)
{
    return (bits + WORD_BITS - 1) / WORD_BITS;
}

uint64_t pool_map_size(uint64_t nr_frames)
{
    uint64_t words = words_for(nr_frames), all = words;

    while (words > 1) {
        words = words_for(words);
        all += words;
    }
    return all * sizeof(uint64_t);
}

void pool_init(void *map, uint64_t nr_frames, uint64_t seed)
{
    uint64_t *words = map, count = words_for(nr_frames);

    pool.nr_levels = 0;
    do {
        CHECK(pool.nr_levels < LEVELS_MAX);
        pool.levels[pool.nr_levels++] = (struct level){words, count};
        words += count;
        count = words_for(count);
    } while (pool.levels[pool.nr_levels - 1].nr_words > 1);
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
    return pool.levels[0].words[frame / WORD_BITS] >> frame % WORD_BITS & 1;
}

/* @bits of a word of the lowest level.  A word that was zero has its bit in the level above set, and so on. */
static void set_word_free(uint64_t index, uint64_t bits)
{
    for (unsigned i = 0; i < pool.nr_levels; i++) {
        uint64_t *word = &pool.levels[i].words[index], old = *word;

        CHECK(!(old & bits));
        *word = old | bits;
        if (old)
            break;
        bits = UINT64_C(1) << index % WORD_BITS;
        index /= WORD_BITS;
    }
}

static void set_free(uint64_t frame)
{
    CHECK(frame < pool.nr_frames);
    set_word_free(frame / WORD_BITS, UINT64_C(1) << frame % WORD_BITS);
    __atomic_store_n(&pool.free, pool.free + 1, __ATOMIC_RELAXED);
}

static void set_all_free(uint64_t first, uint64_t count)
{
    CHECK(count <= pool.nr_frames && first <= pool.nr_frames - count);
    for (uint64_t at = first, end = first + count; at < end;) {
        uint64_t bit = at % WORD_BITS, length = end - at < WORD_BITS - bit ? end - at : WORD_BITS - bit;

        set_word_free(at / WORD_BITS, UINT64_MAX >> (WORD_BITS - length) << bit);
        at += length;
    }
    __atomic_store_n(&pool.free, pool.free + count, __ATOMIC_RELAXED);
}

static void set_taken(uint64_t frame)
{
    uint64_t bit = frame;

    CHECK(is_free(frame));
    for (unsigned i = 0; i < pool.nr_levels; i++, bit /= WORD_BITS) {
        uint64_t *word = &pool.levels[i].words[bit / WORD_BITS];

        *word &= ~(UINT64_C(1) << bit % WORD_BITS);
        if (*word)
            break;
    }
    __atomic_store_n(&pool.free, pool.free - 1, __ATOMIC_RELAXED);
}

void pool_add(mfn_t first, uint64_t count)
{
    lock_take(&lock);
    if (count == 1)
        set_free(first.v);
    else
        set_all_free(first.v, count);
    lock_drop(&lock);
}

/* The first free frame at @from or behind it: up to the level whose word has a bit behind the place, down again. */
static bool find_behind(uint64_t from, uint64_t *frame)
{
    uint64_t bit = from, bits = 0;
    unsigned i;

    for (i = 0; i < pool.nr_levels; i++, bit = bit / WORD_BITS + 1) {
        const struct level *level = &pool.levels[i];

        if (bit / WORD_BITS >= level->nr_words)
            return false;
        bits = level->words[bit / WORD_BITS] >> bit % WORD_BITS;
        if (bits)
            break;
    }
    if (!bits)
        return false;
    bit += (unsigned)__builtin_ctzll(bits);
    while (i-- > 0)
        bit = bit * WORD_BITS + (unsigned)__builtin_ctzll(pool.levels[i].words[bit]);
    *frame = bit;
    return true;
}

/* A free frame below @end, which is not 0, behind a random place. */
static bool find_frame(uint64_t end, uint64_t *frame)
{
    if (find_behind(random_below(end), frame) && *frame < end)
        return true;
    return find_behind(0, frame) && *frame < end;
}

static bool run_is_free(uint64_t first, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++) {
        if (!is_free(first + i))
            return false;
    }
    return true;
}

static bool find_run(uint64_t length, uint64_t end, uint64_t *first)
{
    uint64_t runs = end / length;
    uint64_t start = runs ? random_below(runs) : 0;

    for (uint64_t i = 0; i < runs; i++) {
        *first = (start + i) % runs * length;
        if (run_is_free(*first, length))
            return true;
    }
    return false;
}

static bool take_one(uint64_t end, uint64_t *frame)
{
    if (end == 0 || !find_frame(end, frame))
        return false;
    set_taken(*frame);
    return true;
}

static bool take_run(uint64_t count, uint64_t end, uint64_t *first)
{
    if (pool.free < count || !find_run(count, end, first))
        return false;
    for (uint64_t i = 0; i < count; i++)
        set_taken(*first + i);
    return true;
}

static uint64_t within(mfn_t end)
{
    return end.v < pool.nr_frames ? end.v : pool.nr_frames;
}

bool pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    uint64_t found = 0;
    bool taken;

    if (order > ORDER_MAX)
        return false;
    lock_take(&lock);
    taken = order ? take_run(UINT64_C(1) << order, within(end), &found) : take_one(within(end), &found);
    lock_drop(&lock);
    if (taken)
        *first = MFN(found);
    return taken;
}

void pool_give(mfn_t first, unsigned order)
{
    CHECK(order <= ORDER_MAX && first.v % (UINT64_C(1) << order) == 0);
    pool_add(first, UINT64_C(1) << order);
}

unsigned pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    unsigned taken = 0;

    lock_take(&lock);
    while (taken < count && take_one(within(end), &mfns[taken].v))
        taken++;
    lock_drop(&lock);
    return taken;
}

/* Those of one word that come one after the other go together: the end of a domain gives them in order. */
void pool_give_some(const mfn_t *mfns, unsigned count)
{
    lock_take(&lock);
    for (unsigned i = 0; i < count;) {
        uint64_t index = mfns[i].v / WORD_BITS, bits = 0;

        for (; i < count && mfns[i].v / WORD_BITS == index; i++) {
            CHECK(mfns[i].v < pool.nr_frames && !(bits >> mfns[i].v % WORD_BITS & 1));
            bits |= UINT64_C(1) << mfns[i].v % WORD_BITS;
        }
        set_word_free(index, bits);
    }
    __atomic_store_n(&pool.free, pool.free + count, __ATOMIC_RELAXED);
    lock_drop(&lock);
}

uint64_t pool_count(void)
{
    return __atomic_load_n(&pool.free, __ATOMIC_RELAXED);
}

uint64_t pool_seed(void)
{
    return pool.seed;
}
