/* SPDX-License-Identifier: MIT */
/*
 * The ways that are not calls: from a program to its kernel and back, from the kernel to its own handlers and back, and
 * a store to a table.  The handlers here do nothing but go back, and what the guest itself executes is subtracted.
 */
#include <abi/physdev.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/costs/costs.h>
#include <guests/tests/lib/snippet.h>

#define NOWHERE     UINT64_C(0x700000)   /* an address that nothing maps */
#define TABLE_PLACE UINT64_C(0x30000000) /* what the table would map that is written to */

/* From the first of a handler here to the call: three or five, and five of the stub of the hypercall page. */
#define SYSCALL_HANDLER 9u
#define FAULT_HANDLER   10u

static void *pages[2]; /* what the store has the table map */

extern char ways_syscall[], ways_fault[], ways_error[];

/* Each of the instructions that trap has two bytes; the frame of the iret call has flags below rip. */
__asm__(".pushsection .text\n"
        "ways_syscall: popq %rcx; popq %r11; pushq $0; jmp hypercall_page + 23 * 32\n"
        "ways_fault: popq %rcx; popq %r11; addq $2, (%rsp); pushq $0; jmp hypercall_page + 23 * 32\n"
        "ways_error: popq %rcx; popq %r11; addq $2, 8(%rsp); movq $0, (%rsp); jmp hypercall_page + 23 * 32\n"
        ".popsection\n");
_Static_assert(__HYPERVISOR_iret == 23 && HYPERCALL_PAGE_STRIDE == 32, "the handlers");

/* The ticks of @it, which may use rcx and has the two arguments of a function, are in eax then. */
#define TICKS(it)               "lfence; rdtsc; movl %eax, %r8d; " it "; lfence; rdtsc; subl %r8d, %eax"
#define KERNEL_TICKS(name, it)  SNIPPET(name, "", TICKS(it), "")
#define PROGRAM_TICKS(name, it) SNIPPET(name, "", TICKS(it), "int3")
KERNEL_TICKS(kernel_nothing, "nop");
KERNEL_TICKS(kernel_undefined, "ud2");
KERNEL_TICKS(kernel_load, "movl (%rdi), %ecx");
KERNEL_TICKS(kernel_store, "movq %rsi, (%rdi)");
KERNEL_TICKS(kernel_port, "inb %dx, %al"); /* the port is the upper half of the ticks: 0 */
PROGRAM_TICKS(program_syscall, "syscall");
PROGRAM_TICKS(program_load, "movl (%rdi), %ecx");

struct way {
    const char *what;
    const struct snippet *code;
    bool is_program;  /* user mode's, not the kernel's */
    unsigned handler; /* instructions of the guest's handler */
};

static const struct way ways[] = {
    {"syscall and iret", &program_syscall, true, SYSCALL_HANDLER},
    {"#UD of the kernel and iret", &kernel_undefined, false, FAULT_HANDLER},
    {"page fault of the kernel and iret", &kernel_load, false, FAULT_HANDLER},
    {"page fault of a program and iret", &program_load, true, FAULT_HANDLER},
    {"a store to a table", &kernel_store, false, 0},
    {"a port that is nobody's", &kernel_port, false, 0},
};

static void need(long result, const char *what)
{
    if (result)
        guest_panic("%s: %ld", what, result);
}

static unsigned run_program(const struct snippet *program, uint64_t place)
{
    static uint64_t next = USER_BASE;
    static const struct snippet *loaded;
    struct regs regs;

    if (loaded != program)
        need(user_load(next += PAGE_SIZE, program->begin, program->end), "a program");
    loaded = program;
    user_regs_init(&regs, next);
    regs.rdi = place;
    if (user_run(&regs) != TRAP_BP)
        guest_panic("a program has ended by %s", trap_name(regs.vector));
    return (unsigned)regs.rax;
}

static unsigned run_kernel(const struct snippet *code, uint64_t place, uint64_t value)
{
    unsigned (*function)(uint64_t, uint64_t) = (unsigned (*)(uint64_t, uint64_t))(uintptr_t)code->begin;

    return function(place, value);
}

/* The least of the rounds. */
static unsigned measure(const struct way *way, unsigned rounds)
{
    uint64_t place = way->code == &kernel_store ? (uintptr_t)table_entry(TABLE_PLACE, 1) : NOWHERE;
    unsigned least = ~0u;

    for (unsigned round = 0; round < rounds; round++) {
        uint64_t value = pte_make(virt_to_mfn(pages[round % 2]), PTE_KERNEL);
        unsigned ticks = way->is_program ? run_program(way->code, place) : run_kernel(way->code, place, value);

        least = ticks < least ? ticks : least;
    }
    return least;
}

void ways_measure(unsigned rounds)
{
    static const struct way nothing = {"", &kernel_nothing, false, 0};
    const struct callback_register syscall = callback_to(CALLBACKTYPE_syscall, 0, (uintptr_t)ways_syscall);
    struct physdev_set_iopl iopl = {.iopl = 1};
    unsigned least;

    pages[0] = page_alloc();
    pages[1] = page_alloc();
    need(user_init(), "user mode");
    need(table_make(TABLE_PLACE), "a table");
    need(hypercall_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables), "stores to tables");
    need(hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), "ports");
    need(hypercall_callback_op(CALLBACKOP_register, &syscall), "a callback");
    need(trap_set_entry(TRAP_UD, 0, (uintptr_t)ways_fault), "a handler");
    need(trap_set_entry(TRAP_PF, 0, (uintptr_t)ways_error), "a handler");
    least = measure(&nothing, rounds);
    for (unsigned i = 0; i < ARRAY_SIZE(ways); i++)
        print("way %s: %u\n", ways[i].what, measure(&ways[i], rounds) - least - ways[i].handler);
}
