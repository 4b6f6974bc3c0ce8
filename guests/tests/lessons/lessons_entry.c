/* SPDX-License-Identifier: MIT */
/*
 * Each lesson: whatever user mode does, its kernel hears of it once, by the vector that it is, and the hypervisor goes
 * on.  An exception that was delivered twice would interrupt the handler of the first, which ends the test.
 */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

#define RFLAGS_IOPL ((uintptr_t)0x3000)

#define WORD_AT ((uintptr_t)USER_STACK_END - PAGE_SIZE) /* a word that both modes reach */

/* The first is what the width has for it: known by its callback. */
static struct way ways[] = {
    {"", {0}, 0, TRAP_NONE, TRAP_NONE},
    {"int 0x80", {0xcd, 0x80}, 2, 0x80, 0x80},
    {"int3", {0xcc}, 1, TRAP_BP, TRAP_BP},
    {"ud2", {0x0f, 0x0b}, 2, TRAP_UD, TRAP_UD},
    {"hlt", {0xf4}, 1, TRAP_GP, TRAP_GP},
    {"icebp", {0xf1}, 1, TRAP_DB, TRAP_UD},
    {"sysenter", {0x0f, 0x34}, 2, TRAP_UD, VECTOR_SYSENTER},
};

static struct way *const way_call = &ways[0], *const way_icebp = &ways[5], *const way_sysenter = &ways[6];

static unsigned run(const struct way *way, uintptr_t flags, struct regs *regs)
{
    user_regs_init(regs, USER_BASE);
    regs->rflags |= flags;
    return lessons_user(way->code, way->size, regs);
}

/* The kernel that lets @way in by itself, without a callback, gets an exception at the instruction. */
static void no_callback(void)
{
    uint16_t type = (uint16_t)lessons_width.callback;
    struct callback_register callback = callback_to(type, 0, 0);
    struct regs regs;
    unsigned seen;

    test_result("callback taken away", hypercall_callback_op(CALLBACKOP_register, &callback), 0);
    seen = run(way_call, 0, &regs);
    test_check(seen == TRAP_UD && regs.rip == USER_BASE, "xsa_8_without_a_callback_one_exception", "%s at %" PRIxPTR,
               trap_name(seen), regs.rip);
    callback = callback_to(type, CALLBACKF_mask_events, trap_entry_of(lessons_width.call.vector));
    test_result("and given back", hypercall_callback_op(CALLBACKOP_register, &callback), 0);
    test_equal("xsa_8_and_no_other_behind_it", run(way_call, 0, &regs), way_call->vector);
}

/* Flags that user mode can set, in all combinations, go with the frame and nowhere else. */
static bool with_flags(uintptr_t flags)
{
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        struct regs regs;
        unsigned seen = run(&ways[i], flags, &regs);

        if (seen != ways[i].vector) {
            test_note("%s with flags %" PRIxPTR ": %s", ways[i].name, flags, trap_name(seen));
            return false;
        }
        if (seen != VECTOR_SYSENTER && (regs.rflags & (RFLAGS_AC | RFLAGS_NT | RFLAGS_DF)) != flags) {
            test_note("%s with flags %" PRIxPTR ": %" PRIxPTR " in the frame", ways[i].name, flags, regs.rflags);
            return false;
        }
    }
    return true;
}

static void flags(void)
{
    bool right = true;

    for (unsigned i = 0; i < 8; i++)
        right &= with_flags((i & 1 ? RFLAGS_AC : 0) | (i & 2 ? RFLAGS_NT : 0) | (i & 4 ? RFLAGS_DF : 0));
    test_check(right, "xsa_44_every_way_in_with_every_flag", "see above");
}

/* Single-stepped, a way in is itself or the step. */
static void stepped(void)
{
    bool right = true;

    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        for (unsigned nt = 0; nt < 2; nt++) {
            struct regs regs;
            unsigned seen = run(&ways[i], RFLAGS_TF | (nt ? RFLAGS_NT : 0), &regs);

            if (seen != ways[i].vector && seen != TRAP_DB) {
                test_note("%s, stepped: %s", ways[i].name, trap_name(seen));
                right = false;
            }
            right &= run(way_call, 0, &regs) == way_call->vector;
        }
    }
    test_check(right, "xsa_339_one_exception_at_a_time", "see above");
}

/* pushf; pop %rbx; ud2: the flags as the processor has them. */
static uintptr_t live_flags(uintptr_t asked)
{
    static const uint8_t code[] = {0x9c, 0x5b, 0x0f, 0x0b};
    struct regs regs;

    user_regs_init(&regs, USER_BASE);
    regs.rflags = asked;
    (void)lessons_user(code, sizeof(code), &regs);
    return regs.rbx;
}

static void kernel_clears(void *arg)
{
    __asm__ volatile("cli; pushf; pop %0" : "=r"(*(uintptr_t *)arg));
}

static void kernel_pops(void *arg)
{
    __asm__ volatile("push $0x3002; popf; pushf; pop %0" : "=r"(*(uintptr_t *)arg)::"cc");
}

/* Interrupts are on while a guest runs, whatever it has asked for, by a frame or by an instruction that is emulated. */
static void interrupts(void)
{
    uintptr_t cleared = 0, popped = 0;
    struct fault fault;
    bool right = true;

    right &= (live_flags(0) & (RFLAGS_IF | RFLAGS_IOPL)) == RFLAGS_IF;
    right &= (live_flags(RFLAGS_IOPL) & (RFLAGS_IF | RFLAGS_IOPL)) == RFLAGS_IF;
    (void)trap_try(kernel_clears, &cleared, &fault);
    right &= fault.vector == TRAP_NONE ? (cleared & RFLAGS_IF) != 0 : fault.vector == TRAP_GP;
    (void)trap_try(kernel_pops, &popped, &fault);
    right &= fault.vector == TRAP_NONE && (popped & (RFLAGS_IF | RFLAGS_IOPL)) == RFLAGS_IF;
    test_check(right, "xsa_202_interrupts_stay_on", "cli: %" PRIxPTR ", popf: %" PRIxPTR, cleared, popped);
    event_enable();
}

/*
 * ---- Software interrupts.
 */

static unsigned expected(unsigned vector)
{
    return vector == TRAP_BP || vector == TRAP_OF || vector == 0x80 ? vector : TRAP_GP;
}

static void every_vector(void)
{
    bool right = true;

    for (unsigned n = 0; n < 256; n++) {
        const struct way way = {"", {0xcd, (uint8_t)n}, 2, expected(n), expected(n)};
        struct regs regs;
        unsigned seen = run(&way, 0, &regs);

        if (seen != way.vector || (seen == TRAP_GP && regs.error != n * 8 + 2)) {
            test_note("int 0x%x: %s, error code %x", n, trap_name(seen), regs.error);
            right = false;
        }
    }
    test_check(right, "xsa_259_every_interrupt_of_user_mode", "see above");
}

/* As a call it is none. */
#define INT(n)                                                 \
    static void int_##n(void *arg)                             \
    {                                                          \
        uintptr_t number = ~(uintptr_t)0;                      \
                                                               \
        (void)arg;                                             \
        __asm__ volatile("int $" #n : "+a"(number)::"memory"); \
    }
INT(0x02)
INT(0x08)
INT(0x0e)
INT(0x12)
INT(0x20)
INT(0x82)
INT(0xf0)
INT(0xff)

static void kernel_vectors(void)
{
    static void (*const functions[])(void *) = {int_0x02, int_0x08, int_0x0e, int_0x12,
                                                int_0x20, int_0x82, int_0xf0, int_0xff};
    static const unsigned vectors[] = {0x02, 0x08, 0x0e, 0x12, 0x20, 0x82, 0xf0, 0xff};
    bool right = true;

    for (unsigned i = 0; i < ARRAY_SIZE(functions); i++) {
        unsigned want = vectors[i] == 0x82 ? lessons_width.hypercall : TRAP_GP;
        struct fault fault;

        (void)trap_try(functions[i], NULL, &fault);
        if (fault.vector != want || (want == TRAP_GP && fault.error != vectors[i] * 8 + 2)) {
            test_note("int 0x%x: %s, error code %x", vectors[i], trap_name(fault.vector), fault.error);
            right = false;
        }
    }
    test_check(right, "xsa_259_and_of_the_kernel", "see above");
}

/*
 * ---- A breakpoint on the load of ss: the processor holds it back until after the next instruction.
 */

#define WATCH_WORD 0x70401u /* DR7: reads and writes of two bytes at DR0 */

static bool held_back(const struct way *way, uintptr_t rsp)
{
    uint8_t code[4] = {0x8e, 0x17}; /* mov (%rdi), %ss; or (%edi) */
    struct regs regs;
    unsigned seen;

    memcpy(code + 2, way->code, way->size);
    user_regs_init(&regs, USER_BASE);
    regs.rdi = WORD_AT;
    regs.rsp = rsp;
    seen = lessons_user(code, 2 + way->size, &regs);
    if (seen == way->vector || seen == TRAP_DB)
        return true;
    test_note("mov ss; %s with a stack at %" PRIxPTR ": %s", way->name, rsp, trap_name(seen));
    return false;
}

static bool hold_back_all(void)
{
    bool right = true;

    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
        for (unsigned j = 0; j < lessons_width.nr_stacks; j++)
            right &= held_back(&ways[i], lessons_width.stacks[j]);
    }
    return right;
}

static void mov_ss(void)
{
    bool right;

    *(volatile uint16_t *)WORD_AT = FLAT_USER_SS;
    test_result("a breakpoint", hypercall_set_debugreg(0, WORD_AT), 0);
    test_result("is on", hypercall_set_debugreg(7, WATCH_WORD), 0);
    test_check(hold_back_all(), "xsa_260_breakpoints_held_back_by_mov_ss", "see above");
    right = hypercall_set_debugreg(6, 0xffffffff) == 0 && hold_back_all();
    for (unsigned bit = 0; bit < 32; bit++) {
        (void)hypercall_set_debugreg(6, (uintptr_t)1 << bit);
        right &= held_back(way_call, 0);
    }
    test_check(right, "xsa_265_whatever_dr6_says_before", "see above");
    test_result("is off", hypercall_set_debugreg(7, 0), 0);
    (void)hypercall_set_debugreg(6, 0);
}

/*
 * ---- Ports.
 */

static void kernel_outs(void *arg)
{
    __asm__ volatile(".byte 0x64, 0x6e" ::"S"(arg), "d"(0x80)); /* fs outsb */
}

/* No address of anything comes out of a port instruction that is refused: CR2 is as it was. */
static void outs(void)
{
    static const struct way instructions[] = {
        {"outsb", {0x6e}, 1, TRAP_GP, TRAP_GP},           {"outsd", {0x6f}, 1, TRAP_GP, TRAP_GP},
        {"fs outsb", {0x64, 0x6e}, 2, TRAP_GP, TRAP_GP},  {"gs outsb", {0x65, 0x6e}, 2, TRAP_GP, TRAP_GP},
        {"rep outsb", {0xf3, 0x6e}, 2, TRAP_GP, TRAP_GP}, {"insb", {0x6c}, 1, TRAP_GP, TRAP_GP},
    };
    bool right = true;
    struct fault fault;

    guest.vcpu->arch.cr2 = 0x5e47;
    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
        struct regs regs;

        right &= run(&instructions[i], 0, &regs) == TRAP_GP && regs.rip == USER_BASE;
    }
    (void)trap_try(kernel_outs, (void *)(uintptr_t)HYPERVISOR_INSIDE, &fault);
    right &= fault.vector == TRAP_GP || fault.vector == TRAP_NONE;
    test_check(right && guest.vcpu->arch.cr2 == 0x5e47, "xsa_67_string_output_tells_nothing", "%s, cr2 %" PRIxPTR,
               trap_name(fault.vector), guest.vcpu->arch.cr2);
}

/* Where processors differ, and QEMU from them: once to see it, and the same from then on. */
static void learn(struct way *way)
{
    struct regs regs;
    unsigned seen = run(way, 0, &regs);

    test_check(seen == way->vector || seen == way->other, way->name, "%s", trap_name(seen));
    way->vector = seen;
}

void lessons_entry(void)
{
    *way_call = lessons_width.call;
    learn(way_call);
    learn(way_icebp);
    learn(way_sysenter);
    no_callback();
    flags();
    stepped();
    interrupts();
    every_vector();
    kernel_vectors();
    mov_ss();
    outs();
}
