/* SPDX-License-Identifier: MIT */
/* Lengths are counted by their highest bits. */
#include <guests/scaling/spread.h>

#define PARTS (1u << SPREAD_PARTS_LOG2)

/* What is shorter than the parts of a power of two are many stands for itself. */
static unsigned step_of(uint64_t length)
{
    unsigned shift;

    if (length < PARTS)
        return (unsigned)length;
    shift = 63u - (unsigned)__builtin_clzll(length) - SPREAD_PARTS_LOG2;
    return (shift << SPREAD_PARTS_LOG2) + (unsigned)(length >> shift);
}

/* The least length of a step. */
static uint64_t length_of(unsigned step)
{
    if (step < PARTS)
        return step;
    return (uint64_t)(PARTS + step % PARTS) << (step / PARTS - 1);
}

void spread_add(struct spread *spread, uint64_t length)
{
    spread->counts[step_of(length)]++;
    spread->count++;
}

uint64_t spread_median(const struct spread *spread)
{
    unsigned seen = 0;

    for (unsigned step = 0; step < SPREAD_STEPS; step++) {
        seen += spread->counts[step];
        if (seen && seen * 2 >= spread->count)
            return length_of(step);
    }
    return 0;
}
