/* SPDX-License-Identifier: MIT */
/*
 * Start of day on bare hardware.  What init.c does with hypercalls is done here with the instructions that those stand
 * for, so that the rest of a kernel need not know.
 */
#include <abi/segment.h>
#include <guest/guest.h>
#include <guest/native.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>

/* What a PVH loader hands over: start information, version 1, and its memory map. */
struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct hvm_memmap_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type; /* 1: RAM */
    uint32_t reserved;
};

#define HVM_START_MAGIC 0x336ec578u
#define HVM_MEMMAP_RAM  1u

#define SERIAL      0x3f8u
#define EXIT_PORT   0xf4u
#define EXIT_GOOD   0x10u
#define EXIT_FAILED 0x15u

#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_SYSCALL_MASK 0xc0000084u

#define GATE_INTERRUPT 0x8eu /* present, for ring 0 */
#define GATE_USER      0xeeu /* the same, and user mode may raise it */
#define TSS_SIZE       104u
#define ENTRY_STRIDE   16u

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t stack;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t zero;
};
_Static_assert(sizeof(struct gate) == 16, "gate");

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

extern char image_end[], native_entries[], native_syscall[];
extern uint64_t native_gdt[NATIVE_GDT_SLOTS], native_l4[];
uint8_t native_tss[TSS_SIZE] __attribute__((aligned(16)));

static struct gate idt[256];
static struct start_info start;
static struct vcpu_info vcpu;

_Noreturn void native_main(uint64_t start_paddr);
void native_dispatch(struct regs *regs);

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void write_msr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* 115200 baud, 8 bits, no interrupts, queues on. */
static void serial_init(void)
{
    static const uint8_t settings[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 3}};

    for (unsigned i = 0; i < ARRAY_SIZE(settings); i++)
        out8((uint16_t)(SERIAL + settings[i][0]), settings[i][1]);
}

static void serial_put(char letter)
{
    while (!(in8(SERIAL + 5) & 0x20))
        cpu_relax();
    out8(SERIAL, (uint8_t)letter);
}

void native_console_write(const char *text, size_t length)
{
    for (; length; length--, text++) {
        if (*text == '\n')
            serial_put('\r');
        serial_put(*text);
    }
}

_Noreturn void native_shutdown(unsigned reason)
{
    static const struct table_register none;

    out8(EXIT_PORT, reason ? EXIT_FAILED : EXIT_GOOD);
    for (;;)
        __asm__ volatile("lidt %0; int3" ::"m"(none));
}

uint64_t *native_root(void)
{
    return native_l4;
}

uint64_t native_first_free_pfn(void)
{
    return virt_to_pfn(image_end + PAGE_SIZE - 1).v;
}

/* Called by the entry code.  The address of a fault stands where a hypervisor would put it. */
void native_dispatch(struct regs *regs)
{
    if (regs->vector == TRAP_PF)
        __asm__ volatile("movq %%cr2, %0" : "=r"(vcpu.arch.cr2));
    trap_dispatch(regs);
}

static void load_descriptors(void)
{
    /* Only the end of the table exists: selectors below NATIVE_GDT_FIRST name what lies before it in memory. */
    struct table_register gdtr = {NATIVE_GDT_FIRST + sizeof(native_gdt) - 1, (uint64_t)native_gdt - NATIVE_GDT_FIRST};
    struct table_register idtr = {sizeof(idt) - 1, (uint64_t)idt};
    uint64_t tss = (uint64_t)native_tss;
    uint64_t *descriptor = &native_gdt[(NATIVE_TSS - NATIVE_GDT_FIRST) / 8];

    descriptor[0] = (TSS_SIZE - 1) | (tss & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (tss >> 24 & 0xff) << 56;
    descriptor[1] = tss >> 32;
    native_tss[TSS_SIZE - 2] = TSS_SIZE; /* no map of I/O ports */
    __asm__ volatile("lgdt %0" ::"m"(gdtr));
    __asm__ volatile("ltr %w0" ::"r"(NATIVE_TSS));
    __asm__ volatile("lidt %0" ::"m"(idtr));
}

static void traps_init(void)
{
    for (unsigned vector = 0; vector < ARRAY_SIZE(idt); vector++) {
        uint64_t entry = (uint64_t)native_entries + (uint64_t)vector * ENTRY_STRIDE;
        bool user = vector == TRAP_BP || vector == TRAP_OF || vector == 0x80;

        idt[vector] = (struct gate){.offset_low = (uint16_t)entry,
                                    .selector = NATIVE_CS,
                                    .type = user ? GATE_USER : GATE_INTERRUPT,
                                    .offset_middle = (uint16_t)(entry >> 16),
                                    .offset_high = (uint32_t)(entry >> 32)};
    }
    load_descriptors();
    write_msr(MSR_STAR, (uint64_t)(FLAT_USER_SS64 - 8) << 48 | (uint64_t)NATIVE_CS << 32);
    write_msr(MSR_LSTAR, (uint64_t)native_syscall);
    write_msr(MSR_SYSCALL_MASK, RFLAGS_IF | RFLAGS_TF | RFLAGS_DF | RFLAGS_AC);
    out8(0x21, 0xff); /* both interrupt controllers: nothing */
    out8(0xa1, 0xff);
}

/* The end of the RAM that begins at or below the image, as far as it is mapped. */
static uint64_t ram_end(const struct hvm_start_info *info)
{
    const struct hvm_memmap_entry *map = pfn_to_virt(PFN(0));
    uint64_t image = (uint64_t)image_end - VIRT_BASE;

    map = (const struct hvm_memmap_entry *)((uint64_t)map + info->memmap_paddr);
    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        uint64_t end = map[i].addr + map[i].size;

        if (map[i].type == HVM_MEMMAP_RAM && map[i].addr < image && image < end)
            return end < NATIVE_MEMORY_MAX ? end : NATIVE_MEMORY_MAX;
    }
    return image;
}

static void copy_command_line(const struct hvm_start_info *info)
{
    const char *text = (const char *)(VIRT_BASE + info->cmdline_paddr);

    for (size_t i = 0; info->cmdline_paddr && text[i] && i < sizeof(start.cmd_line) - 1; i++)
        start.cmd_line[i] = text[i];
}

_Noreturn void native_main(uint64_t start_paddr)
{
    const struct hvm_start_info *info = (const struct hvm_start_info *)(VIRT_BASE + start_paddr);

    serial_init();
    guest.native = true;
    guest.start = &start;
    guest.vcpu = &vcpu;
    table_set_root(native_l4);
    traps_init();
    if (info->magic != HVM_START_MAGIC || info->version < 1)
        guest_panic("the loader handed over no PVH start information of version 1 with a memory map");
    start.nr_pages = ram_end(info) >> PAGE_SHIFT;
    copy_command_line(info);
    guest_main();
    native_shutdown(0);
}
