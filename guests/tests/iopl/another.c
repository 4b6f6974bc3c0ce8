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

/* In another_code.S. */
extern const char another_code[], another_protection[], another_undefined[];
extern unsigned another_may_cli;
extern uintptr_t another_rflags;
unsigned another_may_cli;
uintptr_t another_rflags;
_Static_assert(SCHEDOP_yield == 0, "another_code.S");

static char stacks[3][1024] __attribute__((aligned(16)));

static struct trap_info handler(unsigned vector, const char *code)
{
    return (struct trap_info){.vector = (uint8_t)vector, .flags = 4, .cs = FLAT_KERNEL_CS, .address = (uintptr_t)code};
}

struct another another_start(unsigned id, uintptr_t rflags)
{
    static struct vcpu_guest_context context;

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)another_code;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.ds = FLAT_KERNEL_DS;
    context.user_regs.rsp = (uintptr_t)(stacks[id] + sizeof(stacks[id]));
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
