/* SPDX-License-Identifier: MIT */
/* A processor without FSGSBASE: cpuid does not show it, and CR4 does not take it. */
#include <abi/cpuid.h>
#include <guest/processor.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

#define CR4_FSGSBASE           (UINT64_C(1) << 16)
#define CPUID_7_EBX_FSGSBASE   (1u << 0)
#define CR4_THAT_NO_GUEST_SETS (UINT64_C(1) << 7 | UINT64_C(1) << 11 | UINT64_C(1) << 20) /* PGE UMIP SMEP */

static void write_cr4(void *value)
{
    __asm__ volatile("movq %0, %%cr4" ::"r"(value));
}

static uint64_t read_cr4(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

static void read_fs_base(void *value)
{
    __asm__ volatile("rdfsbase %0" : "=r"(*(uint64_t *)value));
}

static unsigned attempt(void (*function)(void *arg), void *arg)
{
    struct fault fault;

    (void)trap_try(function, arg, &fault);
    return fault.vector;
}

void test_main(void)
{
    uint32_t eax = 7, ebx, ecx = 0, edx;
    uint64_t cr4 = read_cr4(), base;

    if (cpuid(7, 0).ebx & CPUID_7_EBX_FSGSBASE)
        test_skip("this processor has FSGSBASE");
    __asm__ volatile(XEN_CPUID : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    test_equal("cpuid does not show it", ebx & CPUID_7_EBX_FSGSBASE, 0);
    test_equal("CR4 does not take it", attempt(write_cr4, (void *)(cr4 | CR4_FSGSBASE)), TRAP_GP);
    test_equal("and is as before", read_cr4(), cr4);
    test_equal("the instruction is none", attempt(read_fs_base, &base), TRAP_UD);
    test_equal("bits that are never a guest's are ignored", attempt(write_cr4, (void *)(cr4 | CR4_THAT_NO_GUEST_SETS)),
               TRAP_NONE);
    test_equal("they read as before", read_cr4(), cr4);
}
