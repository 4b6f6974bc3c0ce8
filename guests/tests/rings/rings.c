/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel and the programs of a 32-bit guest can go: rings 1 to 3, segments of the guest's own, returns and
 * jumps that the processor refuses, modes that there are not.
 *
 * "crash=N" is one of the ways to have no place for a handler, or no way back: each is the domain's end.  "wild=N" is
 * the seed of instructions at random, "rounds=" how many rounds of them; see wild.c.  "switches=1" wants other guests
 * to change with.
 */
#include <abi/context.h>
#include <abi/hypercall.h>
#include <abi/mmuext.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/rings/rings.h>

#define TEXT_OF(macro) #macro
#define TEXT(macro)    TEXT_OF(macro)

#define VECTOR_OWN 0x40
#define LDT_AT     UINT64_C(0x20000000)
#define EFLAGS_VM  0x20000u
#define EFLAGS_TOP 0x3000u /* IOPL 3 */

SNIPPET(stop, "", "ud2", "");
SNIPPET(own_vector, "", "int $" TEXT(VECTOR_OWN), "");
SNIPPET(call_of_program, "", "int $0x82", "");
SNIPPET(to_vm86, "pushl $0; pushl $0; pushl $0; pushl $0; pushl $0; pushl $0x1000; pushl $0x20202; pushl $0; pushl $0",
        "iretl", "");
SNIPPET(sysenter_of_vm86,
        "pushl $0x1237; pushl $0x1237; pushl $0x1237; pushl $0x1237; pushl $0; pushl $0; pushl $0x20202; pushl $0x100; "
        "pushl $0",
        "iretl", "");
SNIPPET(raise_iopl, "pushfl; orl $0x3000, (%esp); pushl %cs; call 1f; 1: addl $2f - 1b, (%esp)", "iretl; 2: cli",
        "ud2");
SNIPPET(by_syscall, "std", "syscall", "");
SNIPPET(by_sysenter, "", "sysenter", "");

/*
 * ---- Descriptors.
 */

#define OWN_CODE1 SELECTOR(CODE1, 1)
#define OWN_DATA1 SELECTOR(DATA1, 1)

static const uint64_t descriptors[NR_DESCRIPTORS] = {
    [CODE1] = UINT64_C(0x00cfba000000ffff),      [DATA1] = UINT64_C(0x00cfb2000000ffff),
    [CODE2] = UINT64_C(0x00cfda000000ffff),      [DATA2] = UINT64_C(0x00cfd2000000ffff),
    [SMALL2] = UINT64_C(0x0000da400000ffff),                                              /* of 16 bits, at USER_BASE */
    [SMALL3] = UINT64_C(0x0000fa400000ffff),     [SHORT1] = UINT64_C(0x0040ba000000ffff), /* to 64 KiB */
    [READ_ONLY1] = UINT64_C(0x00cfb0000000ffff), [ABSENT1] = UINT64_C(0x00cf3a000000ffff),
};

static uint64_t *gdt;

static void make_tables(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = LDT_AT, .arg2.nr_ents = NR_DESCRIPTORS};
    uint64_t *ldt = page_alloc();
    xen_pfn_t frame;

    gdt = page_alloc();
    frame = (xen_pfn_t)virt_to_mfn(gdt).v;
    memcpy(gdt, descriptors, sizeof(descriptors));
    memcpy(ldt, descriptors, sizeof(descriptors));
    test_need(table_set_readonly(gdt), "read-only");
    test_need((int)hypercall_set_gdt(&frame, 512), "set_gdt");
    test_need(table_set_readonly(ldt), "read-only");
    test_need(user_map(LDT_AT, ldt, PTE_P), "the LDT's page");
    test_need((int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), "SET_LDT");
}

static int set_handler(uint16_t cs, uint32_t address)
{
    struct trap_info table[2] = {{.vector = VECTOR_OWN, .flags = 3, .cs = cs, .address = address}};

    return (int)hypercall_set_trap_table(table);
}

/*
 * ---- Excursions: to code that ends by an exception, whatever ring it is in.
 */

static uint16_t handler_cs, handler_ss;

static bool end_here(struct regs *regs)
{
    __asm__("movw %%cs, %0; movw %%ss, %1" : "=r"(handler_cs), "=r"(handler_ss));
    user_end(regs);
    return false;
}

static void go(const struct snippet *code, uint16_t cs, uint16_t ss, uint32_t eflags, struct regs *regs)
{
    test_need(user_load(USER_BASE, code->begin, code->end), "code");
    user_regs_init(regs, USER_BASE);
    regs->cs = cs;
    regs->ss = ss;
    regs->eflags |= eflags;
    if ((cs & 3) == 1)
        regs->ds = regs->es = FLAT_KERNEL_DS;
    (void)user_run(regs);
}

static void expect(const char *name, const struct regs *regs, unsigned vector, uint32_t error, uint16_t cs)
{
    test_check(regs->vector == vector && regs->error == error && regs->cs == cs, name,
               "%s with error %x at cs %x, expected %s with %x at %x", trap_name(regs->vector), regs->error, regs->cs,
               trap_name(vector), error, cs);
}

static void excursion(const char *name, const struct snippet *code, uint16_t cs, uint16_t ss, unsigned vector,
                      uint32_t error)
{
    struct regs regs;

    go(code, cs, ss, 0, &regs);
    expect(name, &regs, vector, error, cs);
}

/* Each ring runs, and is seen where it is: what is not ring 1 has left a stack.  Shows frame32.words, iret.narrow. */
static void rings(void)
{
    struct regs regs;

    excursion("ring 1", &stop, FLAT_RING1_CS, FLAT_RING1_SS, TRAP_UD, 0);
    excursion("ring 1, the guest's own code", &stop, OWN_CODE1, FLAT_RING1_SS, TRAP_UD, 0);
    excursion("ring 1, of the LDT", &stop, OWN_CODE1 | 4, FLAT_RING1_SS, TRAP_UD, 0);
    excursion("ring 3", &stop, FLAT_RING3_CS, FLAT_RING3_SS, TRAP_UD, 0);
    go(&stop, SELECTOR(CODE2, 2), SELECTOR(DATA2, 2), 0, &regs);
    expect("ring 2", &regs, TRAP_UD, 0, SELECTOR(CODE2, 2));
    test_equal("its stack", regs.ss, SELECTOR(DATA2, 2));
    test_equal("its stack pointer", regs.esp, USER_STACK_END);
    excursion("a call from ring 2", &call_of_program, SELECTOR(CODE2, 2), SELECTOR(DATA2, 2), TRAP_GP, 0x412);
    excursion("a call from ring 3", &call_of_program, FLAT_RING3_CS, FLAT_RING3_SS, TRAP_GP, 0x412);
}

/*
 * What the processor refuses is an exception at the place that was to be returned to.  A return to ring 1 keeps the
 * stack's segment, so that ss does not count.  Shows iret.refused.
 */
static void refused_returns(void)
{
    const uint16_t user = FLAT_RING3_SS;

    excursion("to cs of the hypervisor", &stop, 0xe00b, user, TRAP_GP, 0xe008);
    excursion("to cs of 64-bit code", &stop, 0xe033, user, TRAP_GP, 0xe030);
    excursion("to cs of the task", &stop, 0xe043, user, TRAP_GP, 0xe040);
    excursion("to cs null", &stop, 3, user, TRAP_GP, 0);
    excursion("to cs of another ring", &stop, FLAT_RING1_CS | 3, user, TRAP_GP, FLAT_RING1_CS & ~3u);
    excursion("to cs of nothing", &stop, 0x1233, user, TRAP_GP, 0x1230);
    excursion("to cs beyond the LDT", &stop, 0x1237, user, TRAP_GP, 0x1234);
    excursion("to cs that is absent", &stop, SELECTOR(ABSENT1, 1), user, TRAP_NP, SELECTOR(ABSENT1, 0));
    excursion("to ss null", &stop, FLAT_RING3_CS, 3, TRAP_GP, 0);
    excursion("to ss of code", &stop, FLAT_RING3_CS, FLAT_RING3_CS, TRAP_GP, FLAT_RING3_CS & ~3u);
    excursion("to ss of another ring", &stop, FLAT_RING3_CS, FLAT_RING1_SS, TRAP_GP, FLAT_RING1_SS & ~3u);
    excursion("to ss of the hypervisor", &stop, FLAT_RING3_CS, 0xe013, TRAP_GP, 0xe010);
}

/* Flags that are not the guest's to have.  Shows iret.narrow-flags. */
static void flags(void)
{
    struct regs regs;

    go(&stop, FLAT_RING3_CS, FLAT_RING3_SS, EFLAGS_TOP, &regs);
    expect("a return with IOPL 3", &regs, TRAP_UD, 0, FLAT_RING3_CS);
    test_equal("it is not granted", regs.eflags & EFLAGS_TOP, 0);
}

/* Ways into modes that there are not: the hypervisor gets the guest back, and its kernel hears of it. */
static void modes(void)
{
    struct regs regs;

    go(&to_vm86, FLAT_RING3_CS, FLAT_RING3_SS, 0, &regs);
    test_check(regs.vector == TRAP_GP || regs.vector == TRAP_UD || regs.vector == TRAP_PF, "iret of a program with VM",
               "%s at cs %x", trap_name(regs.vector), regs.cs);
    go(&to_vm86, FLAT_RING1_CS, FLAT_RING1_SS, 0, &regs);
    test_check(regs.vector == TRAP_GP || regs.vector == TRAP_UD || regs.vector == TRAP_PF, "iret of the kernel with VM",
               "%s at cs %x", trap_name(regs.vector), regs.cs);
    for (unsigned ring = 1; ring <= 3; ring += 2) {
        go(&raise_iopl, ring == 1 ? FLAT_RING1_CS : FLAT_RING3_CS, ring == 1 ? FLAT_RING1_SS : FLAT_RING3_SS, 0, &regs);
        test_check(regs.vector == TRAP_GP || regs.vector == TRAP_UD, "iret with IOPL 3", "%s", trap_name(regs.vector));
        test_equal("IOPL is 0 again", regs.eflags & EFLAGS_TOP, 0);
    }
}

/*
 * Where the processor lets a program into virtual-8086 mode, and has sysenter: nothing tells what mode it came from,
 * but the kernel never finds a selector that it cannot load again.
 */
static void sysenter_from_vm86(void)
{
    struct regs regs;

    test_need(user_load(0x1000, by_sysenter.at, by_sysenter.next), "code");
    go(&sysenter_of_vm86, FLAT_RING3_CS, FLAT_RING3_SS, 0, &regs);
    test_check(regs.vector == VECTOR_SYSENTER || regs.vector == TRAP_GP || regs.vector == TRAP_UD,
               "sysenter in virtual-8086 mode", "%s", trap_name(regs.vector));
    test_check(regs.ds != 0x1237 && regs.es != 0x1237, "no selector of that mode is left", "ds %x, es %x", regs.ds,
               regs.es);
}

/* Shows callback_op.syscall, callback_op.syscall-frame-32, callback_op.sysenter-ss, callback_op.syscall-direction. */
static void fast_calls(void)
{
    struct regs regs;

    go(&by_syscall, FLAT_RING3_CS, FLAT_RING3_SS, 0, &regs);
    if (regs.vector == VECTOR_SYSCALL32) {
        expect("syscall", &regs, VECTOR_SYSCALL32, 0, FLAT_RING3_CS);
        test_equal("its stack's segment", regs.ss, FLAT_RING3_SS);
        test_equal("its stack pointer", regs.esp, USER_STACK_END);
        test_equal("it came from", regs.eip, USER_BASE + (uint32_t)(by_syscall.next - by_syscall.begin));
    } else {
        expect("syscall, which there is not", &regs, TRAP_UD, 0, FLAT_RING3_CS);
    }
    go(&by_sysenter, FLAT_RING3_CS, FLAT_RING3_SS, 0, &regs);
    if (regs.vector == VECTOR_SYSENTER) {
        expect("sysenter", &regs, VECTOR_SYSENTER, 0, 3);
        test_equal("its stack's segment", regs.ss, FLAT_RING3_SS);
        test_equal("nothing of its stack", regs.esp, 0);
    } else {
        expect("sysenter, which there is not", &regs, TRAP_UD, 0, FLAT_RING3_CS);
    }
}

/*
 * ---- Jumps.
 */

static void jump(void *selector)
{
    struct __attribute__((packed)) {
        void *offset;
        uint16_t selector;
    } target = {NULL, (uint16_t)(uintptr_t)selector};

    __asm__ volatile("movl $1f, (%0); ljmp *(%0); 1: ljmp %1, $2f; 2:" : : "r"(&target), "i"(FLAT_RING1_CS) : "memory");
}

/* Of what the hypervisor keeps in the GDT, ring 1 can jump to its own code segment and to nothing else. */
static void jumps(void)
{
    unsigned done = 0, wrong = 0;
    struct fault fault;

    for (unsigned selector = FIRST_RESERVED_GDT_BYTE; selector < FIRST_RESERVED_GDT_BYTE + 0x400; selector++) {
        bool can = (selector & ~7u) == (FLAT_RING1_CS & ~7u) && (selector & 3) <= 1 && !(selector & 4);

        if (selector & 4)
            continue;
        if (trap_try(jump, (void *)(uintptr_t)selector, &fault))
            done++;
        else if (can || fault.vector != TRAP_GP || fault.error != (selector & ~3u))
            wrong++;
    }
    test_equal("jumps that are done: by two selectors of one segment", done, 2);
    test_equal("others are #GP with the selector", wrong, 0);
}

/*
 * ---- Handlers.
 */

static void raise_own(void *stack)
{
    __asm__ volatile("movw %w0, %%ss; int $" TEXT(VECTOR_OWN) "; movw %w1, %%ss"
                     :
                     : "r"(stack), "r"(FLAT_RING1_SS)
                     : "memory");
}

static bool look(struct regs *regs)
{
    (void)regs;
    __asm__("movw %%cs, %0; movw %%ss, %1" : "=r"(handler_cs), "=r"(handler_ss));
    return true;
}

static void handled_in(const char *name, uint16_t cs, uint16_t ss, uint16_t cs_seen)
{
    struct fault fault;

    handler_cs = handler_ss = 0;
    test_need(set_handler(cs, (uint32_t)trap_entry_of(VECTOR_OWN)), "handler");
    (void)trap_try(raise_own, (void *)(uintptr_t)ss, &fault);
    test_check(fault.vector == TRAP_NONE && handler_cs == cs_seen && handler_ss == ss, name, "%s, cs %x, ss %x",
               trap_name(fault.vector), handler_cs, handler_ss);
}

/* Shows frame32.segments. */
static void handlers(void)
{
    struct regs regs;

    (void)trap_set_handler(VECTOR_OWN, look);
    handled_in("a handler in the guest's own code", OWN_CODE1, FLAT_RING1_SS, OWN_CODE1);
    handled_in("named with privilege bits of 3", OWN_CODE1 | 3, FLAT_RING1_SS, OWN_CODE1);
    handled_in("of the LDT", OWN_CODE1 | 4, FLAT_RING1_SS, OWN_CODE1 | 4);
    handled_in("on the guest's own stack", FLAT_RING1_CS, OWN_DATA1, FLAT_RING1_CS);
    handled_in("on one of the LDT", FLAT_RING1_CS, OWN_DATA1 | 4, FLAT_RING1_CS);
    (void)trap_set_handler(VECTOR_OWN, end_here);
    test_need(set_handler(OWN_CODE1, (uint32_t)trap_entry_of(VECTOR_OWN)), "handler");
    go(&own_vector, FLAT_RING3_CS, FLAT_RING3_SS, 0, &regs);
    expect("a program's vector", &regs, VECTOR_OWN, 0, FLAT_RING3_CS);
    test_equal("its handler's code", handler_cs, OWN_CODE1);
}

/*
 * ---- Returns within the kernel.
 */

struct kernel_frame {
    uint32_t cs, eflags;
};

static void call_iret(void *arg)
{
    const struct kernel_frame *frame = arg;

    __asm__ volatile("pushl %0; pushl %1; pushl $1f; jmp hypercall_page + " TEXT(__HYPERVISOR_iret) " * 32; 1:"
                     :
                     : "r"(frame->eflags), "r"(frame->cs)
                     : "eax", "memory", "cc");
}

static void kernel_return(const char *name, uint32_t cs, uint32_t eflags, unsigned vector, uint32_t error)
{
    struct kernel_frame frame = {cs, eflags};
    struct fault fault;

    (void)trap_try(call_iret, &frame, &fault);
    test_check(fault.vector == vector && (vector == TRAP_NONE || fault.error == error), name, "%s with error %x",
               trap_name(fault.vector), fault.error);
    if (eflags & EFLAGS_VM)
        test_check((fault.regs.eip & ~31u) == (uint32_t)(uintptr_t)hypercall_page + __HYPERVISOR_iret * 32,
                   "at the call", "at %x", fault.regs.eip);
    event_disable();
}

/* Shows iret.refused, iret.narrow-vm. */
static void kernel_returns(void)
{
    const uint32_t code = FLAT_RING1_CS;

    kernel_return("in the kernel: what goes", code, 2, TRAP_NONE, 0);
    kernel_return("with more in the word of cs", code | 0xabcd0000, 2, TRAP_NONE, 0);
    kernel_return("to the hypervisor's code", 0xe009, 2, TRAP_GP, 0xe008);
    kernel_return("to a data segment", FLAT_RING1_DS, 2, TRAP_GP, FLAT_RING1_DS & ~3u);
    kernel_return("to code that is absent", SELECTOR(ABSENT1, 1), 2, TRAP_NP, SELECTOR(ABSENT1, 0));
    for (uint32_t ring = 0; ring < 4; ring++)
        kernel_return("with VM", (code & ~3u) | ring, EFLAGS_VM | 2, TRAP_GP, 0);
}

/*
 * ---- Changes of the processor's guest, where there is another that wants to run.
 */

static volatile uint32_t words[2] = {0xf5, 0x65};
static unsigned failsafes;

static void set_descriptor(unsigned index, uint64_t descriptor)
{
    test_need((int)hypercall_update_descriptor(virt_to_maddr(&gdt[index]), descriptor), "update_descriptor");
}

static uint64_t data_at(volatile uint32_t *address)
{
    uint64_t start = (uintptr_t)address;

    return descriptors[DATA1] | (start & 0xffffff) << 16 | start >> 24 << 56;
}

static void load_fs_gs(uint16_t fs, uint16_t gs)
{
    __asm__ volatile("movw %w0, %%fs; movw %w1, %%gs" : : "r"(fs), "r"(gs));
}

static bool count_failsafe(struct regs *regs)
{
    (void)regs;
    failsafes++;
    return true;
}

static uint64_t read_both(void)
{
    uint32_t through_fs, through_gs;

    __asm__ volatile("movl %%fs:0, %0; movl %%gs:0, %1" : "=&r"(through_fs), "=r"(through_gs));
    return (uint64_t)through_gs << 32 | through_fs;
}

/*
 * The bases of fs and gs come back with them.  Where one of the two means nothing any more, the failsafe callback says
 * so, once, and the register is null.  Shows callback_op.failsafe-32.
 */
static void switches(void)
{
    uint64_t end = time_now() + 300000000;
    unsigned wrong = 0;
    uint16_t gs;

    (void)trap_set_handler(VECTOR_FAILSAFE, count_failsafe);
    set_descriptor(BASE1, data_at(&words[0]));
    set_descriptor(OTHER_BASE1, data_at(&words[1]));
    load_fs_gs(SELECTOR(BASE1, 1), SELECTOR(OTHER_BASE1, 1));
    while (time_now() < end) {
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
        wrong += read_both() != (UINT64_C(0x65) << 32 | 0xf5);
    }
    test_equal("fs and gs have their bases each time", wrong, 0);
    test_equal("nothing has failed", failsafes, 0);
    set_descriptor(OTHER_BASE1, 0);
    for (end += 300000000; time_now() < end && failsafes == 0;)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    __asm__ volatile("movw %%gs, %0" : "=r"(gs));
    test_equal("a selector that means nothing any more: failsafe", failsafes, 1);
    test_equal("it is null then", gs, 0);
    load_fs_gs(0, 0);
}

/*
 * ---- Ends.
 */

static void handler_ends(uint16_t cs, uint32_t address)
{
    test_need(set_handler(cs, address), "handler");
    raise_own((void *)FLAT_RING1_SS);
}

/* A program that interrupts itself, while the kernel's stack is said to be there. */
static void stack_ends(uintptr_t ss, uintptr_t esp)
{
    test_need(set_handler(FLAT_RING1_CS, (uint32_t)trap_entry_of(VECTOR_OWN)), "handler");
    test_need(user_load(USER_BASE, own_vector.begin, own_vector.end), "code");
    (void)hypercall_stack_switch(ss, esp);
    __asm__ volatile(
        "pushl %0; pushl %1; pushl $2; pushl %2; pushl %3; jmp hypercall_page + " TEXT(__HYPERVISOR_iret) " * 32"
        :
        : "i"(FLAT_RING3_SS), "r"((uint32_t)USER_STACK_END), "i"(FLAT_RING3_CS), "r"((uint32_t)USER_BASE)
        : "memory");
}

static void return_ends(uint32_t cs, uint32_t esp)
{
    struct kernel_frame frame = {cs, 2};

    if (esp)
        __asm__ volatile("movl %0, %%esp; movl $" TEXT(__HYPERVISOR_iret) ", %%eax; int $0x82" : : "r"(esp) : "memory");
    else
        call_iret(&frame);
}

/* Shows frame32.bad-segment, frame32.nowhere, iret.narrow-ring-0, iret.unreadable. */
static void crash(uint64_t how)
{
    const uint32_t handler = (uint32_t)trap_entry_of(VECTOR_OWN), stack = (uint32_t)(uintptr_t)page_alloc() + PAGE_SIZE;

    switch (how) {
    case 1:
        handler_ends(3, handler);
        break;
    case 2:
        handler_ends(FLAT_RING1_DS, handler);
        break;
    case 3:
        handler_ends(SELECTOR(SHORT1, 1), handler);
        break;
    case 4:
        handler_ends(SELECTOR(ABSENT1, 1), handler);
        break;
    case 5:
        handler_ends(0xe008, handler);
        break;
    case 6:
        stack_ends(SELECTOR(READ_ONLY1, 1), stack);
        break;
    case 7:
        stack_ends(FLAT_RING1_SS, 0xf5800000 + 64);
        break;
    case 8:
        stack_ends(FLAT_RING1_SS, 16);
        break;
    case 9:
        return_ends(FLAT_RING1_CS & ~3u, 0);
        break;
    case 10:
        return_ends(0, 0xf57ffff8);
        break;
    default:
        break;
    }
    test_error("the guest has outlived it");
}

void test_main(void)
{
    static const unsigned vectors[] = {TRAP_UD, TRAP_TS, TRAP_NP, TRAP_SS, TRAP_GP, TRAP_PF};
    uint64_t how = guest_option("crash", 0), seed = guest_option("wild", 0);

    test_need(user_init(), "user mode");
    make_tables();
    if (how)
        crash(how);
    if (seed) {
        wild(seed, guest_option("rounds", 1000));
        return;
    }
    if (guest_option("switches", 0)) {
        switches();
        return;
    }
    kernel_returns();
    jumps();
    handlers();
    for (unsigned i = 0; i < ARRAY_SIZE(vectors); i++)
        (void)trap_set_handler(vectors[i], end_here);
    rings();
    refused_returns();
    flags();
    modes();
    sysenter_from_vm86();
    fast_calls();
}
