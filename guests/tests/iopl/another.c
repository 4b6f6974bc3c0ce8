/* SPDX-License-Identifier: MIT */
/* The code that such a vCPU runs, and its start, with flags of the test's choice. */
#include <abi/context.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/vcpu.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/iopl/another.h>
#include <guests/tests/lib/test.h>

#define FIRST_WORD(text) #text
#define NUMBER(value)    FIRST_WORD(value)

/*
 * It tries the instruction, has a look at a frame, and lets the others run for ever.  Between rcx and rflags in that
 * frame lie r11, rip and cs.
 */
extern const char another_code[], another_protection[], another_undefined[];
extern unsigned another_may_cli;
extern uint64_t another_rflags;
unsigned another_may_cli;
uint64_t another_rflags;
__asm__(".pushsection .text\n"
        "another_code: cli; movl $1, another_may_cli\n"
        "another_protection: ud2\n"
        "another_undefined: movq 32(%rsp), %rax; movq %rax, another_rflags\n"
        "1: movl $" NUMBER(__HYPERVISOR_sched_op) ", %eax; xorl %edi, %edi; syscall; jmp 1b\n"
                                                  ".popsection\n");
_Static_assert(SCHEDOP_yield == 0, "another_code");

static char stacks[3][1024] __attribute__((aligned(16)));

static struct trap_info handler(unsigned vector, const char *code)
{
    return (struct trap_info){.vector = (uint8_t)vector, .flags = 4, .cs = FLAT_KERNEL_CS, .address = (uint64_t)code};
}

struct another another_start(unsigned id, uint64_t rflags)
{
    static struct vcpu_guest_context context;

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uint64_t)another_code;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.rsp = (uint64_t)(stacks[id] + sizeof(stacks[id]));
    context.user_regs.rflags = rflags;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.trap_ctxt[TRAP_UD] = handler(TRAP_UD, another_undefined);
    context.trap_ctxt[TRAP_GP] = handler(TRAP_GP, another_protection);
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
    another_may_cli = 0;
    another_rflags = 0;
    test_need((int)hypercall_vcpu_op(VCPUOP_initialise, id, &context), "VCPUOP_initialise");
    test_need((int)hypercall_vcpu_op(VCPUOP_up, id, NULL), "VCPUOP_up");
    while (READ_ONCE(another_rflags) == 0)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    return (struct another){READ_ONCE(another_may_cli) == 1, another_rflags};
}
