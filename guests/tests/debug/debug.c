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
#define RFLAGS_RF   0x10000u
#define DR6_STEP    UINT64_C(0x4000)
#define DR6_HIT     UINT64_C(1) /* breakpoint 0; 2: breakpoint 1 */
#define DR7_DATA    0xf0401u    /* breakpoint 0: four bytes, read or written */
#define DR7_EXECUTE 0x408u      /* breakpoint 1 */
#define TRAPS_MOST  1000u       /* in all rounds */
#define ROUNDS      50u

/* The call of the hypervisor's, which a program is not granted. */
#define CALL HYPERCALL_INSTRUCTION "; ud2"
#define DI   "%" REGISTER_DI
#define SP   "%" REGISTER_SP

/* The instruction in the middle reads or writes at DI; ecx has a selector for ss.  Each ends in a trap. */
SNIPPET(store, "nop", "movl $1, (" DI ")", "nop;" CALL);
SNIPPET(push, "nop; lea" WORD_SUFFIX " " WORD_SIZE "(" DI "), " SP, "push" WORD_SUFFIX " $1", "nop;" CALL);
SNIPPET(string, "cld; movl $4, %ecx", "rep stosb", "nop;" CALL);
SNIPPET(store_call, "nop", "movl $1, (" DI ")", CALL);
SNIPPET(store_int, "nop", "movl $1, (" DI ")", "int $0x80");
SNIPPET(store_fault, "nop", "movl $1, (" DI ")", "ud2");
SNIPPET(load_ss_call, "movl %ecx, (" DI ")", "movw (" DI "), %ss", CALL);
SNIPPET(load_ss_int, "movl %ecx, (" DI ")", "movw (" DI "), %ss", "int $0x80");
SNIPPET(load_ss_int3, "movl %ecx, (" DI ")", "movw (" DI "), %ss", "int3");
SNIPPET(load_ss_sysenter, "movl %ecx, (" DI ")", "movw (" DI "), %ss", "sysenter; ud2");
SNIPPET(set_step, "nop; pushf; orl $0x100, (" SP "); popf", "movl $1, (" DI ")", "nop;" CALL);

static const struct {
    const char *name;
    const struct snippet *code;
} codes[] = {
    {"store", &store},
    {"push", &push},
    {"rep stosb", &string},
    {"store; call", &store_call},
    {"store; int", &store_int},
    {"store; ud2", &store_fault},
    {"mov ss; call", &load_ss_call},
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
    uint64_t dr6 = (uintptr_t)hypercall_get_debugreg(6);

    seen.dr6 |= dr6;
    (void)hypercall_set_debugreg(6, 0);
    seen.wrong_mode |= regs_in_user_mode(regs) == is_kernel;
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
    uintptr_t dr7 = 0x400;

    (void)hypercall_set_debugreg(0, DATA_AT);
    (void)hypercall_set_debugreg(1, (uintptr_t)base + (uintptr_t)(code->at - code->begin));
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
        regs_set_kernel_segments(&regs);
    regs.rcx = regs.ss;
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
               "dr6 %" PRIx64 ", expected %" PRIx64 "; %u traps%s", seen.dr6, want, seen.traps,
               seen.wrong_mode ? ", wrong mode" : "");
}

static void make_memory(void)
{
    uint8_t *pages = pages_alloc(8);

    /* Below, room for the handler of a kernel that has its stack there. */
    for (unsigned i = 0; i < 8; i++)
        test_need(user_map(DATA_AT - 6 * PAGE_SIZE + i * PAGE_SIZE, pages + i * PAGE_SIZE, PTE_PROGRAM), "data");
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
