/* SPDX-License-Identifier: MIT */
/* The start of that vCPU and its rounds: load bases, yield, look at them. */
#include <abi/context.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/bases/second.h>
#include <guests/tests/lib/test.h>

#define SECOND_STACK 4096u

volatile struct second second;

static char stack[SECOND_STACK] __attribute__((aligned(16)));

void second_main(void);
void second_continue(void);

/* #UD ends what was under way: the stack begins anew. */
extern const char second_undefined[];
__asm__(".pushsection .text\n"
        "second_undefined: leaq stack+4088(%rip), %rsp; jmp second_continue\n"
        ".popsection\n");

static void yield(void)
{
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

__attribute__((used)) void second_main(void)
{
    uint64_t base;

    second.cr4 = read_cr4();
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    second.looked = true;
    for (;;)
        yield();
}

static void go_round(unsigned round)
{
    const uint64_t fs = UINT64_C(0x700000000000) - 0x1000 * (round & 0xffff), gs = fs + 0x1000000;
    uint64_t fs_then, gs_then;

    __asm__ volatile("movw %w0, %%fs; movw %w0, %%gs" ::"r"(round % 2 ? FLAT_USER_DS32 : 0));
    __asm__ volatile("wrfsbase %0; wrgsbase %1" ::"r"(fs), "r"(gs));
    yield();
    __asm__ volatile("rdfsbase %0; rdgsbase %1" : "=r"(fs_then), "=r"(gs_then));
    if (fs_then != fs || gs_then != gs)
        second.lost++;
}

__attribute__((used)) void second_continue(void)
{
    second.undefined++;
    second.looked = true;
    while (!second.go)
        yield();
    second.undefined = 0;
    write_cr4(read_cr4() | CR4_FSGSBASE);
    for (unsigned round = 0;; round++) {
        go_round(round);
        second.rounds++;
    }
}

static void prepare(struct vcpu_guest_context *context)
{
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = (uint64_t)second_main;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->user_regs.rsp = (uint64_t)(stack + SECOND_STACK - 8);
    context->user_regs.rflags = 0;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = (uint64_t)(stack + SECOND_STACK);
    context->trap_ctxt[TRAP_UD] =
        (struct trap_info){.vector = TRAP_UD, .flags = 4, .cs = FLAT_KERNEL_CS, .address = (uint64_t)second_undefined};
    context->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
}

void second_start(void)
{
    static struct vcpu_guest_context context;

    prepare(&context);
    test_need((int)hypercall_vcpu_op(VCPUOP_initialise, 1, &context), "VCPUOP_initialise");
    test_need((int)hypercall_vcpu_op(VCPUOP_up, 1, NULL), "VCPUOP_up");
    while (!second.looked)
        yield();
}

void second_go(void)
{
    second.go = true;
}
