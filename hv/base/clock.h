/* SPDX-License-Identifier: MIT */
/* From ticks to nanoseconds and back.  Nothing but arithmetic, of which what is asked for at every turn is here. */
#pragma once

#include <stdint.h>

__extension__ typedef unsigned __int128 uint128_t;

#define NS_PER_SECOND UINT64_C(1000000000)

/* Frequencies that can be converted, in hertz. */
#define CLOCK_HZ_LEAST UINT64_C(1000000)
#define CLOCK_HZ_MOST  UINT64_C(10000000000)

/*
 * As in struct vcpu_time_info: ticks are shifted left by @shift, or right if it is negative, and then multiplied by
 * @mul / 2^32.
 */
struct clock_scale {
    uint32_t mul; /* its highest bit is set */
    int8_t shift;
};

/* The scale of a counter of @hz, CLOCK_HZ_LEAST to CLOCK_HZ_MOST, exact to 2^-31. */
struct clock_scale clock_scale_of(uint64_t hz);

/*
 * Nanoseconds in @ticks, rounded down like a guest does it: never more for the sum of two times than what they have
 * together, plus what is rounded off.  Right as long as the result fits, 584 years.
 */
static inline uint64_t clock_ticks_to_ns(struct clock_scale scale, uint64_t ticks)
{
    unsigned right = 32;
    uint128_t product;

    if (scale.shift < 0)
        ticks >>= -scale.shift;
    else
        right -= (unsigned)scale.shift; /* it need not go to the left before */
    product = (uint128_t)ticks * scale.mul;
    return (uint64_t)(product >> 64) << (64 - right) | (uint64_t)product >> right;
}

/* Ticks of a counter of @hz in @ns nanoseconds, rounded down; UINT64_MAX if that does not fit. */
uint64_t clock_ns_to_ticks(uint64_t hz, uint64_t ns);
