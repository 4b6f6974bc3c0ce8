/* SPDX-License-Identifier: MIT */
/* The first trap. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

#define NOWHERE ((const struct trap_info *)0x100)
#define MASKS   4u /* bit 2 of the flags: events are masked on entry */

extern char breakpoint_entry[];
uint64_t breakpoints;

#define VECTOR 0x40u

SNIPPET(program, "int $0x40", "syscall", "");
SNIPPET(other_program, "int3; int $0x80", "syscall", "");

/* [trap] */
static long handle(uint8_t vector, uint8_t flags, uint64_t address)
{
    const struct trap_info traps[] = {
        {.vector = vector, .flags = flags, .cs = FLAT_KERNEL_CS, .address = address},
        {.address = 0}, /* ends the list */
    };

    return hypercall_set_trap_table(traps);
}
/* [/trap] */

static void wrong_handlers(void)
{
    part("wrong-trap");
    gives("a handler that is not canonical", handle(TRAP_BP, MASKS, UINT64_C(1) << 63), -XEN_EINVAL);
    if (!test_under_xen()) /* which accepts it */
        gives("a handler at the hypervisor's addresses", handle(TRAP_BP, MASKS, HYPERVISOR_VIRT_START), -XEN_EINVAL);
    gives("a list that is nowhere", hypercall_set_trap_table(NOWHERE), -XEN_EFAULT);
}

/* How the program at @rip comes back. */
static unsigned by_program(uint64_t rip)
{
    struct regs regs;

    user_regs_init(&regs, rip);
    return user_run(&regs);
}

/* Under QEMU 7 Xen takes int 0x40 for another vector. */
static void by_privilege(void)
{
    gives("a handler for int 0x40, with privilege 0", handle(VECTOR, MASKS | 0, (uint64_t)breakpoint_entry), 0);
    test_equal("int 0x40 of a program: #GP", by_program(USER_BASE), TRAP_GP);
    gives("a handler for int 0x40, with privilege 3", handle(VECTOR, MASKS | 3, (uint64_t)breakpoint_entry), 0);
    test_equal("int 0x40 of a program: handled, and on to its syscall", by_program(USER_BASE), VECTOR_SYSCALL);
    test_equal("one trap more", breakpoints, 2);
}

/* Shows set_trap_table.int-always. */
static void from_user_mode(void)
{
    uint64_t before;

    part("trap-user");
    test_need(user_load(USER_BASE, program.begin, program.end), "a program");
    test_need(user_load(USER_BASE + PAGE_SIZE, other_program.begin, other_program.end), "another");
    test_need(user_init(), "user mode");
    if (!test_under_xen())
        by_privilege();
    before = breakpoints;
    gives("the handler for int3, with privilege 0", handle(TRAP_BP, MASKS | 0, (uint64_t)breakpoint_entry), 0);
    gives("and for int 0x80", handle(0x80, MASKS | 0, (uint64_t)breakpoint_entry), 0);
    test_equal("int3 and int 0x80 of a program: handled all the same", by_program(USER_BASE + PAGE_SIZE),
               VECTOR_SYSCALL);
    test_equal("two traps more", breakpoints, before + 2);
}

static void read_at(void *arg)
{
    (void)READ_ONCE(*(uint64_t *)arg);
}

static void page_fault(void)
{
    struct fault fault;

    part("page-fault");
    (void)trap_try(read_at, (void *)8, &fault);
    test_equal("a read of address 8: #PF", fault.vector, TRAP_PF);
    test_equal("its address is in vcpu_info", guest.vcpu->arch.cr2, 8);
}

void recipe_trap(void)
{
    wrong_handlers();
    part("trap");
    gives("a handler for int3", handle(TRAP_BP, MASKS, (uint64_t)breakpoint_entry), 0);
    __asm__ volatile("int3");
    test_equal("int3 of the kernel: handled", breakpoints, 1);
    from_user_mode();
    page_fault();
    test_need(trap_set_entry(TRAP_BP, MASKS | 3, trap_entry_of(TRAP_BP)), "the library's handler again");
    test_need(trap_set_entry(VECTOR, MASKS | 3, trap_entry_of(VECTOR)), "the library's handler again");
    test_need(trap_set_entry(0x80, MASKS | 3, trap_entry_of(0x80)), "the library's handler again");
}
