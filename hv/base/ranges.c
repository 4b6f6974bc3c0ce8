/* SPDX-License-Identifier: MIT */
/* The lists are sorted, and their ranges neither touch nor overlap: each function keeps that. */
#include <hv/base/ranges.h>

static void list_insert(struct ranges *set, unsigned at, struct range range)
{
    for (unsigned i = set->count; i > at; i--)
        set->list[i] = set->list[i - 1];
    set->list[at] = range;
    set->count++;
}

static void list_delete(struct ranges *set, unsigned at, unsigned count)
{
    for (unsigned i = at; i + count < set->count; i++)
        set->list[i] = set->list[i + count];
    set->count -= count;
}

bool ranges_add(struct ranges *set, struct range range)
{
    unsigned first = 0, last;

    if (range_is_empty(range))
        return true;
    while (first < set->count && set->list[first].end < range.start)
        first++;
    /* What touches the new range, from @first to before @last, becomes one with it. */
    for (last = first; last < set->count && set->list[last].start <= range.end; last++) {
        if (set->list[last].start < range.start)
            range.start = set->list[last].start;
        if (set->list[last].end > range.end)
            range.end = set->list[last].end;
    }
    if (first == last && set->count == RANGES_MAX)
        return false;
    list_delete(set, first, last - first);
    list_insert(set, first, range);
    return true;
}

bool ranges_remove(struct ranges *set, struct range range)
{
    unsigned i = 0;

    if (range_is_empty(range))
        return true;
    while (i < set->count) {
        struct range *here = &set->list[i];
        struct range below = {here->start, range.start}, above = {range.end, here->end};

        if (!range_overlaps(*here, range)) {
            i++;
        } else if (range_is_empty(below) && range_is_empty(above)) {
            list_delete(set, i, 1);
        } else if (range_is_empty(below)) {
            *here = above;
        } else if (range_is_empty(above)) {
            *here = below;
        } else {
            /* The only one that overlaps: nothing has been changed before. */
            if (set->count == RANGES_MAX)
                return false;
            *here = below;
            list_insert(set, i + 1, above);
            return true;
        }
    }
    return true;
}

bool ranges_contain(const struct ranges *set, struct range range)
{
    for (unsigned i = 0; i < set->count; i++) {
        if (set->list[i].start <= range.start && range.end <= set->list[i].end)
            return true;
    }
    return range_is_empty(range);
}

bool ranges_take(struct ranges *set, uint64_t size, uint64_t align, uint64_t limit, struct range *taken)
{
    for (unsigned i = set->count; i > 0; i--) {
        struct range here = set->list[i - 1];
        uint64_t start;

        if (here.end > limit)
            here.end = limit;
        if (range_is_empty(here) || here.end - here.start < size)
            continue;
        start = (here.end - size) & ~(align - 1);
        if (start < here.start)
            continue;
        *taken = (struct range){start, start + size};
        return ranges_remove(set, *taken);
    }
    return false;
}

uint64_t ranges_size(const struct ranges *set)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < set->count; i++)
        size += set->list[i].end - set->list[i].start;
    return size;
}
