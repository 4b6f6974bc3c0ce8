/* SPDX-License-Identifier: MIT */
/* A vCPU given its state and let run: its own stack, and of all else what its starter has. */
#include <abi/context.h>
#include <abi/vcpu.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guest/vcpu.h>

static struct start {
    void (*function)(void *arg);
    void *arg;
} starts[VCPUS_MAX];

/* Where a function finds its stack as after a call. */
extern const char vcpu_entry[];
__asm__(".pushsection .text\n"
        "vcpu_entry: call vcpu_main\n"
        ".popsection\n");

__attribute__((used)) _Noreturn static void vcpu_main(void)
{
    const unsigned here = vcpu_here();

    starts[here].function(starts[here].arg);
    for (;;)
        (void)hypercall_vcpu_op(VCPUOP_down, here, NULL);
}

static void fill_context(struct vcpu_guest_context *context, char *stack)
{
    context->flags = VGCF_in_kernel | VGCF_failsafe_disables_events | VGCF_syscall_disables_events;
    context->user_regs.rip = (uintptr_t)vcpu_entry;
    context->user_regs.rsp = (uintptr_t)(stack + STACK_SIZE);
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->user_regs.ds = FLAT_KERNEL_DS;
    context->user_regs.es = FLAT_KERNEL_DS;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = context->user_regs.rsp;
    context->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
    trap_fill_context(context);
}

int vcpu_start(unsigned vcpu, void (*function)(void *arg), void *arg)
{
    const size_t pages = ROUND_UP(sizeof(struct vcpu_guest_context), PAGE_SIZE) / PAGE_SIZE;
    struct vcpu_guest_context *context = pages_alloc(pages);
    char *stack = pages_alloc(STACK_SIZE / PAGE_SIZE);
    int error;

    starts[vcpu] = (struct start){function, arg};
    fill_context(context, stack);
    vcpu_set_stack(vcpu, stack);
    error = (int)hypercall_vcpu_op(VCPUOP_initialise, vcpu, context);
    for (size_t i = 0; i < pages; i++)
        page_free((char *)context + i * PAGE_SIZE);
    return error ? error : (int)hypercall_vcpu_op(VCPUOP_up, vcpu, NULL);
}
