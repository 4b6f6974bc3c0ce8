/* SPDX-License-Identifier: MIT */
/*
 * FSGSBASE: a vCPU that has set it in CR4 reads and writes its bases by instructions, in the kernel and in user mode;
 * they are its own, whatever the selectors, and stay what they are while another vCPU runs with others.
 */
#include <abi/cpuid.h>
#include <abi/sched.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/bases/second.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define CPUID_7_EBX_FSGSBASE (1u << 0)
#define NOT_CANONICAL        UINT64_C(0x800000000000)
#define MSR_FS_BASE          0xc0000100u
#define MSR_GS_BASE          0xc0000101u
#define MSR_KERNEL_GS_BASE   0xc0000102u
#define ROUNDS               200u

struct bases {
    uint64_t fs, gs;
};

static void read_bases(void *arg)
{
    struct bases *bases = arg;

    __asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(bases->fs), "=r"(bases->gs));
}

static void write_bases(void *arg)
{
    const struct bases *bases = arg;

    __asm__ volatile("wrfsbase %0; wrgsbase %1" ::"r"(bases->fs), "r"(bases->gs));
}

static unsigned attempt(void (*function)(void *arg), void *arg)
{
    struct fault fault;

    (void)trap_try(function, arg, &fault);
    return fault.vector;
}

static uint64_t rdmsr(uint32_t number)
{
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t)high << 32 | low;
}

static void load_selectors(uint16_t fs, uint16_t gs)
{
    __asm__ volatile("movw %0, %%fs; movw %1, %%gs" ::"r"(fs), "r"(gs));
}

/* Let the other vCPU run, and see that it has. */
static void let_second_run(void)
{
    unsigned before = READ_ONCE(second.rounds);

    while (READ_ONCE(second.rounds) == before)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

static void offered(void)
{
    uint32_t eax = 7, ebx, ecx = 0, edx;
    struct bases bases;

    __asm__ volatile(XEN_CPUID : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
    test_equal("cpuid shows it", ebx & CPUID_7_EBX_FSGSBASE, 1);
    test_equal("a vCPU starts without it", attempt(read_bases, &bases), TRAP_UD);
    write_cr4(read_cr4() | CR4_FSGSBASE);
    test_equal("CR4 has taken it", read_cr4() & CR4_FSGSBASE, CR4_FSGSBASE);
    test_equal("the instructions are there", attempt(read_bases, &bases), TRAP_NONE);
}

static void kernel(void)
{
    struct bases bases = {0x123456789000, 0xffff880000001230};

    write_bases(&bases);
    test_equal("FS by its MSR", rdmsr(MSR_FS_BASE), bases.fs);
    test_equal("GS by its MSR", rdmsr(MSR_GS_BASE), bases.gs);
    test_result("set_segment_base of user mode's GS", hypercall_set_segment_base(SEGBASE_GS_USER, 0x7777000), 0);
    read_bases(&bases);
    test_equal("which leaves the kernel's alone", bases.gs, 0xffff880000001230);
    test_result("a null selector for user mode's GS", hypercall_set_segment_base(SEGBASE_GS_USER_SEL, 0), 0);
    read_bases(&bases);
    test_equal("which does, too", bases.gs, 0xffff880000001230);
}

/* Other bases in each round, by null selectors and by such that have a base of their own. */
static void switches(void)
{
    static const uint16_t selectors[] = {0, FLAT_USER_DS32};
    unsigned lost = 0, selectors_lost = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct bases want = {0x1000 * (i + 1), 0xffff880000000000 + 0x3000 * i}, got;
        uint16_t fs, gs;

        load_selectors(selectors[i % 2], selectors[i / 2 % 2]);
        write_bases(&want);
        let_second_run();
        read_bases(&got);
        lost += got.fs != want.fs || got.gs != want.gs;
        __asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
        selectors_lost += fs != selectors[i % 2] || gs != selectors[i / 2 % 2];
    }
    load_selectors(0, 0);
    test_equal("bases lost at switches of vCPUs", lost, 0);
    test_equal("selectors lost", selectors_lost, 0);
    test_equal("of the other vCPU", second.lost, 0);
    test_check(second.rounds >= ROUNDS, "it has run, too", "%u rounds", second.rounds);
}

/* #GP on a processor; QEMU takes it, and must not take the hypervisor along. */
static void no_address(void)
{
    struct bases bases = {NOT_CANONICAL, NOT_CANONICAL}, then;
    unsigned vector = attempt(write_bases, &bases);

    let_second_run();
    read_bases(&then);
    test_check(vector == TRAP_GP || (then.fs | then.gs) == 0xffff800000000000, "a base that is not canonical",
               "%s, then %lx and %lx", trap_name(vector), then.fs, then.gs);
}

/* The program sets its bases, calls, and says what it finds after the call. */
SNIPPET(program, "xorl %eax, %eax; movw %ax, %fs; movw %ax, %gs; wrfsbase %rdi; wrgsbase %rsi", "syscall",
        "rdfsbase %rdi; rdgsbase %rsi; syscall");

static void user(void)
{
    unsigned lost = 0, kernel_lost = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct bases own = {0x5000 * (i + 1), 0x7000 * (i + 1)};
        struct bases bases = {0xffff880000000000 + 0x1000 * i, 0xffff880000000000 + 0x9000 * i}, got;
        struct regs regs;

        write_bases(&bases);
        user_regs_init(&regs, USER_BASE);
        regs.rdi = own.fs;
        regs.rsi = own.gs;
        if (user_run(&regs) != VECTOR_SYSCALL) {
            test_not_ok("user mode", "%s at %lx", trap_name(regs.vector), regs.rip);
            return;
        }
        read_bases(&got);
        kernel_lost += got.gs != bases.gs || got.fs != own.fs || rdmsr(MSR_KERNEL_GS_BASE) != own.gs;
        let_second_run();
        regs.rdi = regs.rsi = 0;
        if (user_run(&regs) != VECTOR_SYSCALL) {
            test_not_ok("user mode, again", "%s at %lx", trap_name(regs.vector), regs.rip);
            return;
        }
        lost += regs.rdi != own.fs || regs.rsi != own.gs;
        read_bases(&got);
        kernel_lost += got.gs != bases.gs;
    }
    test_equal("bases of user mode lost", lost, 0);
    test_equal("bases of the kernel lost", kernel_lost, 0);
    test_equal("of the other vCPU", second.lost, 0);
}

static void off_again(void)
{
    struct bases bases = {0x42000, 0x43000};
    unsigned before;

    write_bases(&bases);
    write_cr4(read_cr4() & ~CR4_FSGSBASE);
    test_equal("off: no instructions", attempt(read_bases, &bases), TRAP_UD);
    before = second.rounds;
    let_second_run();
    test_check(second.rounds > before && !second.undefined, "the other vCPU has them still", "%u", second.undefined);
    test_equal("off again after the switch", attempt(read_bases, &bases), TRAP_UD);
    test_equal("the bases stay", rdmsr(MSR_FS_BASE), 0x42000);
}

void test_main(void)
{
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, program.begin, program.end), "user code");
    offered();
    kernel();
    second_start();
    test_equal("another vCPU starts without it", second.cr4 & CR4_FSGSBASE, 0);
    test_equal("there the instructions are none", second.undefined, 1);
    second_go();
    switches();
    no_address();
    user();
    off_again();
}
