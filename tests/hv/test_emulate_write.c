/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/emulate_write.c hv/emulate/emulation.c hv/emulate/operand.c hv/emulate/alu.c hv/emulate/decode.c */
/* links: hv/emulate/decode_table.c */
/*
 * Write emulation against the processor that the test runs on.  Random instructions with random operands are executed
 * three times: natively on memory that is read-only, for the address of the fault; by emulate_write() on a copy; and
 * natively on memory that can be written.  Then memory, registers and flags must be the same.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#include <asm/prctl.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulate.h>
#include <hv/mem/window.h>

#define BUFFER_SIZE 0x8000u
#define GS_BASE     UINT64_C(0x12340)
#define RUNS        300000u

static uint8_t *buffer, *code, copy[BUFFER_SIZE];
static struct hv_domain domain;
static struct hv_vcpu vcpu;

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static unsigned below(unsigned limit)
{
    return (unsigned)((random_next() >> 20) % limit);
}

/*
 * ---- What the emulation calls.
 */

static unsigned exceptions;

uint64_t window_base(unsigned window)
{
    (void)window;
    return 0;
}

/* The descriptor of a flat 64-bit code segment, whichever is asked for. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    const uint64_t descriptor = UINT64_C(0x00affb000000ffff);

    (void)from;
    assert_int_equal(size, sizeof(descriptor));
    memcpy(to, &descriptor, size);
    return 0;
}

bool access_address_ok(const struct domain *d, uint64_t address)
{
    (void)d;
    (void)address;
    return true;
}

bool access_read(struct vcpu *v, void *to, vaddr_t from, size_t size)
{
    const uint8_t *place = (const uint8_t *)from.v;

    (void)v;
    /* What is read of the buffer is the copy's: the buffer itself is the processor's. */
    if (place >= buffer && place + size <= buffer + BUFFER_SIZE)
        place = copy + (place - buffer);
    memcpy(to, place, size);
    return true;
}

bool access_write(struct vcpu *v, vaddr_t to, const void *from, size_t size)
{
    (void)v;
    (void)to;
    (void)from;
    (void)size;
    return false;
}

void bounce_page_fault(struct hv_vcpu *v, uint64_t address, uint64_t error)
{
    (void)v;
    (void)address;
    (void)error;
    exceptions++;
}

void bounce_exception(struct hv_vcpu *v, unsigned vector)
{
    (void)v;
    (void)vector;
    exceptions++;
}

uint64_t state_fs_base(void)
{
    return 0;
}

uint64_t state_gs_base(void)
{
    return GS_BASE;
}

static uint64_t apply(const struct table_write *write, uint64_t seen)
{
    switch (write->form) {
    case WRITE_MOV:
    case WRITE_XCHG:
        return write->operand;
    case WRITE_CMPXCHG:
        return write->expected == seen ? write->operand : seen;
    case WRITE_AND:
        return seen & write->operand;
    case WRITE_OR:
        return seen | write->operand;
    case WRITE_XOR:
        return seen ^ write->operand;
    case WRITE_ADD:
        return seen + write->operand;
    }
    return 0;
}

int table_write_emulate(struct vcpu *v, struct table_write *write)
{
    uint64_t offset = write->vaddr.v - (uint64_t)buffer, value;

    (void)v;
    if (write->vaddr.v % write->bytes)
        return -22;
    assert_true(offset < BUFFER_SIZE);
    write->seen = 0;
    memcpy(&write->seen, copy + offset, write->bytes);
    value = apply(write, write->seen);
    memcpy(copy + offset, &value, write->bytes);
    return 0;
}

/*
 * ---- The processor.
 */

/* In the order of the numbers of registers. */
struct registers {
    uint64_t general[16];
    uint64_t rflags;
};

struct registers native_in __attribute__((used)), native_out __attribute__((used));
uint64_t native_stack __attribute__((used));
const uint8_t *native_code __attribute__((used));
void native_run(void);
extern const uint8_t native_exit[];

/* Load all registers, rsp too, and jump to the code, which jumps to native_exit. */
__asm__(".text\n"
        "native_run:\n"
        "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
        "    mov %rsp, native_stack(%rip)\n"
        "    pushq 128+native_in(%rip); popfq\n"
        "    mov 0+native_in(%rip), %rax; mov 8+native_in(%rip), %rcx; mov 16+native_in(%rip), %rdx\n"
        "    mov 24+native_in(%rip), %rbx; mov 32+native_in(%rip), %rsp; mov 40+native_in(%rip), %rbp\n"
        "    mov 48+native_in(%rip), %rsi; mov 56+native_in(%rip), %rdi; mov 64+native_in(%rip), %r8\n"
        "    mov 72+native_in(%rip), %r9; mov 80+native_in(%rip), %r10; mov 88+native_in(%rip), %r11\n"
        "    mov 96+native_in(%rip), %r12; mov 104+native_in(%rip), %r13; mov 112+native_in(%rip), %r14\n"
        "    mov 120+native_in(%rip), %r15\n"
        "    jmp *native_code(%rip)\n"
        "    .globl native_exit\n"
        "native_exit:\n"
        "    mov %rax, 0+native_out(%rip); mov %rcx, 8+native_out(%rip); mov %rdx, 16+native_out(%rip)\n"
        "    mov %rbx, 24+native_out(%rip); mov %rsp, 32+native_out(%rip); mov %rbp, 40+native_out(%rip)\n"
        "    mov %rsi, 48+native_out(%rip); mov %rdi, 56+native_out(%rip); mov %r8, 64+native_out(%rip)\n"
        "    mov %r9, 72+native_out(%rip); mov %r10, 80+native_out(%rip); mov %r11, 88+native_out(%rip)\n"
        "    mov %r12, 96+native_out(%rip); mov %r13, 104+native_out(%rip); mov %r14, 112+native_out(%rip)\n"
        "    mov %r15, 120+native_out(%rip)\n"
        "    mov native_stack(%rip), %rsp\n"
        "    pushfq; popq 128+native_out(%rip)\n"
        "    cld\n"
        "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
        "    ret\n");

static volatile sig_atomic_t faults;
static volatile uint64_t fault_address;

static void on_fault(int number, siginfo_t *info, void *context)
{
    ucontext_t *where = context;
    const uint8_t *rip = (const uint8_t *)where->uc_mcontext.gregs[REG_RIP];

    if (rip < code || rip >= code + 4096) {
        signal(number, SIG_DFL);
        return;
    }
    faults = number == SIGSEGV ? 1 : 2;
    fault_address = (uint64_t)info->si_addr;
    where->uc_mcontext.gregs[REG_RIP] = (greg_t)native_exit;
}

static int set_up(void **state)
{
    static uint8_t fault_stack[0x20000];
    const stack_t stack = {.ss_sp = fault_stack, .ss_size = sizeof(fault_stack)};

    (void)state;
    buffer = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (buffer == MAP_FAILED || code == MAP_FAILED)
        return -1;
    if (sigaltstack(&stack, NULL) || syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE))
        return -1;
    domain.domain.writable_tables = true;
    vcpu.vcpu.domain = &domain.domain;
    return 0;
}

/* Run the code.  0: it came to its end; 1: it faulted at fault_address; 2: otherwise. */
static int run_native(bool writable)
{
    faults = 0;
    assert_int_equal(mprotect(buffer, BUFFER_SIZE, writable ? PROT_READ | PROT_WRITE : PROT_READ), 0);
    native_code = code;
    native_run();
    return faults;
}

/*
 * ---- A random instruction whose operand lies in the buffer.
 */

enum shape {
    SHAPE_REG,      /* ModRM with a register */
    SHAPE_BIT_REG,  /* the same, whose register numbers a bit */
    SHAPE_IMM,      /* ModRM and an immediate of the operand's size */
    SHAPE_IMM8,     /* ModRM and a byte */
    SHAPE_MODRM,    /* ModRM */
    SHAPE_ABSOLUTE, /* an address */
    SHAPE_STRING,
};

static const struct template
{
    uint8_t bytes[2];
    uint8_t count;
    uint8_t byte_size; /* the operand has 8 bits */
    enum shape shape;
    int reg; /* the register field of ModRM; -1: any */
    bool lock;
    uint64_t undefined; /* flags */
}
templates[] = {
#define BOTH(code, shape, reg, lock, undefined)         \
    {{(code)}, 1, 1, shape, reg, lock, undefined},      \
    {                                                   \
        {(code) + 1}, 1, 0, shape, reg, lock, undefined \
    }
#define BOTH_TWO(code, shape, reg, lock, undefined)           \
    {{0x0f, (code)}, 2, 1, shape, reg, lock, undefined},      \
    {                                                         \
        {0x0f, (code) + 1}, 2, 0, shape, reg, lock, undefined \
    }
#define LOGIC RFLAGS_AF
#define BITS  (RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF)
    BOTH(0x00, SHAPE_REG, -1, true, 0),
    BOTH(0x08, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x10, SHAPE_REG, -1, true, 0),
    BOTH(0x18, SHAPE_REG, -1, true, 0),
    BOTH(0x20, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x28, SHAPE_REG, -1, true, 0),
    BOTH(0x30, SHAPE_REG, -1, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 0, true, 0),
    BOTH(0x80, SHAPE_IMM, 1, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 2, true, 0),
    BOTH(0x80, SHAPE_IMM, 3, true, 0),
    BOTH(0x80, SHAPE_IMM, 4, true, LOGIC),
    BOTH(0x80, SHAPE_IMM, 5, true, 0),
    BOTH(0x80, SHAPE_IMM, 6, true, LOGIC),
    {{0x83}, 1, 0, SHAPE_IMM8, 0, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 1, true, LOGIC},
    {{0x83}, 1, 0, SHAPE_IMM8, 2, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 3, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 4, true, LOGIC},
    {{0x83}, 1, 0, SHAPE_IMM8, 5, true, 0},
    {{0x83}, 1, 0, SHAPE_IMM8, 6, true, LOGIC},
    BOTH(0x86, SHAPE_REG, -1, true, 0),
    BOTH(0x88, SHAPE_REG, -1, false, 0),
    BOTH(0xa2, SHAPE_ABSOLUTE, -1, false, 0),
    BOTH(0xa4, SHAPE_STRING, -1, false, 0),
    BOTH(0xaa, SHAPE_STRING, -1, false, 0),
    BOTH(0xc6, SHAPE_IMM, 0, false, 0),
    BOTH(0xf6, SHAPE_MODRM, 2, true, 0),
    BOTH(0xf6, SHAPE_MODRM, 3, true, 0),
    BOTH(0xfe, SHAPE_MODRM, 0, true, 0),
    BOTH(0xfe, SHAPE_MODRM, 1, true, 0),
    {{0x0f, 0xab}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xb3}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xbb}, 2, 0, SHAPE_BIT_REG, -1, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 5, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 6, true, BITS},
    {{0x0f, 0xba}, 2, 0, SHAPE_IMM8, 7, true, BITS},
    BOTH_TWO(0xb0, SHAPE_REG, -1, true, 0),
    BOTH_TWO(0xc0, SHAPE_REG, -1, true, 0),
    {{0x0f, 0xc3}, 2, 0, SHAPE_REG, -1, false, 0},
    {{0x0f, 0xc7}, 2, 0, SHAPE_MODRM, 1, true, 0},
};
#define TEMPLATES (sizeof(templates) / sizeof(templates[0]))

struct made {
    const struct template *template;
    uint8_t bytes[32];
    unsigned length;
    unsigned rex;
    bool operand_size, address_size, gs;
};

static uint64_t any_value(void)
{
    static const uint64_t edges[] = {0,          1,          0x7f,
                                     0x80,       0xff,       0x7fff,
                                     0x8000,     0xffff,     0x7fffffff,
                                     0x80000000, 0xffffffff, 0x7fffffffffffffff,
                                     0x10,       UINT64_MAX, UINT64_MAX / 2 + 1,
                                     0x0f};

    return below(2) ? edges[below(sizeof(edges) / sizeof(edges[0]))] : random_next();
}

static void put(struct made *made, uint64_t value, unsigned count)
{
    memcpy(made->bytes + made->length, &value, count);
    made->length += count;
}

static unsigned operand_size(const struct made *made)
{
    if (made->template->byte_size)
        return 1;
    return made->rex & 8 ? 8 : made->operand_size ? 2 : 4;
}

static bool is_movnti(const struct made *made)
{
    return made->template->bytes[1] == 0xc3;
}

static void put_prefixes(struct made *made)
{
    static const uint8_t ignored[] = {0x26, 0x2e, 0x36, 0x3e};
    bool repeat = below(3) == 0 && !is_movnti(made);

    for (unsigned i = below(4); i > 0; i--) {
        switch (below(4)) {
        case 0:
            if (is_movnti(made))
                break;
            made->operand_size = true;
            put(made, 0x66, 1);
            break;
        case 1:
            made->address_size = true;
            put(made, 0x67, 1);
            break;
        case 2:
            made->gs = true;
            put(made, 0x65, 1);
            break;
        case 3:
            put(made, ignored[below(4)], 1);
            break;
        }
    }
    if (made->template->lock && below(2))
        put(made, 0xf0, 1);
    if (repeat)
        put(made, below(2) ? 0xf2 : 0xf3, 1);
    if (below(2)) {
        made->rex = 0x40 + below(16);
        if (made->template->bytes[1] == 0xc7)
            made->rex &= ~8u;
        put(made, made->rex, 1);
    }
}

static uint64_t truncated(const struct made *made, uint64_t address)
{
    return made->address_size ? (uint32_t)address : address;
}

/* Set a register that addresses: with a small address size its upper half may be anything. */
static void set_address(const struct made *made, unsigned number, uint64_t value)
{
    native_in.general[number] = made->address_size ? (uint32_t)value | random_next() << 32 : value;
}

/*
 * ModRM, SIB and displacement that lead to @target, which is not yet beyond the base of gs.  False: these do not.
 */
static bool put_memory(struct made *made, uint64_t target, unsigned behind)
{
    unsigned mod = below(3), reg = below(8), rm = below(8), base = rm | (made->rex & 1) << 3, index = 16, sib = 0;
    unsigned displacement_size = mod == 1 ? 1 : mod == 2 ? 4 : 0;
    bool has_base = true, from_rip = false;
    uint64_t sum = 0, displacement = 0;

    if (made->template->reg >= 0)
        reg = (unsigned)made->template->reg;
    if (rm == 4) {
        sib = below(256);
        index = (sib >> 3 & 7) | (made->rex & 2) << 2;
        base = (sib & 7) | (made->rex & 1) << 3;
        has_base = (sib & 7) != 5 || mod != 0;
    } else if (rm == 5 && mod == 0) {
        has_base = false;
        from_rip = true;
    }
    if (!has_base)
        displacement_size = 4;
    if (rm == 4 && index != 4)
        sum += native_in.general[index] << (sib >> 6);
    if (has_base)
        sum += native_in.general[base];
    put(made, mod << 6 | reg << 3 | rm, 1);
    if (rm == 4)
        put(made, sib, 1);
    if (from_rip)
        sum += (uint64_t)code + made->length + 4 + behind;
    if (displacement_size == 1)
        displacement = (uint64_t)(int64_t)(int8_t)below(256);
    else if (displacement_size == 4)
        displacement = (uint64_t)(int64_t)(int32_t)(target - sum);
    put(made, displacement, displacement_size);
    sum += displacement;
    if (truncated(made, sum) == target)
        return true;
    /* Otherwise the base, if that is not the index too. */
    if (!has_base || base == index)
        return false;
    set_address(made, base, native_in.general[base] + (target - sum));
    return true;
}

/* The register that numbers a bit stays near; what lies above the operand's size is not looked at. */
static void limit_bit(const struct made *made, unsigned reg)
{
    uint64_t number = (uint64_t)(int64_t)((int)below(4000) - 2000);
    unsigned bits = 8 * operand_size(made);

    if (bits < 64)
        number = (number & ((UINT64_C(1) << bits) - 1)) | random_next() << bits;
    native_in.general[reg] = number;
}

static bool make(struct made *made)
{
    uint64_t target = (uint64_t)buffer + BUFFER_SIZE / 2 + 8 * below(64);
    unsigned immediate, size, modrm_at;

    *made = (struct made){.template = &templates[below(TEMPLATES)]};
    for (unsigned i = 0; i < 16; i++)
        native_in.general[i] = any_value();
    native_in.rflags =
        0x202 | (random_next() & (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF | RFLAGS_DF));
    put_prefixes(made);
    size = operand_size(made);
    target += below(8) / size * size;
    if (made->gs)
        target -= GS_BASE;
    memcpy(made->bytes + made->length, made->template->bytes, made->template->count);
    made->length += made->template->count;
    modrm_at = made->length;
    immediate = made->template->shape == SHAPE_IMM8  ? 1
                : made->template->shape == SHAPE_IMM ? (size < 4 ? size : 4)
                                                     : 0;
    switch (made->template->shape) {
    case SHAPE_STRING: /* gs does not count for what is written, but for what is read */
        set_address(made, 7, target + (made->gs ? GS_BASE : 0));
        set_address(made, 6, target + 8 * below(200));
        set_address(made, 1, below(4));
        break;
    case SHAPE_ABSOLUTE:
        put(made, target, made->address_size ? 4 : 8);
        break;
    default:
        if (!put_memory(made, target, immediate))
            return false;
        break;
    }
    if (made->template->shape == SHAPE_BIT_REG) {
        unsigned reg = (made->bytes[modrm_at] >> 3 & 7) | (made->rex & 4) << 1;

        limit_bit(made, reg);
    }
    put(made, any_value(), immediate);
    return true;
}

/*
 * ---- The comparison.
 */

static uint64_t *frame_register(struct cpu_frame *frame, unsigned number)
{
    uint64_t *const list[16] = {&frame->rax, &frame->rcx, &frame->rdx, &frame->rbx, &frame->rsp, &frame->rbp,
                                &frame->rsi, &frame->rdi, &frame->r8,  &frame->r9,  &frame->r10, &frame->r11,
                                &frame->r12, &frame->r13, &frame->r14, &frame->r15};

    return list[number];
}

static void fail_with(const struct made *made, const char *what)
{
    printf("%s:", what);
    for (unsigned i = 0; i < made->length; i++)
        printf(" %02x", made->bytes[i]);
    printf("; native rflags %lx -> %lx, emulated %lx, rip + %ld\n", native_in.rflags, native_out.rflags,
           vcpu.frame->rflags, (long)(vcpu.frame->rip - (uint64_t)code));
    for (unsigned i = 0; i < 16; i++)
        printf("  %2u: %016lx -> %016lx, emulated %016lx\n", i, native_in.general[i], native_out.general[i],
               *frame_register(vcpu.frame, i));
    fail();
}

static void load_frame(struct cpu_frame *frame)
{
    for (unsigned i = 0; i < 16; i++)
        *frame_register(frame, i) = native_in.general[i];
    frame->rip = (uint64_t)code;
    frame->cs = 0xe033;
    frame->rflags = native_in.rflags | RFLAGS_RF;
}

/* False: refused. */
static bool emulate(const struct made *made, uint64_t address)
{
    unsigned trips = 0;

    load_frame(vcpu.frame);
    while (vcpu.frame->rip == (uint64_t)code) {
        if (emulate_write(&vcpu, address, PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE) != EMULATE_DONE)
            return false;
        if (++trips > 4)
            fail_with(made, "does not end");
        address = truncated(made, vcpu.frame->rdi); /* of the next element */
    }
    return true;
}

static void compare(const struct made *made)
{
    uint64_t flags = ~(made->template->undefined | RFLAGS_RF);

    if (exceptions)
        fail_with(made, "an exception");
    if (vcpu.frame->rip != (uint64_t)code + made->length)
        fail_with(made, "rip");
    if (vcpu.frame->rflags & RFLAGS_RF)
        fail_with(made, "RF");
    if ((vcpu.frame->rflags & flags) != (native_out.rflags & flags))
        fail_with(made, "flags");
    for (unsigned i = 0; i < 16; i++) {
        if (*frame_register(vcpu.frame, i) != native_out.general[i])
            fail_with(made, "registers");
    }
    if (memcmp(buffer, copy, BUFFER_SIZE) != 0)
        fail_with(made, "memory");
}

/* A jump that changes no register and no flag. */
static void place_code(const struct made *made)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    const uint8_t *end = native_exit;

    memcpy(code, made->bytes, made->length);
    memcpy(code + made->length, jump, sizeof(jump));
    memcpy(code + made->length + sizeof(jump), &end, sizeof(end));
}

static void fill_memory(void)
{
    mprotect(buffer, BUFFER_SIZE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < BUFFER_SIZE / 8; i++) {
        uint64_t value = any_value();

        memcpy(buffer + 8 * i, &value, 8);
    }
}

static bool may_be_expected(const struct made *made)
{
    return made->template->bytes[0] == 0x0f && (made->template->bytes[1] & 0xfe) == 0xb0;
}

/* Half of all comparisons are to succeed. */
static void set_expected(const struct made *made, uint64_t address)
{
    uint64_t seen = 0;

    if (made->template->bytes[1] == 0xc7) {
        memcpy(&seen, buffer + (address - (uint64_t)buffer), 8);
        native_in.general[0] = (uint32_t)seen | random_next() << 32;
        native_in.general[2] = seen >> 32 | random_next() << 32;
    } else {
        memcpy(&seen, buffer + (address - (uint64_t)buffer), operand_size(made));
        native_in.general[0] = seen;
    }
}

static void test_against_processor(void **state)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static struct cpu_frame frame;
    unsigned long done = 0, refused = 0, seen[TEMPLATES] = {0};
    struct made made;

    (void)state;
    vcpu.frame = &frame;
    /* Here, since cmocka has its own for each test. */
    assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
    assert_int_equal(sigaction(SIGILL, &action, NULL), 0);
    assert_int_equal(sigaction(SIGBUS, &action, NULL), 0); /* a lock across cache lines, or a bad address */
    for (unsigned i = 0; i < RUNS; i++) {
        if (i % 1000 == 0)
            fill_memory();
        if (!make(&made) || made.length > INSTRUCTION_BYTES_MAX)
            continue;
        place_code(&made);
        if (run_native(false) != 1 || fault_address < (uint64_t)buffer ||
            fault_address > (uint64_t)buffer + BUFFER_SIZE - 8)
            continue;
        if ((may_be_expected(&made) || made.template->bytes[1] == 0xc7) && below(2)) {
            uint64_t before = fault_address;

            set_expected(&made, before);
            if (run_native(false) != 1 || fault_address != before)
                continue;
        }
        exceptions = 0;
        memcpy(copy, buffer, BUFFER_SIZE);
        if (!emulate(&made, fault_address)) {
            refused++;
            if (fault_address % operand_size(&made) == 0 && made.template->bytes[1] != 0xc7)
                fail_with(&made, "refused");
            continue;
        }
        assert_int_equal(run_native(true), 0);
        compare(&made);
        done++;
        seen[made.template - templates]++;
    }
    printf("%lu instructions compared, %lu refused for their alignment\n", done, refused);
    for (unsigned i = 0; i < TEMPLATES; i++)
        assert_true(seen[i] > RUNS / TEMPLATES / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
