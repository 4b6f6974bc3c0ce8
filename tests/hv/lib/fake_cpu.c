/* SPDX-License-Identifier: MIT */
/* Intel SDM volume 2: the encodings of what hv/ uses, no more; anything else is a fault of the test's own. */
#define _GNU_SOURCE /* REG_RAX and the others, MAP_FIXED_NOREPLACE */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <tests/hv/lib/fake_cpu.h>

#define PGE (UINT64_C(1) << 7) /* of CR4 */

#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define CR0_TS             (UINT64_C(1) << 3)

struct fake_cpu fake_cpu;

/* An instruction while it is carried out. */
struct fault {
    greg_t *registers;
    const uint8_t *at; /* the next byte */
    uint8_t rex;
};

static const int number_to_register[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                           REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static uint64_t get(const struct fault *fault, unsigned number)
{
    return (uint64_t)fault->registers[number_to_register[number]];
}

static void set(const struct fault *fault, unsigned number, uint64_t value)
{
    fault->registers[number_to_register[number]] = (greg_t)value;
}

static unsigned rex_bit(const struct fault *fault, unsigned bit)
{
    return (fault->rex >> bit & 1u) * 8u;
}

uint64_t *fake_cpu_msr(uint32_t index)
{
    unsigned i = 0;

    while (i < fake_cpu.nr_msrs && fake_cpu.msrs[i].index != index)
        i++;
    if (i == FAKE_MSRS)
        abort();
    if (i == fake_cpu.nr_msrs)
        fake_cpu.msrs[fake_cpu.nr_msrs++].index = index;
    return &fake_cpu.msrs[i].value;
}

/* The address of a memory operand; @fault is behind its ModRM byte, and then behind the operand. */
static uint64_t effective_address(struct fault *fault, uint8_t modrm)
{
    unsigned mode = modrm >> 6, base = modrm & 7u;
    uint64_t address = 0;
    int32_t displacement = 0;

    if (base == 4) {
        uint8_t sib = *fault->at++;
        unsigned index = (sib >> 3 & 7u) + rex_bit(fault, 1);

        base = sib & 7u;
        if (index != 4)
            address = get(fault, index) << (sib >> 6);
    }
    if (mode == 0 && base == 5) {
        memcpy(&displacement, fault->at, 4);
        fault->at += 4;
        return ((modrm & 7u) == 5 ? (uint64_t)fault->at : address) + (uint64_t)(int64_t)displacement;
    }
    address += get(fault, base + rex_bit(fault, 0));
    if (mode == 1)
        displacement = (int8_t)*fault->at++;
    if (mode == 2) {
        memcpy(&displacement, fault->at, 4);
        fault->at += 4;
    }
    return address + (uint64_t)(int64_t)displacement;
}

/* @was: what CR4 has been before, or is. */
static void note_control(unsigned number, uint64_t was)
{
    bool toggles = (fake_cpu.cr[4] ^ was) & PGE;

    fake_cpu.root_loads += number == 3;
    fake_cpu.global_flushes += toggles && (was & PGE);
    if (number == 3)
        fake_cpu.keeps_global = was & PGE;
    if (toggles)
        fake_cpu.keeps_global = false;
}

/* Mov from or to a control or debug register: 0f 20 to 0f 23. */
static bool move(struct fault *fault, uint8_t opcode)
{
    uint8_t modrm = *fault->at++;
    unsigned number = modrm >> 3 & 7u, other = (modrm & 7u) + rex_bit(fault, 0);
    uint64_t *file = opcode & 1 ? fake_cpu.dr : fake_cpu.cr, cr4 = fake_cpu.cr[4];

    if (rex_bit(fault, 2)) {
        number += 8;
        if (opcode != 0x22 || number != 8)
            return false;
        fake_cpu.priority = get(fault, other);
        return true;
    }
    if (!(opcode & 1) && number > 4)
        return false;
    if (opcode & 2)
        file[number] = get(fault, other);
    else
        set(fault, other, file[number]);
    if (opcode == 0x22)
        note_control(number, cr4);
    return true;
}

static void load_table(uint64_t operand, uint64_t *base, uint16_t *limit)
{
    memcpy(limit, (const void *)operand, sizeof(*limit));
    memcpy(base, (const uint8_t *)operand + sizeof(*limit), sizeof(*base));
}

static bool group_0f01(struct fault *fault)
{
    uint8_t modrm = *fault->at++;
    uint64_t *active = fake_cpu_msr(MSR_GS_BASE), *inactive = fake_cpu_msr(MSR_KERNEL_GS_BASE), swapped;

    switch (modrm) {
    case 0xf8: /* swapgs */
        swapped = *active;
        *active = *inactive;
        *inactive = swapped;
        fake_cpu.gs_swaps++;
        return true;
    case 0xd1: /* xsetbv */
        fake_cpu.xcr0 = get(fault, 2) << 32 | (uint32_t)get(fault, 0);
        return (uint32_t)get(fault, 1) == 0;
    case 0xca: /* clac */
    case 0xcb: /* stac */
        fake_cpu.user_access = modrm & 1;
        return true;
    default:
        break;
    }
    if (modrm >> 6 == 3)
        return false;
    switch (modrm >> 3 & 7) {
    case 2:
        load_table(effective_address(fault, modrm), &fake_cpu.gdt_base, &fake_cpu.gdt_limit);
        return true;
    case 3:
        load_table(effective_address(fault, modrm), &fake_cpu.idt_base, &fake_cpu.idt_limit);
        return true;
    case 7:
        fake_cpu.flushed_page = effective_address(fault, modrm);
        fake_cpu.page_flushes++;
        return true;
    default:
        return false;
    }
}

/* lldt and ltr of a register. */
static bool group_0f00(struct fault *fault)
{
    uint8_t modrm = *fault->at++;
    uint16_t value = (uint16_t)get(fault, (modrm & 7u) + rex_bit(fault, 0));
    unsigned which = modrm >> 3 & 7u;

    if (modrm >> 6 != 3 || (which != 2 && which != 3))
        return false;
    *(which == 2 ? &fake_cpu.ldt : &fake_cpu.task) = value;
    return true;
}

static bool two_bytes(struct fault *fault)
{
    uint8_t opcode = *fault->at++;
    uint64_t value;

    switch (opcode) {
    case 0x00:
        return group_0f00(fault);
    case 0x01:
        return group_0f01(fault);
    case 0x06:
        fake_cpu.cr[0] &= ~CR0_TS;
        return true;
    case 0x09:
        fake_cpu.cache_flushes++;
        return true;
    case 0x20 ... 0x23:
        return move(fault, opcode);
    case 0x30:
        *fake_cpu_msr((uint32_t)get(fault, 1)) = get(fault, 2) << 32 | (uint32_t)get(fault, 0);
        return true;
    case 0x32:
        value = *fake_cpu_msr((uint32_t)get(fault, 1));
        set(fault, 0, (uint32_t)value);
        set(fault, 2, value >> 32);
        return true;
    default:
        return false;
    }
}

/* In and out of a byte: e4 and e6 with the port behind them, ec and ee with it in dx. */
static void port_access(struct fault *fault, uint8_t opcode)
{
    uint16_t port = opcode & 8 ? (uint16_t)get(fault, 2) : *fault->at++;

    if (opcode & 2) {
        if (fake_cpu.on_out)
            fake_cpu.on_out(port, (uint8_t)get(fault, 0));
        return;
    }
    set(fault, 0, (get(fault, 0) & ~UINT64_C(0xff)) | (fake_cpu.on_in ? fake_cpu.on_in(port) : 0xff));
}

static bool reach_device(const struct fault *fault, uint64_t address)
{
    return !rex_bit(fault, 3) && address - fake_cpu.device < FAKE_DEVICE_SIZE && fake_cpu.on_device_read &&
           fake_cpu.on_device_write;
}

/* Mov of 32 bits between eax and the device at an address that is part of the instruction: a1, a3. */
static bool device_access_absolute(struct fault *fault, uint8_t opcode)
{
    uint64_t address;

    memcpy(&address, fault->at, 8);
    fault->at += 8;
    if (!reach_device(fault, address))
        return false;
    if (opcode == 0xa1)
        set(fault, 0, fake_cpu.on_device_read(address - fake_cpu.device));
    else
        fake_cpu.on_device_write(address - fake_cpu.device, (uint32_t)get(fault, 0));
    return true;
}

/* The same of any register, or to the device of a constant: 89, 8b, c7. */
static bool device_access(struct fault *fault, uint8_t opcode)
{
    uint8_t modrm = *fault->at++;
    unsigned number = (modrm >> 3 & 7u) + rex_bit(fault, 2);
    uint64_t address, offset;
    uint32_t value;

    /* What is relative to the next instruction would have to look behind a constant first. */
    if (modrm >> 6 == 3 || (modrm & 0xc7) == 5)
        return false;
    address = effective_address(fault, modrm);
    if (!reach_device(fault, address))
        return false;
    offset = address - fake_cpu.device;
    if (opcode == 0x8b) {
        set(fault, number, fake_cpu.on_device_read(offset));
        return true;
    }
    value = (uint32_t)get(fault, number);
    if (opcode == 0xc7) {
        memcpy(&value, fault->at, 4);
        fault->at += 4;
    }
    fake_cpu.on_device_write(offset, value);
    return true;
}

static bool carry_out(struct fault *fault)
{
    uint8_t opcode;

    if ((*fault->at & 0xf0) == 0x40)
        fault->rex = *fault->at++;
    opcode = *fault->at++;
    switch (opcode) {
    case 0xe4:
    case 0xe6:
    case 0xec:
    case 0xee:
        port_access(fault, opcode);
        return true;
    case 0x89:
    case 0x8b:
    case 0xc7:
        return device_access(fault, opcode);
    case 0xa1:
    case 0xa3:
        return device_access_absolute(fault, opcode);
    case 0x0f:
        return two_bytes(fault);
    case 0xfa:
        fake_cpu.interrupts = false;
        return true;
    case 0xfb:
        fake_cpu.interrupts = true;
        return true;
    case 0xf4:
        fake_cpu.halts++;
        if (!fake_cpu.on_halt)
            return false;
        fake_cpu.on_halt();
        return true;
    default:
        return false;
    }
}

static void handle(int number, siginfo_t *info, void *context)
{
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    struct fault fault = {registers, (const uint8_t *)registers[REG_RIP], 0};

    (void)info;
    if (!carry_out(&fault)) {
        fprintf(stderr, "fake_cpu: signal %d, and no instruction of its own at %p\n", number,
                (const void *)registers[REG_RIP]);
        signal(number, SIG_DFL);
        return;
    }
    fake_cpu.instructions++;
    registers[REG_RIP] = (greg_t)fault.at;
}

void fake_cpu_reset(void)
{
    /* Tests fail, and leave, from within: the signal stays open. */
    const struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER};

    memset(&fake_cpu, 0, sizeof(fake_cpu));
    if (sigaction(SIGSEGV, &action, NULL) || sigaction(SIGILL, &action, NULL))
        abort();
}

bool fake_cpu_reserve(uint64_t address, uint64_t size)
{
    void *at = (void *)address;

    return mmap(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at;
}
