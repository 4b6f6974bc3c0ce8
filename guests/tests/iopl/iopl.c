/* SPDX-License-Identifier: MIT */
/*
 * The I/O privilege level: who sets it, with the assist architectural_iopl and without, what it opens to user mode and
 * to the kernel, and where it shows.
 */
#include <abi/physdev.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/user.h>
#include <guests/tests/iopl/another.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define IOPL(level)   ((uintptr_t)(level) << 12)
#define LEVEL(rflags) ((rflags) >> 12 & 3)
#define PORT          "$0x80"

SNIPPET(cli, "", "cli", PROGRAM_CALL);
SNIPPET(sti, "", "sti", PROGRAM_CALL);
SNIPPET(in, "movl " PORT ", %edx; xorl %eax, %eax", "inl %dx, %eax", PROGRAM_CALL);
SNIPPET(out, "movl " PORT ", %edx", "outb %al, %dx", PROGRAM_CALL);
SNIPPET(popf, "pushf; xorl $0x3000, (%" REGISTER_SP ")", "popf", "pushf; pop %" REGISTER_AX "; " PROGRAM_CALL);

static const struct instruction {
    const char *name;
    const struct snippet *code;
} instructions[] = {{"cli", &cli}, {"sti", &sti}, {"in", &in}, {"out", &out}};

#define POPF ARRAY_SIZE(instructions)

static uint64_t code_of(unsigned instruction)
{
    return USER_BASE + instruction * PAGE_SIZE;
}

static unsigned run(unsigned instruction, uint64_t asked, struct regs *regs)
{
    user_regs_init(regs, code_of(instruction));
    regs->rflags |= IOPL(asked);
    return user_run(regs);
}

/* User mode after a return with @asked in the frame: may it use @instruction as the level @level says? */
static void judge(const char *how, unsigned instruction, unsigned asked, unsigned level, unsigned shown)
{
    struct regs regs;
    unsigned vector = run(instruction, asked, &regs), wanted = level == 3 ? VECTOR_PROGRAM_CALL : TRAP_GP;
    char name[80];

    print_to(name, sizeof(name), "%s, return with %u: %s", how, asked, instructions[instruction].name);
    test_check(vector == wanted && LEVEL(regs.rflags) == shown && regs.saved_mask == 0, name,
               "%s, expected %s; level %" PRIuPTR " in the frame, expected %u; mask %u", trap_name(vector),
               trap_name(wanted), LEVEL(regs.rflags), shown, regs.saved_mask);
    if (instructions[instruction].code == &in && vector == VECTOR_PROGRAM_CALL)
        test_equal("nothing is at the port", regs.rax, 0xffffffff);
}

static void do_cli(void *arg)
{
    (void)arg;
    __asm__ volatile("cli");
}

static void undefined(void *arg)
{
    (void)arg;
    __asm__ volatile("ud2");
}

/* In the kernel. */
static void judge_kernel(const char *how, bool allowed, unsigned shown)
{
    struct fault fault;
    char name[80];

    (void)trap_try(do_cli, NULL, &fault);
    print_to(name, sizeof(name), "%s: cli of the kernel", how);
    test_equal(name, fault.vector, allowed ? TRAP_NONE : TRAP_GP);
    (void)trap_try(undefined, NULL, &fault);
    print_to(name, sizeof(name), "%s: the level in a frame of the kernel's", how);
    test_equal(name, LEVEL(fault.regs.rflags), shown);
}

static void set_iopl(uint32_t level)
{
    struct physdev_set_iopl argument = {.iopl = level};

    test_need((int)hypercall_physdev_op(PHYSDEVOP_set_iopl, &argument), "set_iopl");
}

/* Shows vm_assist.popf. */
static void popf_changes_nothing(const char *name, unsigned asked)
{
    struct regs regs;

    test_equal(name, run(POPF, asked, &regs), VECTOR_PROGRAM_CALL);
    test_equal("and shows no level", LEVEL(regs.rax), 0);
}

/* Only the call counts.  Shows physdev_op.iopl. */
static void without(void)
{
    for (unsigned level = 0; level < 4; level++) {
        set_iopl(level);
        for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
            judge("off", i, 0, level, 0);
            judge("off", i, 3, level, 0);
        }
        popf_changes_nothing("off: popf", level);
        judge_kernel("off", level > 0, 0);
    }
}

/* The frame counts, of each return anew.  Shows vm_assist.iopl, physdev_op.iopl. */
static void with(void)
{
    test_need((int)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), "vm_assist");
    judge_kernel("on, as it was", true, 3);
    for (unsigned asked = 0; asked < 4; asked++) {
        for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++)
            judge("on", i, asked, asked, asked);
        popf_changes_nothing("on: popf", asked);
        judge_kernel("on", true, asked);
    }
    set_iopl(0);
    judge_kernel("on, after the call", true, 0);
    judge("on, after the call", 0, 3, 3, 3);
    test_need((int)hypercall_vm_assist(VMASST_CMD_disable, VMASST_TYPE_architectural_iopl), "vm_assist");
    judge("off again, as it was", 0, 0, 3, 0);
    set_iopl(0);
    judge("off again, after the call", 0, 3, 0, 0);
}

/* A bitmap that opens every port opens none: the level alone counts.  Shows physdev_op.iobitmap. */
static void bitmap_of_ports(void)
{
    static const uint8_t all_clear[65536 / 8];
    struct physdev_set_iobitmap bitmap = {.bitmap = arg_of(all_clear), .nr_ports = 65536};

    if (test_under_xen()) {
        test_note("not under Xen, which reads it: a bitmap of ports");
        return;
    }
    set_iopl(0);
    test_result("set_iobitmap", hypercall_physdev_op(PHYSDEVOP_set_iobitmap, &bitmap), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++)
        judge("with a bitmap", i, 0, 0, 0);
}

void test_main(void)
{
    struct another another;

    test_need(user_init(), "user mode");
    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++)
        test_need(user_load(code_of(i), instructions[i].code->begin, instructions[i].code->end), "user code");
    test_need(user_load(code_of(POPF), popf.begin, popf.end), "user code");
    another = another_start(1, IOPL(3));
    test_check(another.may_cli && LEVEL(another.rflags) == 0, "off: a new vCPU with IOPL 3", "cli %u, rflags %" PRIxPTR,
               another.may_cli, another.rflags);
    without();
    with();
    bitmap_of_ports();
    test_need((int)hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_architectural_iopl), "vm_assist");
    another = another_start(2, IOPL(2));
    test_check(another.may_cli && LEVEL(another.rflags) == 2, "on: a new vCPU with IOPL 2", "cli %u, rflags %" PRIxPTR,
               another.may_cli, another.rflags);
}
