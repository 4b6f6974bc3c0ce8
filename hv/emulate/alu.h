/* SPDX-License-Identifier: MIT */
/* What arithmetic leaves in rflags: Intel SDM volume 1, 3.4.3.1.  Operands are @bytes wide; more bits are ignored. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The bits that are set anew by addition and subtraction.  Logic clears AF, for which the manuals promise nothing. */
#define ALU_FLAGS UINT64_C(0x8d5) /* OF SF ZF AF PF CF */

/* @rflags after a + b + carry, after a - b - borrow, and after an AND, OR or XOR with that @result. */
uint64_t alu_flags_add(uint64_t rflags, uint64_t a, uint64_t b, bool carry, unsigned bytes);
uint64_t alu_flags_subtract(uint64_t rflags, uint64_t a, uint64_t b, bool borrow, unsigned bytes);
uint64_t alu_flags_logic(uint64_t rflags, uint64_t result, unsigned bytes);

/* @value as far as it is @bytes wide: 1, 2, 4 or 8. */
static inline uint64_t alu_truncate(uint64_t value, unsigned bytes)
{
    return bytes >= 8 ? value : value & ((UINT64_C(1) << 8 * bytes) - 1);
}
