/* SPDX-License-Identifier: MIT */
/* The tables through which bare hardware finds segments, stacks and handlers: GDT, TSS, IDT. */
#include <abi/segment.h>
#include <guest/native.h>

#define GATE_INTERRUPT 0x8eu /* present, for ring 0 */
#define GATE_USER      0xeeu /* the same, and user mode may raise it */
#define ENTRY_STRIDE   16u

#define SLOT(selector) (((selector)-NATIVE_GDT_FIRST) / 8)

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t zero;
    uint8_t type;
    uint16_t offset_high;
};
_Static_assert(sizeof(struct gate) == 8, "gate");

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint32_t base;
};

extern char native_entries[];
extern uint8_t native_tss[NATIVE_TSS_SIZE];

/* native_start.S loads it too. */
uint64_t native_gdt[NATIVE_GDT_SLOTS] = {
    [SLOT(NATIVE_CS)] = UINT64_C(0x00cf9b000000ffff),    /* code, ring 0 */
    [SLOT(NATIVE_SS)] = UINT64_C(0x00cf93000000ffff),    /* data, ring 0 */
    [SLOT(FLAT_USER_CS)] = UINT64_C(0x00cffb000000ffff), /* code, ring 3 */
    [SLOT(FLAT_USER_SS)] = UINT64_C(0x00cff3000000ffff), /* data, ring 3 */
};

static struct gate idt[256];

static void load_descriptors(void)
{
    /* Only the end of the table exists: selectors below NATIVE_GDT_FIRST name what lies before it in memory. */
    struct table_register gdtr = {NATIVE_GDT_FIRST + sizeof(native_gdt) - 1, (uintptr_t)native_gdt - NATIVE_GDT_FIRST};
    struct table_register idtr = {sizeof(idt) - 1, (uintptr_t)idt};
    uint64_t tss = (uintptr_t)native_tss;

    native_gdt[SLOT(NATIVE_TSS)] =
        (NATIVE_TSS_SIZE - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (tss >> 24 & 0xff) << 56;
    native_tss[NATIVE_TSS_SIZE - 2] = NATIVE_TSS_SIZE; /* no map of I/O ports */
    __asm__ volatile("lgdt %0" ::"m"(gdtr));
    __asm__ volatile("ltr %w0" ::"r"(NATIVE_TSS));
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

void native_traps_init(void)
{
    for (unsigned vector = 0; vector < ARRAY_SIZE(idt); vector++) {
        uintptr_t entry = (uintptr_t)native_entries + vector * ENTRY_STRIDE;
        bool user = vector == TRAP_BP || vector == TRAP_OF || vector == 0x80;

        idt[vector] = (struct gate){.offset_low = (uint16_t)entry,
                                    .selector = NATIVE_CS,
                                    .type = user ? GATE_USER : GATE_INTERRUPT,
                                    .offset_high = (uint16_t)(entry >> 16)};
    }
    load_descriptors();
}
