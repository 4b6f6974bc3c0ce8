/* SPDX-License-Identifier: MIT */
/* Quotients of more than 64 bits, without a library for them. */
#include <hv/base/clock.h>

/* @above * 2^32 / @below, which is less than 2^32: the quotient of a number of more than 64 bits, by long division. */
static uint32_t fraction(uint64_t above, uint64_t below)
{
    uint64_t high = (above << 16) / below, rest = (above << 16) % below;

    return (uint32_t)(high << 16 | (rest << 16) / below);
}

struct clock_scale clock_scale_of(uint64_t hz)
{
    uint64_t above = NS_PER_SECOND, below = hz;
    int8_t shift = 0;

    for (; below <= above; shift++)
        below *= 2;
    for (; below > 2 * above; shift--)
        above *= 2;
    return (struct clock_scale){fraction(above, below), shift};
}

uint64_t clock_ns_to_ticks(uint64_t hz, uint64_t ns)
{
    uint64_t whole, rest = ns % NS_PER_SECOND * hz / NS_PER_SECOND;

    if (__builtin_mul_overflow(ns / NS_PER_SECOND, hz, &whole) || __builtin_add_overflow(whole, rest, &whole))
        return UINT64_MAX;
    return whole;
}
