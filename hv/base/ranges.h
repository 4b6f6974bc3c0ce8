/* SPDX-License-Identifier: MIT */
/* Sets of machine addresses, as sorted lists of ranges. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* From @start to before @end, in bytes.  Empty if the two are equal. */
struct range {
    uint64_t start, end;
};

#define RANGES_MAX 256u

struct ranges {
    unsigned count;
    struct range list[RANGES_MAX];
};

static inline bool range_is_empty(struct range range)
{
    return range.start >= range.end;
}

static inline bool range_overlaps(struct range a, struct range b)
{
    return a.start < b.end && b.start < a.end;
}

/* Add @range to the set.  False: the list is full, the set has not changed. */
bool ranges_add(struct ranges *set, struct range range);

/* Take @range out of the set.  False: a range would have to be cut in two and the list is full; nothing has changed. */
bool ranges_remove(struct ranges *set, struct range range);

/* Does the set hold all of @range? */
bool ranges_contain(const struct ranges *set, struct range range);

/*
 * Take @size bytes at a multiple of @align, a power of two, out of the set: those with the highest address below
 * @limit.  False: there are none, or the list is full.
 */
bool ranges_take(struct ranges *set, uint64_t size, uint64_t align, uint64_t limit, struct range *taken);

/* The bytes in the set. */
uint64_t ranges_size(const struct ranges *set);
