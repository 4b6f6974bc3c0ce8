/* SPDX-License-Identifier: MIT */
/*
 * A list of free frames in no order, and for each frame its place in the list.  Single frames come
 * from a random place; runs are searched from a random place on.  A frame keeps its contents in the
 * pool, because a processor may still walk through it; what was never handed out is filled with
 * junk when it is, so that who forgets to wipe it is found.
 */
#include <stdlib.h>
#include <string.h>

#include <sim/pool.h>
#include <sim/sim_parts.h>

#define NOT_IN_POOL         UINT32_MAX
#define JUNK                0x5b
#define POISONED_FRAMES_MAX 65536u /* in a larger machine, frames are poisoned only when they come back */

struct sim_pool {
    uint32_t *free;  /* the first @count are frame numbers */
    uint32_t *place; /* by frame: its index in @free, or NOT_IN_POOL */
    uint32_t count, nr_frames;
};

static void pool_add(struct sim_pool *pool, uint32_t mfn)
{
    pool->place[mfn] = pool->count;
    pool->free[pool->count++] = mfn;
}

static void pool_remove(struct sim *sim, struct sim_pool *pool, uint32_t mfn)
{
    uint32_t last = pool->free[--pool->count];
    struct sim_frame *frame = &sim->frames[mfn];

    pool->free[pool->place[mfn]] = last;
    pool->place[last] = pool->place[mfn];
    pool->place[mfn] = NOT_IN_POOL;
    ASAN_UNPOISON_MEMORY_REGION(sim_frame_bytes(sim, MFN(mfn)), PAGE_SIZE);
    if (!frame->scribbled)
        memset(sim_frame_bytes(sim, MFN(mfn)), JUNK, PAGE_SIZE);
    frame->scribbled = true;
    frame->taken++;
}

struct sim_pool *pool_create(struct sim *sim, const uint8_t *kept)
{
    struct sim_pool *pool = calloc(1, sizeof(*pool));
    uint32_t nr_frames = (uint32_t)sim->hypervisor_first.v;

    if (!pool)
        abort();
    pool->nr_frames = nr_frames;
    pool->free = calloc(nr_frames, sizeof(pool->free[0]));
    pool->place = calloc(nr_frames, sizeof(pool->place[0]));
    if (!pool->free || !pool->place)
        abort();
    for (uint32_t mfn = 0; mfn < nr_frames; mfn++) {
        pool->place[mfn] = NOT_IN_POOL;
        if (!sim->frames[mfn].ram || kept[mfn])
            continue;
        pool_add(pool, mfn);
        if (nr_frames <= POISONED_FRAMES_MAX)
            ASAN_POISON_MEMORY_REGION(sim_frame_bytes(sim, MFN(mfn)), PAGE_SIZE);
    }
    return pool;
}

void pool_destroy(struct sim_pool *pool)
{
    if (!pool)
        return;
    free(pool->free);
    free(pool->place);
    free(pool);
}

bool pool_holds(const struct sim_pool *pool, mfn_t mfn)
{
    return mfn.v < pool->nr_frames && pool->place[mfn.v] != NOT_IN_POOL;
}

/* Are all frames of the run that begins at @first free? */
static bool pool_run_free(const struct sim_pool *pool, uint32_t first, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        if (!pool_holds(pool, MFN(first + i)))
            return false;
    }
    return true;
}

/* From a random place of the list on, whose order means nothing. */
static bool pool_find_frame(struct sim *sim, mfn_t end, uint32_t *frame)
{
    const struct sim_pool *pool = sim->pool;
    uint32_t start = (uint32_t)sim_random_below(sim, pool->count);

    for (uint32_t i = 0; i < pool->count; i++) {
        *frame = pool->free[(start + i) % pool->count];
        if (*frame < end.v)
            return true;
    }
    return false;
}

static bool pool_find_run(struct sim *sim, uint32_t length, mfn_t end, uint32_t *first)
{
    const struct sim_pool *pool = sim->pool;
    uint32_t runs = (end.v < pool->nr_frames ? (uint32_t)end.v : pool->nr_frames) / length;
    uint32_t start;

    if (pool->count < length || runs == 0)
        return false;
    start = (uint32_t)sim_random_below(sim, runs);
    for (uint32_t i = 0; i < runs; i++) {
        *first = (start + i) % runs * length;
        if (pool_run_free(pool, *first, length))
            return true;
    }
    return false;
}

bool pool_take(struct sim *sim, unsigned order, mfn_t end, mfn_t *first)
{
    struct sim_pool *pool = sim->pool;
    bool found;
    uint32_t mfn;

    sim->pool_end = end;
    if (sim->pool_fail_after == 0 || order > 30 || pool->count == 0)
        return false;
    found = order == 0 ? pool_find_frame(sim, end, &mfn) : pool_find_run(sim, UINT32_C(1) << order, end, &mfn);
    if (!found)
        return false;
    if (sim->pool_fail_after != UINT64_MAX)
        sim->pool_fail_after--;
    for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
        pool_remove(sim, pool, mfn + i);
    *first = MFN(mfn);
    return true;
}

void pool_give(struct sim *sim, mfn_t first, unsigned order)
{
    struct sim_pool *pool = sim->pool;

    if (order > 30 || first.v % (UINT64_C(1) << order) != 0)
        sim_fail("port_pool_give: %#llx is not aligned to 2^%u frames", (unsigned long long)first.v, order);
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        mfn_t mfn = mfn_add(first, i);

        if (mfn.v >= pool->nr_frames || !sim->frames[mfn.v].ram || pool_holds(pool, mfn))
            sim_fail("port_pool_give: frame %#llx is in the pool already, or not of it", (unsigned long long)mfn.v);
        pool_add(pool, (uint32_t)mfn.v);
        ASAN_POISON_MEMORY_REGION(sim_frame_bytes(sim, mfn), PAGE_SIZE);
    }
}

uint64_t sim_pool_count(const struct sim *sim)
{
    return sim->pool->count;
}
