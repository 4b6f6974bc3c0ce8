/* SPDX-License-Identifier: MIT */
/* What the compiler calls for divisions of 64 bits: the names are those of its own library, which is not there. */
#include <guest/types.h>

uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest);
uint64_t __udivdi3(uint64_t number, uint64_t by);
uint64_t __umoddi3(uint64_t number, uint64_t by);
int64_t __divdi3(int64_t number, int64_t by);
int64_t __moddi3(int64_t number, int64_t by);

/* number / by for a quotient that fits: the instruction has one of 32 bits. */
static uint32_t divide(uint32_t high, uint32_t low, uint32_t by, uint32_t *rest)
{
    uint32_t quotient;

    __asm__("divl %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "r"(by) : "cc");
    return quotient;
}

/* Bit by bit, for a divisor of more than 32 bits; the quotient has no more than those. */
static uint64_t divide_wide(uint64_t number, uint64_t by, uint64_t *rest)
{
    unsigned shift = (unsigned)__builtin_clz((uint32_t)(by >> 32));
    uint64_t quotient = 0;

    for (by <<= shift; shift != ~0u; shift--, by >>= 1) {
        quotient <<= 1;
        if (number >= by) {
            number -= by;
            quotient |= 1;
        }
    }
    *rest = number;
    return quotient;
}

uint64_t __udivmoddi4(uint64_t number, uint64_t by, uint64_t *rest)
{
    uint32_t high, low, left;
    uint64_t other;

    rest = rest ? rest : &other;
    if (by >> 32)
        return divide_wide(number, by, rest);
    high = divide(0, (uint32_t)(number >> 32), (uint32_t)by, &left);
    low = divide(left, (uint32_t)number, (uint32_t)by, &left);
    *rest = left;
    return (uint64_t)high << 32 | low;
}

uint64_t __udivdi3(uint64_t number, uint64_t by)
{
    return __udivmoddi4(number, by, NULL);
}

uint64_t __umoddi3(uint64_t number, uint64_t by)
{
    uint64_t rest;

    (void)__udivmoddi4(number, by, &rest);
    return rest;
}

static uint64_t absolute(int64_t number)
{
    return number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
}

int64_t __divdi3(int64_t number, int64_t by)
{
    uint64_t quotient = __udivdi3(absolute(number), absolute(by));

    return (int64_t)((number < 0) != (by < 0) ? 0 - quotient : quotient);
}

int64_t __moddi3(int64_t number, int64_t by)
{
    uint64_t rest = __umoddi3(absolute(number), absolute(by));

    return (int64_t)(number < 0 ? 0 - rest : rest);
}
