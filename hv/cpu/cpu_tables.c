/* SPDX-License-Identifier: MIT */
/* GDT, TSS and IDT: Intel SDM volume 3, 3.4.5 (segments), 6.14 (gates), 8.2 (TSS). */
#include <abi/segment.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/trap.h>

#define GDT_PAGES 15u
_Static_assert(GDT_PAGES == FIRST_RESERVED_GDT_PAGE + 1, "the hypervisor's page follows the guest's");
#define GDT_LIMIT (GDT_PAGES * PAGE_SIZE - 1)

/* Flat segments; the accessed bit is set, so that the processor never writes. */
#define FLAT           UINT64_C(0x00cf90000000ffff) /* base 0, limit 4 GiB, present */
#define CODE           (UINT64_C(0xb) << 40)
#define DATA           (UINT64_C(0x3) << 40)
#define DPL(ring)      ((uint64_t)(ring) << 45)
#define LONG           (UINT64_C(1) << 53)
#define DEFAULT_32     (UINT64_C(1) << 54)
#define CODE_64(ring)  ((FLAT | CODE | LONG | DPL(ring)) & ~DEFAULT_32)
#define CODE_32(ring)  (FLAT | CODE | DPL(ring))
#define DATA_ANY(ring) (FLAT | DATA | DPL(ring))

#define TSS_AVAILABLE  UINT64_C(0x89)
#define LDT_PRESENT    UINT64_C(0x82)
#define GATE_INTERRUPT UINT64_C(0x8e) /* present, DPL 0 */
#define GATE_RING1     UINT64_C(0x20) /* and DPL 1 */
#define GATE_RING3     UINT64_C(0x60) /* and DPL 3 */

struct gate {
    uint64_t low, high;
};

static struct gate idt[TRAP_VECTORS] __attribute__((aligned(4096)));

/* VECTOR_DEBUG is not among them yet: hv/cpu/debug_stack.c. */
static const uint8_t vector_ist[TRAP_VECTORS] = {
    [VECTOR_NMI] = IST_NMI,
    [VECTOR_DOUBLE_FAULT] = IST_DOUBLE_FAULT,
    [VECTOR_MACHINE_CHECK] = IST_MACHINE_CHECK,
};

/* What guests may raise by an instruction, with the frame of an exception: int3, into, int $0x80. */
static bool is_open_to_guests(unsigned vector)
{
    return vector == VECTOR_BREAKPOINT || vector == VECTOR_OVERFLOW || vector == VECTOR_INT80;
}

/* The place of @selector in the hypervisor's page. */
static unsigned page_index(unsigned selector)
{
    return (selector - FIRST_RESERVED_GDT_BYTE) / 8;
}

/* A descriptor of two places: @limit below 64 KiB. */
static void fill_system(uint64_t *page, unsigned selector, uint64_t base, uint64_t limit, uint64_t type)
{
    unsigned index = page_index(selector);

    page[index] = limit | (base & 0xffffff) << 16 | type << 40 | (base >> 24 & 0xff) << 56;
    page[index + 1] = base >> 32;
}

static void fill_gdt_pages(struct cpu *cpu)
{
    uint64_t *wide = cpu->gdt_pages[WIDTH_64], *compat = cpu->gdt_pages[WIDTH_PAE];

    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        cpu->gdt_pages[width][page_index(HV_CS)] = CODE_64(0);
        cpu->gdt_pages[width][page_index(HV_DS)] = DATA_ANY(0);
        fill_system(cpu->gdt_pages[width], HV_TSS, (uint64_t)&cpu->tss, sizeof(cpu->tss) - 1, TSS_AVAILABLE);
    }
    wide[page_index(FLAT_RING3_CS32)] = CODE_32(3);
    wide[page_index(FLAT_RING3_DS32)] = DATA_ANY(3);
    wide[page_index(FLAT_RING3_CS64)] = CODE_64(3);
    compat[page_index(FLAT_RING1_CS)] = CODE_32(1);
    compat[page_index(FLAT_RING1_DS)] = DATA_ANY(1);
    compat[page_index(FLAT_RING3_CS)] = CODE_32(3);
    compat[page_index(FLAT_RING3_DS)] = DATA_ANY(3);
}

static void fill_tss(struct cpu *cpu)
{
    cpu->tss.io_map = sizeof(cpu->tss);
    for (unsigned i = IST_NMI; i < IST_COUNT; i++) {
        cpu->tss.ist[i - 1] = cpu_ist_stack(cpu, i);
        *(struct stack_owner *)cpu_ist_stack(cpu, i) = (struct stack_owner){.cpu = cpu};
    }
    cpu->tss.ist[IST_DEBUG - 1] = cpu_sysenter_stack(cpu);
}

static void fill_gate(unsigned vector, uint64_t entry, uint64_t type)
{
    idt[vector].low = (entry & 0xffff) | (uint64_t)HV_CS << 16 | (uint64_t)vector_ist[vector] << 32 | type << 40 |
                      (entry >> 16 & 0xffff) << 48;
    idt[vector].high = entry >> 32;
}

static void fill_stub(unsigned vector, const uint8_t *stubs)
{
    fill_gate(vector, (uint64_t)stubs + (uint64_t)vector * ENTRY_STUB_SIZE,
              is_open_to_guests(vector) ? GATE_INTERRUPT | GATE_RING3 : GATE_INTERRUPT);
}

/* Calls of 32-bit kernels are open to these alone: 64-bit guests, and programs, are in ring 3. */
void cpu_tables_init_gates(void)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        fill_stub(i, entry_stubs);
    fill_gate(VECTOR_HYPERCALL32, (uint64_t)entry_hypercall32, GATE_INTERRUPT | GATE_RING1);
}

void cpu_tables_trace_calls(void)
{
    fill_gate(VECTOR_HYPERCALL32, (uint64_t)entry_traced32, GATE_INTERRUPT | GATE_RING1);
}

void cpu_tables_trace_traps(void)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        if (i != VECTOR_HYPERCALL32 && i != VECTOR_DEBUG && !vector_ist[i])
            fill_stub(i, entry_traced_traps);
    }
}

void cpu_tables_set_stack(unsigned vector, unsigned ist)
{
    idt[vector].low |= (uint64_t)ist << 32;
}

void cpu_tables_load_gdt(uint64_t base)
{
    asm_load_gdt(base, GDT_LIMIT);
}

void cpu_tables_load_ldt(struct cpu *cpu, uint64_t base, unsigned entries)
{
    if (entries == 0) {
        asm_load_ldt(0);
        return;
    }
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++)
        fill_system(cpu->gdt_pages[width], HV_LDT, base, (uint64_t)entries * sizeof(uint64_t) - 1, LDT_PRESENT);
    asm_load_ldt(HV_LDT);
}

uint64_t cpu_tables_gdt_page(const struct cpu *cpu, enum width width)
{
    return cpu->maddr + offsetof(struct cpu, gdt_pages) + width * sizeof(cpu->gdt_pages[0]);
}

void cpu_tables_init(struct cpu *cpu)
{
    fill_gdt_pages(cpu);
    fill_tss(cpu);
    /* What lies in front of the hypervisor's page is no table yet, but there is no guest either to use it. */
    cpu_tables_load_gdt((uint64_t)cpu->gdt_pages[WIDTH_64] - FIRST_RESERVED_GDT_BYTE);
    entry_reload_segments();
    asm_load_idt((uint64_t)idt, sizeof(idt) - 1);
    asm_load_task(HV_TSS);
    asm_load_ldt(0);
}
