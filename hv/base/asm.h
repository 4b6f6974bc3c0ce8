/* SPDX-License-Identifier: MIT */
/* Instructions that C has no words for, and the bits of the registers that they reach: Intel SDM volumes 2 and 3. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CR0_PE (UINT64_C(1) << 0)
#define CR0_MP (UINT64_C(1) << 1)
#define CR0_ET (UINT64_C(1) << 4)
#define CR0_NE (UINT64_C(1) << 5)
#define CR0_TS (UINT64_C(1) << 3)
#define CR0_WP (UINT64_C(1) << 16)
#define CR0_AM (UINT64_C(1) << 18)
#define CR0_PG (UINT64_C(1) << 31)

#define CR4_DE         (UINT64_C(1) << 3)
#define CR4_PAE        (UINT64_C(1) << 5)
#define CR4_MCE        (UINT64_C(1) << 6)
#define CR4_PGE        (UINT64_C(1) << 7)
#define CR4_OSFXSR     (UINT64_C(1) << 9)
#define CR4_OSXMMEXCPT (UINT64_C(1) << 10)
#define CR4_TSD        (UINT64_C(1) << 2)
#define CR4_UMIP       (UINT64_C(1) << 11)
#define CR4_FSGSBASE   (UINT64_C(1) << 16)
#define CR4_OSXSAVE    (UINT64_C(1) << 18)
#define CR4_SMEP       (UINT64_C(1) << 20)
#define CR4_SMAP       (UINT64_C(1) << 21)

#define MSR_ARCH_CAPABILITIES 0x10au
#define MSR_PAT               0x277u
#define MSR_EFER              0xc0000080u

#define EFER_SCE (UINT64_C(1) << 0)
#define EFER_LME (UINT64_C(1) << 8)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NXE (UINT64_C(1) << 11)

static inline void asm_out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t asm_in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void asm_out16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t asm_in16(uint16_t port)
{
    uint16_t value;

    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void asm_out32(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint32_t asm_in32(uint16_t port)
{
    uint32_t value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid asm_cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid out;

    __asm__ volatile("cpuid" : "=a"(out.eax), "=b"(out.ebx), "=c"(out.ecx), "=d"(out.edx) : "a"(leaf), "c"(subleaf));
    return out;
}

static inline uint64_t asm_read_msr(uint32_t msr)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (uint64_t)high << 32 | low;
}

static inline void asm_write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(msr) : "memory");
}

static inline uint64_t asm_read_tsc(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

#define ASM_REGISTER(name)                                              \
    static inline uint64_t asm_read_##name(void)                        \
    {                                                                   \
        uint64_t value;                                                 \
                                                                        \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));          \
        return value;                                                   \
    }                                                                   \
    static inline void asm_write_##name(uint64_t value)                 \
    {                                                                   \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory"); \
    }
ASM_REGISTER(cr0)
ASM_REGISTER(cr2)
ASM_REGISTER(cr3)
ASM_REGISTER(cr4)
ASM_REGISTER(dr0)
ASM_REGISTER(dr1)
ASM_REGISTER(dr2)
ASM_REGISTER(dr3)
ASM_REGISTER(dr6)
ASM_REGISTER(dr7)
#undef ASM_REGISTER

/* The operand of lgdt and lidt. */
struct __attribute__((packed)) table_pointer {
    uint16_t limit;
    uint64_t base;
};

static inline void asm_load_gdt(uint64_t base, uint16_t limit)
{
    const struct table_pointer pointer = {limit, base};

    __asm__ volatile("lgdt %0" : : "m"(pointer));
}

static inline void asm_load_idt(uint64_t base, uint16_t limit)
{
    const struct table_pointer pointer = {limit, base};

    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static inline void asm_load_task(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector));
}

static inline void asm_load_ldt(uint16_t selector)
{
    __asm__ volatile("lldt %0" : : "r"(selector));
}

static inline struct table_pointer asm_store_gdt(void)
{
    struct table_pointer pointer;

    __asm__ volatile("sgdt %0" : "=m"(pointer));
    return pointer;
}

static inline struct table_pointer asm_store_idt(void)
{
    struct table_pointer pointer;

    __asm__ volatile("sidt %0" : "=m"(pointer));
    return pointer;
}

static inline uint16_t asm_store_ldt(void)
{
    uint16_t selector;

    __asm__ volatile("sldt %0" : "=r"(selector));
    return selector;
}

static inline uint16_t asm_store_task(void)
{
    uint16_t selector;

    __asm__ volatile("str %0" : "=r"(selector));
    return selector;
}

static inline void asm_flush_page(uint64_t vaddr)
{
    __asm__ volatile("invlpg (%0)" : : "r"(vaddr) : "memory");
}

/*
 * Forget every translation, global ones and paging-structure caches included: Intel SDM volume 3, 4.10.4.1.  False:
 * nothing has been done, CR4.PGE is off, and a load of cr3 forgets as much.
 */
static inline bool asm_flush_global(void)
{
    uint64_t cr4 = asm_read_cr4();

    if (!(cr4 & CR4_PGE))
        return false;
    asm_write_cr4(cr4 & ~CR4_PGE);
    asm_write_cr4(cr4);
    return true;
}

static inline void asm_flush_caches(void)
{
    __asm__ volatile("wbinvd" : : : "memory");
}

static inline _Noreturn void asm_halt_forever(void)
{
    for (;;)
        __asm__ volatile("cli; hlt" : : : "memory");
}
