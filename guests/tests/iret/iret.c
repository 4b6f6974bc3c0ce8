/* SPDX-License-Identifier: MIT */
/*
 * Returns: by the call and by the instruction; to frames that the processor refuses.
 */
#include <abi/context.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

void iret_call(const struct iret_context *frame);
uint64_t iret_native(void);
uint64_t iret_registers(void);
uint64_t iret_flags(uint64_t rflags);

SNIPPET(user_code, "nop", "syscall", "");
SNIPPET(user_flags, "pushfq; popq %rdi", "syscall", "");
SNIPPET(user_port, "movl $0x80, %edx", "inb %dx, %al", "");
SNIPPET(user_cli, "nop", "cli", "");

/* Of RFLAGS, what is never a guest's: the I/O privilege level, virtual-8086 mode, its interrupts. */
#define RFLAGS_FOREIGN (UINT64_C(0x3000) | UINT64_C(0x20000) | UINT64_C(0x180000))

#define NOT_CANONICAL UINT64_C(0x8000000000000000)

static char stack[4096] __attribute__((aligned(16)));

static void call(void *frame)
{
    iret_call(frame);
}

/* A return into kernel mode that faults: the fault is the one of the context returned to.  Shows iret.refused. */
static void bad_kernel_frame(const char *name, uint64_t rip, uint64_t cs, uint64_t ss, unsigned vector, uint32_t error)
{
    struct iret_context frame = {.rip = rip, .cs = cs, .rflags = 2, .rsp = (uint64_t)(stack + 2048), .ss = ss};
    struct fault fault;

    (void)trap_try(call, &frame, &fault);
    test_check(fault.vector == vector && fault.error == error, name, "%s with error 0x%x, expected %s with 0x%x",
               trap_name(fault.vector), fault.error, trap_name(vector), error);
}

/* The same into user mode; @flags goes into the frame.  Shows iret.refused. */
static void bad_user_frame(const char *name, uint64_t rip, uint16_t cs, uint64_t ss, unsigned vector, uint32_t error)
{
    struct regs regs;
    unsigned seen;

    user_regs_init(&regs, rip);
    regs.cs = cs;
    regs.ss = ss;
    seen = user_run(&regs);
    test_check(seen == vector && regs.error == error && (regs.cs & 3) == 3, name,
               "%s with error 0x%x, cs %x, expected %s with 0x%x", trap_name(seen), regs.error, regs.cs,
               trap_name(vector), error);
}

/* IF in the frame is the event mask from then on.  Shows iret.mask, iret.registers. */
static void mask_from_frame(void)
{
    struct regs regs;

    user_regs_init(&regs, USER_BASE);
    regs.rflags = 0;
    test_equal("user: return with IF clear", user_run(&regs), VECTOR_SYSCALL);
    test_equal("events were masked", regs.saved_mask, 1);
    test_equal("IF in the frame", regs.rflags & RFLAGS_IF, 0);
    user_regs_init(&regs, USER_BASE);
    regs.rflags = RFLAGS_IF | 0x3000;
    test_equal("user: return with IOPL 3 asked for", user_run(&regs), VECTOR_SYSCALL);
    test_equal("IOPL is not granted", regs.rflags & 0x3000, 0);
    test_equal("events were on", regs.saved_mask, 0);
    event_disable();
    test_equal("kernel: rax, rcx, r11 and rsp arrive", iret_registers(), 0);
    test_check(event_enabled(), "kernel: IF set unmasks events", "still masked");
    event_disable();
}

/* Run @code in user mode with all flags asked for that are not a guest's, and events masked. */
static unsigned run_with_flags(uint64_t base, const struct snippet *code, struct regs *regs)
{
    test_need(user_load(base, code->begin, code->end), "user code");
    user_regs_init(regs, base);
    regs->rflags = RFLAGS_FOREIGN;
    return user_run(regs);
}

/*
 * What the frame asks for, and what the processor then has: it is the flags themselves that count, not what a frame
 * says of them later.
 * Shows iret.flags.
 */
static void foreign_flags(void)
{
    uint64_t base = USER_BASE + 4 * PAGE_SIZE;
    struct regs regs;

    test_equal("user: return with the flags of others", run_with_flags(base, &user_flags, &regs), VECTOR_SYSCALL);
    test_equal("they are clear", regs.rdi & RFLAGS_FOREIGN, 0);
    test_equal("real interrupts are on", regs.rdi & RFLAGS_IF, RFLAGS_IF);
    test_equal("a port faults", run_with_flags(base + PAGE_SIZE, &user_port, &regs), TRAP_GP);
    test_equal("so does cli", run_with_flags(base + 2 * PAGE_SIZE, &user_cli, &regs), TRAP_GP);
    test_equal("kernel: the call with the flags of others", iret_flags(RFLAGS_FOREIGN | 2) & RFLAGS_FOREIGN, 0);
    event_disable();
}

static void native(void)
{
    uint64_t rflags = iret_native();

    test_equal("iretq, kernel to kernel", rflags & (RFLAGS_AC | RFLAGS_OF | RFLAGS_CF),
               RFLAGS_AC | RFLAGS_OF | RFLAGS_CF);
}

void test_main(void)
{
    const uint64_t code = FLAT_KERNEL_CS & ~3, data = FLAT_KERNEL_SS;

    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, user_code.begin, user_code.end), "user code");
    native();
    mask_from_frame();
    foreign_flags();
    bad_kernel_frame("kernel: rip not canonical", NOT_CANONICAL, code, data, TRAP_GP, 0);
    bad_kernel_frame("kernel: cs of a data segment", (uint64_t)native, data & ~UINT64_C(3), data, TRAP_GP, 0xe028);
    bad_kernel_frame("kernel: cs without a frame", (uint64_t)native, 0x1230, data, TRAP_GP, 0x1230);
    bad_kernel_frame("kernel: cs null", (uint64_t)native, 0, data, TRAP_GP, 0);
    bad_kernel_frame("kernel: ss of a code segment", (uint64_t)native, code, FLAT_KERNEL_CS, TRAP_GP, 0xe030);
    bad_kernel_frame("kernel: ss without a frame", (uint64_t)native, code, 0x1233, TRAP_GP, 0x1230);
    bad_kernel_frame("kernel: the hypervisor's code segment", (uint64_t)native, 0xe008, data, TRAP_GP, 0xe008);
    bad_user_frame("user: rip not canonical", NOT_CANONICAL, FLAT_USER_CS64, data, TRAP_GP, 0);
    bad_user_frame("user: cs of a data segment", USER_BASE, 0xe02b, data, TRAP_GP, 0xe028);
    bad_user_frame("user: cs without a frame", USER_BASE, 0x1233, data, TRAP_GP, 0x1230);
    bad_user_frame("user: ss of a code segment", USER_BASE, FLAT_USER_CS64, FLAT_KERNEL_CS, TRAP_GP, 0xe030);
    bad_user_frame("user: ss without a frame", USER_BASE, FLAT_USER_CS64, 0x1233, TRAP_GP, 0x1230);
    bad_user_frame("user: nothing mapped there", 0x123000, FLAT_USER_CS64, data, TRAP_PF, FAULT_USER | FAULT_FETCH);
    bad_user_frame("user: the kernel's code", (uint64_t)native, FLAT_USER_CS64, data, TRAP_PF,
                   FAULT_USER | FAULT_FETCH);
}
