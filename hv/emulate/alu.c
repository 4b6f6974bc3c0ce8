/* SPDX-License-Identifier: MIT */
/* Results and flags as the processor computes them: Intel SDM volume 1, 3.4.3.1. */
#include <hv/cpu/trap.h>
#include <hv/emulate/alu.h>

static bool sign_of(uint64_t value, unsigned bytes)
{
    return value >> (8 * bytes - 1) & 1;
}

/* The flags that depend on the result alone.  PF looks at its lowest byte. */
static uint64_t flags_of(uint64_t result, unsigned bytes)
{
    uint64_t flags = 0;

    if (alu_truncate(result, bytes) == 0)
        flags |= RFLAGS_ZF;
    if (sign_of(result, bytes))
        flags |= RFLAGS_SF;
    if (!__builtin_parity((unsigned)(result & 0xff)))
        flags |= RFLAGS_PF;
    return flags;
}

uint64_t alu_flags_add(uint64_t rflags, uint64_t a, uint64_t b, bool carry, unsigned bytes)
{
    uint64_t result = a + b + carry, flags = (rflags & ~ALU_FLAGS) | flags_of(result, bytes);

    /* Out of the highest bit: both have it, or one has it and the result lost it. */
    if (sign_of((a & b) | ((a | b) & ~result), bytes))
        flags |= RFLAGS_CF;
    if ((a ^ b ^ result) & 0x10)
        flags |= RFLAGS_AF;
    if (sign_of((a ^ result) & (b ^ result), bytes))
        flags |= RFLAGS_OF;
    return flags;
}

uint64_t alu_flags_subtract(uint64_t rflags, uint64_t a, uint64_t b, bool borrow, unsigned bytes)
{
    uint64_t result = a - b - borrow, flags = (rflags & ~ALU_FLAGS) | flags_of(result, bytes);

    if (sign_of((~a & b) | ((~a | b) & result), bytes))
        flags |= RFLAGS_CF;
    if ((a ^ b ^ result) & 0x10)
        flags |= RFLAGS_AF;
    if (sign_of((a ^ b) & (a ^ result), bytes))
        flags |= RFLAGS_OF;
    return flags;
}

uint64_t alu_flags_logic(uint64_t rflags, uint64_t result, unsigned bytes)
{
    return (rflags & ~ALU_FLAGS) | flags_of(result, bytes);
}
