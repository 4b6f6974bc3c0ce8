/* SPDX-License-Identifier: MIT */
/*
 * A cache is a dense array, so that a check of all entries costs what is cached, with a hash table
 * of chains over it.
 */
#include <stdlib.h>

#include <sim/tlb.h>

static void cache_create(struct sim_cache *cache, uint32_t capacity, unsigned step_bits)
{
    uint32_t buckets = 16;

    while (buckets < 2 * capacity)
        buckets *= 2;
    *cache = (struct sim_cache){
        .entries = calloc(capacity, sizeof(cache->entries[0])),
        .buckets = calloc(buckets, sizeof(cache->buckets[0])),
        .capacity = capacity,
        .bucket_mask = buckets - 1,
        .step_bits = step_bits,
    };
    if (!cache->entries || !cache->buckets)
        abort();
}

static void cache_destroy(struct sim_cache *cache)
{
    free(cache->entries);
    free(cache->buckets);
}

void tlb_create(struct sim_tlb *tlb, uint32_t translations, uint32_t tables)
{
    cache_create(&tlb->translations, translations, 0);
    cache_create(&tlb->tables, tables, 9);
}

void tlb_destroy(struct sim_tlb *tlb)
{
    cache_destroy(&tlb->translations);
    cache_destroy(&tlb->tables);
}

/* Where the chain of an address begins. */
static uint32_t *cache_bucket(const struct sim_cache *cache, uint64_t vaddr, unsigned level)
{
    uint64_t key = (vaddr >> cache_shift(cache, level)) * 4 + level;

    key *= UINT64_C(0x9e3779b97f4a7c15);
    return &cache->buckets[(uint32_t)(key >> 32) & cache->bucket_mask];
}

static uint64_t cache_base(const struct sim_cache *cache, uint64_t vaddr, unsigned level)
{
    return vaddr & ~((UINT64_C(1) << cache_shift(cache, level)) - 1);
}

struct sim_cached *cache_find(const struct sim_cache *cache, uint64_t vaddr, unsigned level)
{
    uint64_t base = cache_base(cache, vaddr, level);

    if (!cache->by_level[level])
        return NULL;
    for (uint32_t at = *cache_bucket(cache, vaddr, level); at; at = cache->entries[at - 1].next) {
        struct sim_cached *entry = &cache->entries[at - 1];

        if (entry->vaddr == base && entry->level == level)
            return entry;
    }
    return NULL;
}

/* The place that holds the number of entry @index: a bucket or another entry's link. */
static uint32_t *cache_link(const struct sim_cache *cache, uint32_t index)
{
    const struct sim_cached *entry = &cache->entries[index];
    uint32_t *link = cache_bucket(cache, entry->vaddr, entry->level);

    while (*link != index + 1)
        link = &cache->entries[*link - 1].next;
    return link;
}

/* Take an entry out; the last one moves to its place. */
static void cache_remove(struct sim_cache *cache, uint32_t index)
{
    uint32_t last = cache->count - 1;

    cache->by_level[cache->entries[index].level]--;
    *cache_link(cache, index) = cache->entries[index].next;
    if (index != last) {
        *cache_link(cache, last) = index + 1;
        cache->entries[index] = cache->entries[last];
    }
    cache->count--;
}

void cache_fill(struct sim *sim, struct sim_cache *cache, const struct sim_cached *entry)
{
    struct sim_cached *same = cache_find(cache, entry->vaddr, entry->level);
    uint32_t *bucket;

    if (same)
        cache_remove(cache, (uint32_t)(same - cache->entries));
    else if (cache->count == cache->capacity)
        cache_remove(cache, (uint32_t)sim_random_below(sim, cache->count));
    bucket = cache_bucket(cache, entry->vaddr, entry->level);
    cache->entries[cache->count] = *entry;
    cache->entries[cache->count].vaddr = cache_base(cache, entry->vaddr, entry->level);
    cache->entries[cache->count].next = *bucket;
    *bucket = ++cache->count;
    cache->by_level[entry->level]++;
}

void cache_flush(struct sim_cache *cache)
{
    for (uint32_t i = 0; i < cache->count; i++)
        *cache_bucket(cache, cache->entries[i].vaddr, cache->entries[i].level) = 0;
    for (unsigned level = 0; level < ARRAY_SIZE(cache->by_level); level++)
        cache->by_level[level] = 0;
    cache->count = 0;
}

void cache_flush_local(struct sim_cache *cache)
{
    for (uint32_t i = cache->count; i-- > 0;) {
        if (!cache->entries[i].global)
            cache_remove(cache, i);
    }
}

void cache_drop(struct sim_cache *cache, uint64_t vaddr)
{
    for (unsigned level = 1; level < ARRAY_SIZE(cache->by_level); level++) {
        struct sim_cached *entry = cache_find(cache, vaddr, level);

        if (entry)
            cache_remove(cache, (uint32_t)(entry - cache->entries));
    }
}
