/* SPDX-License-Identifier: MIT */
/* cmpxchg16b between two looks at a flag; and what it has done to a guest. */
#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/base/print.h>
#include <hv/cpu/exchange.h>

#define LEAF_VERSION           1u
#define VERSION_ECX_CMPXCHG16B (1u << 13)

/*
 * QEMU translates up to a jump: behind that it has the flags as a value.  The addition has 1 for an operand, whose bit
 * is that of the carry, and carries nothing; with a greater one the flags would get what can do harm.  The exchange
 * changes ZF alone: AMD APM volume 3, Intel SDM volume 2, CMPXCHG16B.
 */
static bool carry_appears(void)
{
    struct {
        uint64_t low, high;
    } __attribute__((aligned(16))) cell = {0, 0};
    uint64_t sum = 0, low = 0, high = 0;
    uint8_t carry;

    __asm__ volatile("clc\n\t"
                     "jmp 1f\n"
                     "1:\taddq $1, %[sum]\n\t"
                     "cmpxchg16b %[cell]\n\t"
                     "setc %[carry]"
                     : [sum] "+r"(sum), [cell] "+m"(cell), "+a"(low), "+d"(high), [carry] "=&r"(carry)
                     : "b"(UINT64_C(0)), "c"(UINT64_C(0))
                     : "cc");
    return carry;
}

bool exchange_spoils_flags(void)
{
    return (asm_cpuid(LEAF_VERSION, 0).ecx & VERSION_ECX_CMPXCHG16B) && carry_appears();
}

void exchange_tell_flags(uint64_t rflags, uint64_t rip)
{
    static bool was_told;

    if (__atomic_exchange_n(&was_told, true, __ATOMIC_RELAXED))
        return;
    print("processor: a guest came with flags %lx at rip %lx, which no processor has: cmpxchg16b has spoilt them, and "
          "what it does from here on means nothing\n",
          rflags, rip);
}
