/* SPDX-License-Identifier: MIT */
/*
 * What one processor remembers of page tables: translations, and in its paging-structure caches the
 * tables that parts of the address space lead to.  An entry stays as it was filled, whatever
 * becomes of memory, until it is flushed, invalidated or evicted (Intel SDM volume 3, 4.10).
 */
#pragma once

#include <sim/sim.h>

/*
 * A translation, or a step of a walk: what @vaddr's part of the address space leads to, and with
 * which rights.  As a translation @level is that of the leaf entry (1: 4 KiB, 2: 2 MiB, 3: 1 GiB);
 * as a step it is the level of the table
 * @mfn.
 */
struct sim_cached {
    uint64_t vaddr; /* aligned to what the entry covers */
    mfn_t mfn;
    unsigned level;
    bool writable, user, no_execute, dirty;
    bool global;    /* a translation that a change of modes leaves */
    uint16_t owner; /* of @mfn when this was filled */
    uint32_t taken; /* its sim_frame.taken then */
    uint32_t next;  /* index + 1 of the next one in its bucket */
};

/* A set of them; one level and address has at most one entry. */
struct sim_cache {
    struct sim_cached *entries; /* the first @count are in use */
    uint32_t *buckets;          /* index + 1 of the first entry of each; 0: none */
    uint32_t count, capacity;
    uint32_t bucket_mask;
    uint32_t by_level[5]; /* how many of each level */
    unsigned step_bits;   /* 0: translations; 9: an entry covers what a whole table of its level does */
};

struct sim_tlb {
    struct sim_cache translations;
    struct sim_cache tables; /* the paging-structure caches */
};

void tlb_create(struct sim_tlb *tlb, uint32_t translations, uint32_t tables);
void tlb_destroy(struct sim_tlb *tlb);

/* Bits of a virtual address that an entry of @level in @cache does not tell apart. */
static inline unsigned cache_shift(const struct sim_cache *cache, unsigned level)
{
    return PAGE_SHIFT + 9 * (level - 1) + cache->step_bits;
}

/* The entry of @level that covers @vaddr; NULL if there is none. */
struct sim_cached *cache_find(const struct sim_cache *cache, uint64_t vaddr, unsigned level);

/* Add @entry, in place of the one for the same address and level, or of a random one if the cache is full. */
void cache_fill(struct sim *sim, struct sim_cache *cache, const struct sim_cached *entry);

/* Drop all entries; all but the global ones; those that cover @vaddr. */
void cache_flush(struct sim_cache *cache);
void cache_flush_local(struct sim_cache *cache);
void cache_drop(struct sim_cache *cache, uint64_t vaddr);
