/* SPDX-License-Identifier: MIT */
/*
 * Every exception that can be provoked, from kernel and from user mode: vector, error code, frame, event mask.
 *
 * Not here: #OF by into and #BR, which 64-bit code has no instructions for; #DF, #TS and #MC, which a guest cannot
 * cause; #AC, #XM, icebp and #SS by address, which QEMU does not raise as a processor does.
 */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

/* Selectors of the test's own GDT. */
#define SELECTOR_ABSENT (8 * 8 + 3)
#define READONLY_VADDR  0x10000000
#define NX_VADDR        0x10001000

#define TEXT_OF(macro) #macro
#define TEXT(macro)    TEXT_OF(macro)

#define AX "%" REGISTER_AX
#define DX "%" REGISTER_DX
#define SP "%" REGISTER_SP

SNIPPET(divide, "xorl %edx, %edx; xorl %ecx, %ecx; movl $1, %eax", "divl %ecx", "");
SNIPPET(single_step, "pushf; orl $0x100, (" SP "); popf", "nop", "nop");
SNIPPET(breakpoint, "", "int3", "");
SNIPPET(int_3, "", ".byte 0xcd, 3", "");
SNIPPET(int_4, "", "int $4", "");
SNIPPET(int_5, "", "int $5", "");
SNIPPET(int_14, "", "int $14", "");
SNIPPET(int_80, "", "int $0x80", "");
SNIPPET(undefined, "", "ud2", "");
SNIPPET(undefined_flags, "push $0x44503; popf", "ud2", ""); /* AC, NT, TF */
SNIPPET(device, "", "fninit", "");
SNIPPET(not_present, "movl $67, %eax", "movw %ax, %fs", "");
SNIPPET(stack_selector, "movl $67, %eax", "movw %ax, %ss", "");
SNIPPET(noncanonical, "movl $1, %eax; ror $1, " AX, "mov (" AX "), " DX, "");
SNIPPET(halt, "", "hlt", "");
SNIPPET(selector_limit, "movl $0xfff3, %eax", "movw %ax, %fs", "");
SNIPPET(selector_hole, "movl $0xc003, %eax", "movw %ax, %fs", "");
SNIPPET(read_null, "xorl %eax, %eax", "mov (" AX "), " DX, "");
SNIPPET(write_null, "xorl %eax, %eax", "mov " DX ", (" AX ")", "");
SNIPPET(write_readonly, "movl $0x10000000, %eax", "mov " DX ", 8(" AX ")", "");
SNIPPET(fetch_nx, "movl $0x10001000, %eax", "jmp *" AX, "");
SNIPPET(read_hypervisor, "mov $" TEXT(HYPERVISOR_INSIDE) ", " AX, "mov (" AX "), " DX, "");
SNIPPET(float_pending, "fninit; push $0x037b; fldcw (" SP "); pop " AX "; fld1; fldz; fdivrp", "fwait", "");
#define ANY_PRESENT 0x80000000u /* in an error code: the present bit may be set */

static const struct provoked {
    const char *name;
    const struct snippet *code;
    unsigned vector;
    uint32_t error;
    bool after;   /* rip is behind the instruction */
    bool qemu7;   /* QEMU 7 gives a wrong error code to int n, which Xen believes */
    uint64_t cr2; /* of #PF */
} list[] = {
    {"divide error", &divide, TRAP_DE, 0, false, false, 0},
    {"single step", &single_step, TRAP_DB, 0, true, false, 0},
    {"int3", &breakpoint, TRAP_BP, 0, true, false, 0},
    {"int 3 in two bytes", &int_3, TRAP_BP, 0, true, false, 0},
    {"int 4", &int_4, TRAP_OF, 0, true, false, 0},
    {"int 5, not for this mode", &int_5, TRAP_GP, 5 * 8 + 2, false, true, 0},
    {"int 14, not for this mode", &int_14, TRAP_GP, 14 * 8 + 2, false, true, 0},
    {"int 0x80", &int_80, 0x80, 0, true, false, 0},
    {"undefined instruction", &undefined, TRAP_UD, 0, false, false, 0},
    {"device not available", &device, TRAP_NM, 0, false, false, 0},
    {"segment not present", &not_present, TRAP_NP, SELECTOR_ABSENT & ~3u, false, false, 0},
    {"stack segment not present", &stack_selector, TRAP_SS, SELECTOR_ABSENT & ~3u, false, false, 0},
    {"address not canonical", &noncanonical, TRAP_GP, 0, false, false, 0},
    {"hlt", &halt, TRAP_GP, 0, false, false, 0},
    {"selector beyond the limit", &selector_limit, TRAP_GP, 0xfff0, false, false, 0},
    {"selector without a frame", &selector_hole, TRAP_GP, 0xc000, false, false, 0},
    {"read of nothing", &read_null, TRAP_PF, 0, false, false, 0},
    {"write to nothing", &write_null, TRAP_PF, FAULT_WRITE, false, false, 0},
    {"write to a read-only page", &write_readonly, TRAP_PF, FAULT_WRITE | FAULT_PRESENT, false, false,
     READONLY_VADDR + 8},
    {"fetch from a page not for code", &fetch_nx, TRAP_PF, FAULT_FETCH | FAULT_PRESENT, false, false, NX_VADDR},
    {"read of the hypervisor", &read_hypervisor, TRAP_PF, ANY_PRESENT, false, false, HYPERVISOR_INSIDE},
    {"x87 error", &float_pending, TRAP_MF, 0, false, false, 0},
};

static uint8_t mask_in_handler;
static uintptr_t flags_in_handler;

static bool note_mask(struct regs *regs)
{
    (void)regs;
    mask_in_handler = READ_ONCE(guest.vcpu->evtchn_upcall_mask);
    __asm__ volatile("pushf; pop %0" : "=r"(flags_in_handler));
    return false;
}

static void call(void *code)
{
    ((void (*)(void))code)();
}

static bool error_matches(const struct provoked *it, uint32_t error)
{
    uint32_t wanted = it->error & ~ANY_PRESENT;

    if (it->error & ANY_PRESENT)
        error &= ~FAULT_PRESENT;
    return error == wanted;
}

/*
 * Shows frame64.words, frame64.error-code, frame64.cs, frame64.mask, frame64.cr2, frame64.user-bit,
 * layout.access-fault.
 */
static void judge(const char *name, const struct provoked *it, const struct regs *regs, uint64_t base, bool user)
{
    uint64_t rip = base + (uintptr_t)((it->after ? it->code->next : it->code->at) - it->code->begin);
    uint32_t error = regs->error & ~(user && it->vector == TRAP_PF ? FAULT_USER : 0);
    struct regs wanted = {0};

    if (it->vector == TRAP_PF && it->cr2 == NX_VADDR)
        rip = NX_VADDR;
    test_check(regs->vector == it->vector && error_matches(it, error) &&
                   (!user || it->vector != TRAP_PF || (regs->error & FAULT_USER)),
               name, "%s with error 0x%x, expected %s with 0x%x", trap_name(regs->vector), regs->error,
               trap_name(it->vector), it->error);
    if (regs->vector != it->vector)
        return;
    if (user)
        wanted = regs_of_user(0, 0, 0);
    else
        regs_set_kernel_segments(&wanted);
    if (regs->rip != rip || regs->cs != wanted.cs || regs->ss != wanted.ss)
        test_not_ok(name, "frame has %04x:%" PRIxPTR " and ss %x, expected %04x:%" PRIx64 " and %x", regs->cs,
                    regs->rip, (unsigned)regs->ss, wanted.cs, rip, (unsigned)wanted.ss);
    if (it->vector == TRAP_PF && guest.vcpu->arch.cr2 != it->cr2)
        test_not_ok(name, "cr2 is %" PRIxPTR ", expected %" PRIx64, guest.vcpu->arch.cr2, it->cr2);
    if (!mask_in_handler)
        test_not_ok(name, "events were not masked in the handler");
    if ((regs->rflags & RFLAGS_IF ? 0 : 1) != regs->saved_mask)
        test_not_ok(name, "IF in the frame does not mirror the mask: %" PRIxPTR ", %u", regs->rflags, regs->saved_mask);
}

static void before(const struct provoked *it)
{
    mask_in_handler = 0;
    (void)trap_set_handler(it->vector, note_mask);
    if (it->vector == TRAP_NM)
        (void)hypercall_fpu_taskswitch(1);
}

static void after(const struct provoked *it)
{
    (void)trap_set_handler(it->vector, NULL);
    (void)hypercall_fpu_taskswitch(0);
    __asm__ volatile("fninit; ldmxcsr %0" ::"m"((uint32_t){0x1f80}));
}

/* @masked: with events masked or not while it happens. */
static void from_kernel(const struct provoked *it, bool masked)
{
    char name[80];
    struct fault fault;

    print_to(name, sizeof(name), "kernel, events %s: %s", masked ? "masked" : "on", it->name);
    before(it);
    (masked ? event_disable : event_enable)();
    (void)trap_try(call, (void *)(uintptr_t)it->code->begin, &fault);
    if (event_enabled() == masked)
        test_not_ok(name, "the event mask is not what it was, after the return");
    event_disable();
    after(it);
    fault.regs.vector = fault.vector;
    judge(name, it, &fault.regs, (uintptr_t)it->code->begin, false);
    if (fault.vector != TRAP_NONE && fault.regs.saved_mask != masked)
        test_not_ok(name, "saved mask %u", fault.regs.saved_mask);
}

static void from_user(const struct provoked *it, unsigned number)
{
    uint64_t base = USER_BASE + number * PAGE_SIZE;
    struct regs regs;
    char name[80];

    print_to(name, sizeof(name), "user: %s", it->name);
    test_need(user_load(base, it->code->begin, it->code->end), "user code");
    before(it);
    user_regs_init(&regs, base);
    (void)user_run(&regs);
    after(it);
    judge(name, it, &regs, base, true);
}

static void set_up(void)
{
    uint64_t *gdt = page_alloc();
    xen_pfn_t frames[1] = {(xen_pfn_t)virt_to_mfn(gdt).v};

    gdt[SELECTOR_ABSENT / 8] = UINT64_C(0x00cf72000000ffff); /* data, not present */
    test_need(table_set_readonly(gdt), "GDT page read-only");
    test_need((int)hypercall_set_gdt(frames, 512), "set_gdt");
    test_need(user_map(READONLY_VADDR, page_alloc(), PTE_PROGRAM & ~PTE_RW), "read-only page");
    test_need(user_map(NX_VADDR, page_alloc(), PTE_PROGRAM | PTE_NX), "page not for code");
    test_need(user_init(), "user mode");
}

/* Without bit 2 in its flags, an entry leaves the mask as it was.  Shows frame64.handler-mask. */
static void mask_flag(void)
{
    struct fault fault;

    test_need(trap_set_entry(TRAP_UD, 0, trap_entry_of(TRAP_UD)), "entry without the flag");
    for (unsigned masked = 0; masked < 2; masked++) {
        mask_in_handler = 0xff;
        (void)trap_set_handler(TRAP_UD, note_mask);
        (masked ? event_disable : event_enable)();
        (void)trap_try(call, (void *)(uintptr_t)undefined.begin, &fault);
        test_equal(masked ? "entry without the mask flag, masked" : "entry without the mask flag, not masked",
                   mask_in_handler, masked);
    }
    event_disable();
    (void)trap_set_handler(TRAP_UD, NULL);
}

static bool step_on(struct regs *regs)
{
    (void)regs;
    return true;
}

/*
 * A handler does not run with the flags that only what it interrupted had asked for; the frame has them.  Shows
 * frame64.handler, frame32.words.
 */
static void flags(void)
{
    const uintptr_t kept = RFLAGS_AC | RFLAGS_TF | RFLAGS_CF;
    const uintptr_t left = KERNEL_RING == 1 ? RFLAGS_AC : 0; /* no handler of a 32-bit guest loses it */
    struct regs regs;

    test_need(user_load(USER_BASE + 64 * PAGE_SIZE, undefined_flags.begin, undefined_flags.end), "user code");
    (void)trap_set_handler(TRAP_DB, step_on);
    (void)trap_set_handler(TRAP_UD, note_mask);
    user_regs_init(&regs, USER_BASE + 64 * PAGE_SIZE);
    test_equal("user: ud2 with AC, NT and TF", user_run(&regs), TRAP_UD);
    (void)trap_set_handler(TRAP_UD, NULL);
    (void)trap_set_handler(TRAP_DB, NULL);
    test_equal("the handler runs without", flags_in_handler & (RFLAGS_AC | RFLAGS_NT | RFLAGS_TF), left);
    test_equal("the frame has them", regs.rflags & kept, kept);
}

/* All addresses of 32 bits are canonical. */
static bool is_for_this_width(const struct provoked *it)
{
    return TOP_LEVEL == 4 || it->code != &noncanonical;
}

/* The selector's privilege is that of user mode: for a kernel in ring 1 it is no stack's, present or not. */
static bool is_other_in_ring_1(const struct provoked *it)
{
    return KERNEL_RING == 1 && it->code == &stack_selector;
}

/* Shows set_trap_table.int-n, set_trap_table.nowhere, errno.sign. */
void test_main(void)
{
    set_up();
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
        if (list[i].qemu7 && test_under_xen()) {
            test_note("not under Xen in QEMU 7: %s", list[i].name);
            continue;
        }
        if (!is_for_this_width(&list[i]))
            continue;
        if (!is_other_in_ring_1(&list[i])) {
            from_kernel(&list[i], true);
            from_kernel(&list[i], false);
        }
        from_user(&list[i], i);
    }
    mask_flag();
    flags();
    if (TOP_LEVEL == 4)
        test_equal("a handler that is not canonical", (uint64_t)trap_set_entry(40, 0, UINT64_C(0x8000000000000000)),
                   (uint64_t)-22);
}
