/* SPDX-License-Identifier: MIT */
/*
 * Debug traps: single steps, and breakpoints on data and on instructions, each alone and all at once, of a program and
 * of the kernel; what is in the way, such as a load of ss or a system call, among them.
 *
 * An instruction that is stepped and hits a breakpoint on data as well raises two traps in QEMU.  Both have to be the
 * guest's, and neither may be taken for the other.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define DATA_AT     UINT64_C(0x600000)
#define STACK_AT    (DATA_AT + 0x800)
#define RFLAGS_RF   UINT64_C(0x10000)
#define DR6_STEP    UINT64_C(0x4000)
#define DR6_HIT     UINT64_C(1)       /* breakpoint 0; 2: breakpoint 1 */
#define DR7_DATA    UINT64_C(0xf0401) /* breakpoint 0: four bytes, read or written */
#define DR7_EXECUTE UINT64_C(0x408)   /* breakpoint 1 */
#define TRAPS_MOST  1000u             /* in all rounds */
#define ROUNDS      50u

/* The instruction in the middle reads or writes at rdi; each ends in a trap. */
SNIPPET(store, "nop", "movl $1, (%rdi)", "nop; syscall; ud2");
SNIPPET(push, "nop; leaq 8(%rdi), %rsp", "pushq $1", "nop; syscall; ud2");
SNIPPET(string, "cld; movl $4, %ecx", "rep stosb", "nop; syscall; ud2");
SNIPPET(store_call, "nop", "movl $1, (%rdi)", "syscall; ud2");
SNIPPET(store_int, "nop", "movl $1, (%rdi)", "int $0x80");
SNIPPET(store_fault, "nop", "movl $1, (%rdi)", "ud2");
SNIPPET(load_ss_call, "movl $0xe02b, (%rdi)", "movw (%rdi), %ss", "syscall; ud2");
SNIPPET(load_ss_int, "movl $0xe02b, (%rdi)", "movw (%rdi), %ss", "int $0x80");
SNIPPET(load_ss_int3, "movl $0xe02b, (%rdi)", "movw (%rdi), %ss", "int3");
SNIPPET(load_ss_sysenter, "movl $0xe02b, (%rdi)", "movw (%rdi), %ss", "sysenter; ud2");
SNIPPET(set_step, "nop; pushfq; orq $0x100, (%rsp); popfq", "movl $1, (%rdi)", "nop; syscall; ud2");

static const struct {
    const char *name;
    const struct snippet *code;
} codes[] = {
    {"store", &store},
    {"push", &push},
    {"rep stosb", &string},
    {"store; syscall", &store_call},
    {"store; int", &store_int},
    {"store; ud2", &store_fault},
    {"mov ss; syscall", &load_ss_call},
    {"mov ss; int", &load_ss_int},
    {"mov ss; int3", &load_ss_int3},
    {"mov ss; sysenter", &load_ss_sysenter},
    {"popf; store", &set_step},
};

/* How it is watched. */
enum { STEP = 1, DATA = 2, EXECUTE = 4, WAYS = 8 };

static struct {
    uint64_t dr6;
    unsigned traps;
    bool wrong_mode;
} seen;

static bool is_kernel;

static bool debug_trap(struct regs *regs)
{
    uint64_t dr6 = (uint64_t)hypercall_get_debugreg(6);

    seen.dr6 |= dr6;
    (void)hypercall_set_debugreg(6, 0);
    seen.wrong_mode |= (regs->cs & 3) != (is_kernel ? 0 : 3);
    if (dr6 & DR6_HIT << 1)
        regs->rflags |= RFLAGS_RF; /* or it would come again */
    if (++seen.traps > TRAPS_MOST)
        user_end(regs);
    return true;
}

static bool arrive(struct regs *regs)
{
    user_end(regs);
    return false;
}

static void arm(const struct snippet *code, uint64_t base, unsigned way)
{
    uint64_t dr7 = 0x400;

    (void)hypercall_set_debugreg(0, DATA_AT);
    (void)hypercall_set_debugreg(1, base + (uint64_t)(code->at - code->begin));
    if (way & DATA)
        dr7 |= DR7_DATA;
    if (way & EXECUTE)
        dr7 |= DR7_EXECUTE;
    (void)hypercall_set_debugreg(6, 0);
    test_need((int)hypercall_set_debugreg(7, dr7), "breakpoints");
}

static void run(unsigned code, unsigned way)
{
    uint64_t base = USER_BASE + code * PAGE_SIZE;
    struct regs regs;

    user_regs_init(&regs, base);
    regs.rdi = DATA_AT;
    regs.rsp = STACK_AT;
    regs.rax = __HYPERVISOR_xen_version;
    if (is_kernel)
        regs.cs = FLAT_KERNEL_CS & ~3;
    if (way & STEP)
        regs.rflags |= RFLAGS_TF;
    arm(codes[code].code, base, way);
    (void)user_run(&regs);
    (void)hypercall_set_debugreg(7, 0);
}

static void check(unsigned code, unsigned way)
{
    bool stepped = way & STEP || codes[code].code == &set_step;
    uint64_t want = (stepped ? DR6_STEP : 0) | (way & DATA ? DR6_HIT : 0) | (way & EXECUTE ? DR6_HIT << 1 : 0);
    char name[80];

    seen.dr6 = seen.traps = 0;
    seen.wrong_mode = false;
    for (unsigned i = 0; i < ROUNDS; i++)
        run(code, way);
    print_to(name, sizeof(name), "%s, %s%s%s%s", is_kernel ? "kernel" : "program", codes[code].name,
             way & STEP ? ", stepped" : "", way & DATA ? ", data" : "", way & EXECUTE ? ", instruction" : "");
    /* A breakpoint that is not enabled may be told as well: Intel SDM volume 3, 18.2.3. */
    test_check((seen.dr6 & (want | DR6_STEP)) == want && (seen.traps != 0) == (want != 0) && !seen.wrong_mode, name,
               "dr6 %lx, expected %lx; %u traps%s", seen.dr6, want, seen.traps, seen.wrong_mode ? ", wrong mode" : "");
}

static void make_memory(void)
{
    uint8_t *pages = pages_alloc(8);

    /* Below, room for the handler of a kernel that has its stack there. */
    for (unsigned i = 0; i < 8; i++)
        test_need(user_map(DATA_AT - (6 - i) * PAGE_SIZE, pages + i * PAGE_SIZE, PTE_PROGRAM), "data");
    test_need(user_init(), "user mode");
    for (unsigned code = 0; code < ARRAY_SIZE(codes); code++)
        test_need(user_load(USER_BASE + code * PAGE_SIZE, codes[code].code->begin, codes[code].code->end), "code");
}

void test_main(void)
{
    make_memory();
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        if (vector != VECTOR_EVENT)
            (void)trap_set_handler(vector, vector == TRAP_DB ? debug_trap : arrive);
    }
    for (unsigned kernel = 0; kernel < 2; kernel++) {
        is_kernel = kernel;
        for (unsigned code = 0; code < ARRAY_SIZE(codes); code++) {
            for (unsigned way = 0; way < WAYS; way++) {
                /* A kernel that is entered by sysenter has no stack. */
                if (!kernel || codes[code].code != &load_ss_sysenter)
                    check(code, way);
            }
        }
    }
}
