/* SPDX-License-Identifier: MIT */
/* Whether #DB needs a stack of its own is found out by an experiment: one trap that meets another. */
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/debug_stack.h>
#include <hv/cpu/trap.h>

#define DR6_CLEAR UINT64_C(0xffff0ff0)
#define DR7_CLEAR UINT64_C(0x400)
#define DR7_STORE UINT64_C(0xd0601) /* breakpoint 0, on a store into four bytes */

/* A store that is single-stepped, with a breakpoint on its target.  The traps come to debug_from_hypervisor(). */
static void try(void)
{
    static uint32_t target;

    asm_write_dr0((uint64_t)&target);
    asm_write_dr7(DR7_STORE);
    __asm__ volatile("pushfq; orq %1, (%%rsp); popfq\n\tmovl $1, %0\n\tnop"
                     : "=m"(target)
                     : "i"(RFLAGS_TF)
                     : "memory", "cc");
    asm_write_dr7(DR7_CLEAR);
    asm_write_dr6(DR6_CLEAR);
    asm_write_dr0(0);
}

void debug_stack_init(void)
{
    struct cpu *cpu = cpu_here();

    try();
    cpu->debug_has_stack = !cpu->debug_was_nested;
    if (cpu->debug_has_stack)
        cpu_tables_set_stack(VECTOR_DEBUG, IST_DEBUG);
}
