/* SPDX-License-Identifier: MIT */
/*
 * Selectors of what is not there: instructions that ask about them say so in ZF and never fault, loads are #GP with the
 * selector; from kernel and from user mode.  The tables end where the guest has said.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

#define LDT_AT    UINT64_C(0x20000000)
#define DATA_DPL3 UINT64_C(0x00cff2000000ffff)
#define IN_LDT(n) ((n)*8 + 7)
#define IN_GDT(n) ((n)*8 + 3)

/* The instruction with a selector in ebx; rbx is ZF then. */
#define ASKS "setz %bl; movzbl %bl, %ebx; syscall"
SNIPPET(lar, "", "larl %ebx, %eax", ASKS);
SNIPPET(lsl, "", "lsll %ebx, %eax", ASKS);
SNIPPET(verr, "", "verr %bx", ASKS);
SNIPPET(verw, "", "verw %bx", ASKS);
SNIPPET(load_ds, "", "movw %bx, %ds", "syscall");
SNIPPET(load_es, "", "movw %bx, %es", "syscall");
SNIPPET(load_fs, "", "movw %bx, %fs", "syscall");
SNIPPET(load_gs, "", "movw %bx, %gs", "syscall");
SNIPPET(load_ss, "", "movw %bx, %ss", "syscall");

struct question {
    uint64_t selector, zf;
};

#define ASK(name, instruction)                                                                                         \
    static void name(void *arg)                                                                                        \
    {                                                                                                                  \
        struct question *it = arg;                                                                                     \
                                                                                                                       \
        __asm__ volatile(instruction "; setz %b0; movzbl %b0, %k0" : "=&q"(it->zf) : "r"(it->selector) : "rax", "cc"); \
    }
ASK(kernel_lar, "larl %k1, %%eax")
ASK(kernel_lsl, "lsll %k1, %%eax")
ASK(kernel_verr, "verr %w1")
ASK(kernel_verw, "verw %w1")

#define LOAD(name, segment)                                                                 \
    static void name(void *arg)                                                             \
    {                                                                                       \
        __asm__ volatile("movw %w0, %%" segment ::"r"(((struct question *)arg)->selector)); \
    }
LOAD(kernel_load_ds, "ds")
LOAD(kernel_load_es, "es")
LOAD(kernel_load_fs, "fs")
LOAD(kernel_load_gs, "gs")
LOAD(kernel_load_ss, "ss")

static const struct instruction {
    const char *name;
    const struct snippet *user;
    void (*kernel)(void *arg);
    bool loads;
} instructions[] = {
    {"lar", &lar, kernel_lar, false},           {"lsl", &lsl, kernel_lsl, false},
    {"verr", &verr, kernel_verr, false},        {"verw", &verw, kernel_verw, false},
    {"mov ds", &load_ds, kernel_load_ds, true}, {"mov es", &load_es, kernel_load_es, true},
    {"mov fs", &load_fs, kernel_load_fs, true}, {"mov gs", &load_gs, kernel_load_gs, true},
    {"mov ss", &load_ss, kernel_load_ss, true},
};

static uint64_t code_of(unsigned instruction)
{
    return USER_BASE + instruction * PAGE_SIZE;
}

/* A program has no stack of its own for what follows, so it ends with what it holds in its registers. */
static unsigned in_user(unsigned instruction, struct question *it, uint32_t *error)
{
    struct regs regs;
    unsigned vector;

    user_regs_init(&regs, code_of(instruction));
    regs.rbx = it->selector;
    vector = user_run(&regs);
    *error = regs.error;
    it->zf = regs.rbx;
    return vector == VECTOR_SYSCALL ? TRAP_NONE : vector;
}

static unsigned in_kernel(unsigned instruction, struct question *it, uint32_t *error)
{
    struct fault fault;

    (void)trap_try(instructions[instruction].kernel, it, &fault);
    __asm__ volatile("movw %w0, %%fs; movw %w0, %%es; movw %w0, %%ds; movw %w0, %%gs" ::"r"(0));
    __asm__ volatile("movw %w0, %%ss" ::"r"(FLAT_KERNEL_SS));
    *error = fault.error;
    return fault.vector;
}

/* Is @selector there, a data segment, for all instructions in both modes? */
static void expect(const char *what, uint16_t selector, bool there)
{
    char name[80];

    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++) {
        for (unsigned user = 0; user < 2; user++) {
            struct question it = {.selector = selector};
            uint32_t error = 0;
            unsigned vector = (user ? in_user : in_kernel)(i, &it, &error);
            bool as_wanted;

            print_to(name, sizeof(name), "%s, %s: %s %x", what, user ? "user" : "kernel", instructions[i].name,
                     selector);
            if (instructions[i].loads && !there)
                as_wanted = vector == TRAP_GP && error == (selector & 0xfffc);
            else
                as_wanted = vector == TRAP_NONE && (instructions[i].loads || it.zf == there);
            test_check(as_wanted, name, "%s with error 0x%x, ZF %lu", trap_name(vector), error, it.zf);
        }
    }
}

static void set_ldt(uint32_t entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT, .arg1.linear_addr = entries ? LDT_AT : 0, .arg2.nr_ents = entries};

    test_need((int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF), "SET_LDT");
}

/* Every descriptor of two pages is a data segment. */
static void make_ldt(void)
{
    for (unsigned page = 0; page < 2; page++) {
        uint64_t *entries = page_alloc();

        for (unsigned i = 0; i < 512; i++)
            entries[i] = DATA_DPL3;
        test_need(table_set_readonly(entries), "read-only");
        test_need(user_map(LDT_AT + page * PAGE_SIZE, entries, PTE_READONLY), "map the LDT");
    }
}

static void ldts(void)
{
    expect("no LDT", IN_LDT(0), false);
    expect("no LDT", IN_LDT(1), false);
    expect("no LDT", IN_LDT(512), false);
    expect("no LDT", IN_LDT(8191), false);
    make_ldt();
    set_ldt(520);
    expect("the last of 520", IN_LDT(519), true);
    expect("behind them", IN_LDT(520), false);
    expect("the last of the page", IN_LDT(1023), false);
    expect("the next page", IN_LDT(1024), false);
    expect("the last that an LDT could have", IN_LDT(8191), false);
    expect("the first, in a page of its own", IN_LDT(0), true);
    set_ldt(1);
    expect("the only one", IN_LDT(0), true);
    expect("behind it", IN_LDT(1), false);
    set_ldt(512);
    expect("the last of a page", IN_LDT(511), true);
    expect("behind a page", IN_LDT(512), false);
    set_ldt(0);
    expect("no LDT any more", IN_LDT(0), false);
}

static void gdts(void)
{
    uint64_t *gdt = page_alloc(), frame = virt_to_mfn(gdt).v;

    expect("no GDT", IN_GDT(1), false);
    expect("no GDT", IN_GDT(0x1bff), false);
    expect("the hypervisor's data segment", FLAT_KERNEL_SS, true);
    expect("a segment of the hypervisor's page that is none", IN_GDT(0x1c00), false);
    expect("behind the hypervisor's page", IN_GDT(0x1e00), false);
    expect("the last selector", IN_GDT(0x1fff), false);
    gdt[1] = DATA_DPL3;
    test_need(table_set_readonly(gdt), "read-only");
    test_need((int)hypercall_set_gdt(&frame, 2), "set_gdt");
    expect("the guest's own", IN_GDT(1), true);
    expect("an empty slot", IN_GDT(2), false);
    expect("the next page", IN_GDT(512), false);
    test_need((int)hypercall_set_gdt(NULL, 0), "set_gdt");
    expect("no GDT any more", IN_GDT(1), false);
    test_result("its frame is writable again", table_set_writable(gdt), 0);
}

void test_main(void)
{
    test_need(user_init(), "user mode");
    for (unsigned i = 0; i < ARRAY_SIZE(instructions); i++)
        test_need(user_load(code_of(i), instructions[i].user->begin, instructions[i].user->end), "user code");
    gdts();
    ldts();
}
