/* SPDX-License-Identifier: MIT */
/*
 * The short ways of system calls, page faults and returns (hv/cpu/entry_short.S) and the long ones do the same.  A
 * guest that asks for architectural_iopl takes the long ones, and sees nothing else of that as long as its I/O
 * privilege is none.  So each round, whose state is random, runs with it and without it, and what the kernel finds has
 * to be the same: all registers and selectors, the flags of the handler, the mask of events, the words around the
 * frame, the base of gs, the address of a page fault.
 *
 * A round is an iret, to a program that calls its kernel or misses a page, or to a place in the kernel that faults.
 * "seed=" repeats a run; "crash=" is the domain's end, in one of the ways of end().
 */
#include <abi/context.h>
#include <abi/vm_assist.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/user.h>
#include <guest/vcpu.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define ROUNDS    6000u
#define FILL      0xa5
#define AROUND    128u /* bytes behind the frame that are looked at */
#define NO_IOPL   (~(uintptr_t)0x3000)
#define GS_KERNEL UINT64_C(0x6b65726e656c)
#define TOUCHES   (USER_BASE + 4096)

void ways_go(const struct iret_context *frame, uintptr_t *stack);
extern char ways_syscall[], ways_page_fault[];
extern uint64_t ways_flags, ways_library, ways_library_fault;
_Noreturn void user_return(uintptr_t kernel_stack);

SNIPPET(program, "nop", "syscall", "");
SNIPPET(touches, "nop", "movb $1, (%rbp)", "");
SNIPPET(in_kernel, "nop", "ud2", "");

/* What the kernel finds. */
struct found {
    struct regs regs;
    uintptr_t place; /* of the frame */
    uint8_t around[AROUND], mask;
    uint64_t gs, flags, cr2;
    unsigned events;
};

struct round {
    struct iret_context frame;
    unsigned frame_offset; /* where it lies in frames[] */
    unsigned stack_offset; /* where the kernel's stack ends in stack[] */
    bool masks, fault_masks, pending;
};

static uint64_t random_state = 1;
static char frames[2 * 4096] __attribute__((aligned(4096)));
static char stack[4 * 4096] __attribute__((aligned(4096)));
static uintptr_t way_back;
static struct found found;
static uint64_t gs_word = GS_KERNEL;
static trap_handler *deliver;
uint64_t ways_flags, ways_library, ways_library_fault;

static uint64_t random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static bool one_of(unsigned count)
{
    return random() % count == 0;
}

static bool count_event(struct regs *regs)
{
    found.events++;
    return deliver(regs);
}

/* Whatever the round has led to. */
static bool note(struct regs *regs)
{
    if (!way_back)
        return false;
    found.regs = *regs;
    found.place = (uintptr_t)regs;
    memcpy(found.around, regs + 1, AROUND);
    found.flags = ways_flags;
    found.mask = vcpu_info_here()->evtchn_upcall_mask;
    found.cr2 = vcpu_info_here()->arch.cr2;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(found.gs));
    user_return(way_back);
}

/*
 * ---- States.
 */

static const uint16_t codes[] = {FLAT_USER_CS64, FLAT_USER_CS64, FLAT_USER_CS64, FLAT_USER_CS32, FLAT_KERNEL_CS & ~3};

/* Of the kernel's, 32-bit code is left out: it would have no stack. */
static uint64_t random_cs(void)
{
    uint64_t cs = one_of(8) ? random() : codes[random() % ARRAY_SIZE(codes)];

    return (cs & 3) != 3 && (cs & 0xfff8) == (FLAT_KERNEL_CS32 & 0xfff8) ? FLAT_KERNEL_CS & ~3u : cs;
}

/* Of a program: one that calls, one that touches a page that is not there, or a place that is not there. */
static uint64_t random_program(void)
{
    return one_of(16) ? random() >> 18 : one_of(4) ? TOUCHES : USER_BASE;
}

static void make_round(struct round *round)
{
    struct iret_context *frame = &round->frame;
    bool is_kernel;

    frame->cs = random_cs();
    is_kernel = (frame->cs & 3) != 3;
    frame->ss = one_of(8) ? random() : FLAT_USER_SS64;
    frame->rip = one_of(16) ? random() : is_kernel ? (uintptr_t)in_kernel.begin : random_program();
    frame->rflags = one_of(2) ? RFLAGS_IF : random() & NO_IOPL;
    frame->rsp = is_kernel ? (uintptr_t)stack + 4096 + random() % 4096 : random();
    frame->flags = one_of(2) ? 0 : one_of(2) ? random() : VGCF_in_syscall;
    frame->rax = random();
    frame->rcx = random();
    frame->r11 = random();
    round->frame_offset = (unsigned)(random() % (sizeof(frames) - sizeof(*frame)));
    round->stack_offset = (unsigned)(2 * 4096 + random() % 4096);
    round->masks = one_of(2);
    round->fault_masks = one_of(2);
    round->pending = one_of(4);
}

static void need_all(const struct round *round)
{
    const struct callback_register syscall =
        callback_to(CALLBACKTYPE_syscall, round->masks ? CALLBACKF_mask_events : 0, (uintptr_t)ways_syscall);

    test_need((int)hypercall_callback_op(CALLBACKOP_register, &syscall), "a callback");
    test_need(trap_set_entry(TRAP_PF, round->fault_masks ? 4 : 0, (uintptr_t)ways_page_fault), "a handler");
    test_need((int)hypercall_stack_switch(FLAT_KERNEL_SS, (uintptr_t)stack + round->stack_offset), "a stack");
}

static void take(const struct round *round, bool is_long, struct found *result)
{
    char *place = frames + round->frame_offset;

    test_need(
        (int)hypercall_vm_assist(is_long ? VMASST_CMD_enable : VMASST_CMD_disable, VMASST_TYPE_architectural_iopl),
        "the way");
    need_all(round);
    memset(stack, FILL, sizeof(stack));
    memset(&found, 0, sizeof(found));
    ways_flags = 0;
    memcpy(place, &round->frame, sizeof(round->frame));
    event_disable();
    vcpu_info_here()->evtchn_upcall_pending = round->pending;
    vcpu_info_here()->arch.cr2 = 0;
    ways_go((const struct iret_context *)(uintptr_t)place, &way_back);
    way_back = 0;
    event_disable();
    vcpu_info_here()->evtchn_upcall_pending = 0;
    *result = found;
}

/* The first word in which they differ, and nothing else of the rounds to come. */
static void compare(unsigned number, const struct round *round, const struct found *a, const struct found *b)
{
    const uint64_t *words = (const uint64_t *)(const void *)a, *others = (const uint64_t *)(const void *)b;
    unsigned i = 0;

    while (i < sizeof(*a) / 8 - 1 && words[i] == others[i])
        i++;
    test_not_ok("the two ways", "round %u: word %u is %lx, and %lx by the long way; frame cs %lx ss %lx rflags %lx",
                number, i, words[i], others[i], round->frame.cs, round->frame.ss, round->frame.rflags);
}

static void random_states(void)
{
    unsigned traps[NR_VECTORS] = {0}, events = 0;
    struct found a, b;
    struct round round;

    memset(&a, 0, sizeof(a));
    memset(&b, 0, sizeof(b));
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_round(&round);
        take(&round, false, &a);
        take(&round, true, &b);
        if (memcmp(&a, &b, sizeof(a)) != 0) {
            compare(i, &round, &a, &b);
            return;
        }
        if (a.gs != GS_KERNEL) {
            test_not_ok("the base of gs", "round %u: %lx", i, a.gs);
            return;
        }
        traps[a.regs.vector]++;
        events += a.events;
    }
    test_ok("the two ways do the same");
    test_note("%u system calls, %u of 32 bits, %u #UD, %u #GP, %u #PF, %u #DB; %u events", traps[VECTOR_SYSCALL],
              traps[VECTOR_SYSCALL32], traps[TRAP_UD], traps[TRAP_GP], traps[TRAP_PF], traps[TRAP_DB], events);
    test_check(traps[VECTOR_SYSCALL] > ROUNDS / 5 && traps[TRAP_UD] > ROUNDS / 16 && traps[TRAP_GP] > ROUNDS / 16 &&
                   traps[TRAP_PF] > ROUNDS / 16 && traps[TRAP_DB] > ROUNDS / 32 && events > ROUNDS / 32,
               "all kinds of ends have been seen", "see above");
}

static const uint64_t bad_stacks[] = {
    0xffffe00000000000, HYPERVISOR_VIRT_START + 0x1000, HYPERVISOR_VIRT_END + 32, 16, 0x10000, UINT64_C(1) << 47};
static const uint64_t bad_frames[] = {0xffffe00000000000, HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 32};

/*
 * What neither way can do is the domain's end, and nothing else's: a stack that is the hypervisor's, that goes round
 * the end of all addresses, or is not there; a frame of iret that is not there, or is not the guest's in part.  Behind
 * those are the ways to end of a program that has not called, but missed a page.
 * Shows stack_switch.bad-stack, frame64.nowhere, iret.unreadable.
 */
static _Noreturn void end(unsigned way)
{
    struct iret_context frame = {.rip = USER_BASE, .cs = FLAT_USER_CS64, .rflags = RFLAGS_IF, .ss = FLAT_USER_SS64};

    if (way < ARRAY_SIZE(bad_stacks)) {
        test_need((int)hypercall_stack_switch(FLAT_KERNEL_SS, bad_stacks[way]), "a stack");
        ways_go(&frame, &way_back);
    } else if (way < ARRAY_SIZE(bad_stacks) + ARRAY_SIZE(bad_frames)) {
        ways_go((const struct iret_context *)bad_frames[way - ARRAY_SIZE(bad_stacks)], &way_back);
    } else {
        way -= (unsigned)(ARRAY_SIZE(bad_stacks) + ARRAY_SIZE(bad_frames));
        frame.rip = TOUCHES;
        test_need((int)hypercall_stack_switch(FLAT_KERNEL_SS, bad_stacks[way % ARRAY_SIZE(bad_stacks)]), "a stack");
        ways_go(&frame, &way_back);
    }
    test_error("it has not ended");
}

/* Time is instructions here: that an ordinary round goes the short way shows. */
static void short_is_short(uint64_t begin, const char *what)
{
    const struct round round = {
        .frame = {.rip = begin, .cs = FLAT_USER_CS64, .rflags = RFLAGS_IF, .ss = FLAT_USER_SS64},
        .stack_offset = 3 * 4096};
    uint64_t ticks[2];
    struct found result;

    for (unsigned is_long = 0; is_long < 2; is_long++) {
        ticks[is_long] = rdtsc();
        for (unsigned i = 0; i < 100; i++)
            take(&round, is_long, &result);
        ticks[is_long] = rdtsc() - ticks[is_long];
    }
    test_check(ticks[0] < ticks[1], what, "%lu ticks, and %lu", ticks[0], ticks[1]);
}

void test_main(void)
{
    static const unsigned ends[] = {VECTOR_SYSCALL, VECTOR_SYSCALL32, TRAP_UD, TRAP_GP, TRAP_PF,
                                    TRAP_DB,        TRAP_NP,          TRAP_SS, TRAP_AC, TRAP_TS};

    random_state = guest_option("seed", 1);
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, program.begin, program.end), "a program");
    test_need(user_load(TOUCHES, touches.begin, touches.end), "a program that touches");
    test_need((int)hypercall_set_segment_base(SEGBASE_GS_KERNEL, (uintptr_t)&gs_word), "gs");
    ways_library = trap_entry_of(VECTOR_SYSCALL);
    ways_library_fault = trap_entry_of(TRAP_PF);
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
        (void)trap_set_handler(ends[i], note);
    deliver = trap_set_handler(VECTOR_EVENT, count_event);
    if (guest_option("crash", 0))
        end((unsigned)guest_option("crash", 0) - 1);
    random_states();
    short_is_short(USER_BASE, "the short way of calls is shorter");
    short_is_short(TOUCHES, "the short way of page faults is shorter");
}
