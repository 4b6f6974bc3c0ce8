/* SPDX-License-Identifier: MIT */
/*
 * The frames that nobody owns: a bit each, set while it is free.  They are handed out in random order, so that a guest
 * that takes a pfn for an mfn is found out at once.
 */
#pragma once

#include <engine/types.h>

/* The bytes that a map of @nr_frames takes. */
uint64_t pool_map_size(uint64_t nr_frames);

/* Begin with an empty pool; @map is pool_map_size() bytes of zeroes.  The same @seed, not 0, gives the same order. */
void pool_init(void *map, uint64_t nr_frames, uint64_t seed);

/* Frames that are the pool's from the beginning. */
void pool_add(mfn_t first, uint64_t count);

/* The pool's part of port_pool_take() and those behind it. */
bool pool_take(unsigned order, mfn_t end, mfn_t *first);
void pool_give(mfn_t first, unsigned order);
unsigned pool_take_some(unsigned count, mfn_t end, mfn_t *mfns);
void pool_give_some(const mfn_t *mfns, unsigned count);

/* The least order of frames in which @size bytes, not 0, have room. */
static inline unsigned pool_order(uint64_t size)
{
    unsigned order = 0;

    while (((uint64_t)PAGE_SIZE << order) < size)
        order++;
    return order;
}

uint64_t pool_count(void);
uint64_t pool_seed(void);
