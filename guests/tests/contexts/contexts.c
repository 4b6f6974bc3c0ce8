/* SPDX-License-Identifier: MIT */
/*
 * vCPUs that a 32-bit guest begins with contexts of every kind: what is in them may be anything, and the guest's end;
 * the hypervisor stands, and so does its audit.
 *
 * "seed=" repeats a run, "wrong=N" is how often something is changed in a context, at most (2).
 */
#include <abi/context.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define OTHERS   8u
#define TURNS    40u
#define ATTEMPTS 20u

static uint64_t state;
static struct vcpu_guest_context context;

static uint32_t next(void)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(state >> 33);
}

static unsigned below(unsigned limit)
{
    return next() % limit;
}

/* Calls, a vector, loads of a segment; a trap begins it anew. */
extern const char contexts_entry[];
__asm__(".pushsection .text\n"
        "contexts_entry: movl %ebp, %esp\n xorl %ebx, %ebx\n"
        "1: movl $17, %eax\n"
        " int $0x82\n"
        " movl %ds, %eax\n"
        " movl %eax, %es\n"
        " int $0x80\n"
        " movl $29, %eax\n"
        " xorl %ebx, %ebx\n"
        " int $0x82\n"
        " jmp 1b\n"
        ".popsection\n");

static uint32_t some_selector(void)
{
    static const uint32_t known[] = {0,      1,      3,      0xe008, 0xe009, 0xe00b, 0xe010, 0xe011, 0xe013,
                                     0xe019, 0xe01b, 0xe01a, 0xe021, 0xe022, 0xe023, 0xe02b, 0xe033, 0xe030,
                                     0xe038, 0xe040, 0xe043, 0xe050, 0xe053, 0xfffb, 0xfff8, 0x7,    0xf};

    return below(6) ? known[below(ARRAY_SIZE(known))] : next() & 0xffff;
}

static uint32_t some_value(void)
{
    const uint32_t values[] = {0,
                               1,
                               2,
                               16,
                               17,
                               0xffffffff,
                               0xfffffffe,
                               0xf5800000,
                               0xf57fffff,
                               0x80000000,
                               0x7fffffff,
                               8192,
                               8193,
                               7168,
                               0x20302,
                               0x3202,
                               0x4302,
                               0x1a0202,
                               (uint32_t)virt_to_mfn(table_root()).v,
                               (uint32_t)(uintptr_t)contexts_entry,
                               (uint32_t)(uintptr_t)table_root(),
                               (uint32_t)(virt_to_mfn(table_root()).v << 12),
                               (uint32_t)virt_to_mfn(&context).v};

    switch (below(4)) {
    case 0:
        return next() << 1 ^ next();
    case 1:
        return some_selector();
    default:
        return values[below(ARRAY_SIZE(values))];
    }
}

/* What works: ebp is where the stack begins anew. */
static void make_sensible(void)
{
    uint32_t stack = (uint32_t)(uintptr_t)page_alloc() + PAGE_SIZE;

    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel | VGCF_online;
    context.user_regs.rip = (uint32_t)(uintptr_t)contexts_entry;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.ds = FLAT_KERNEL_DS;
    context.user_regs.es = FLAT_KERNEL_DS;
    context.user_regs.rsp = context.user_regs.rbp = stack;
    context.user_regs.rflags = 0x202;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = stack - 1024;
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
    context.event_callback_cs = context.failsafe_callback_cs = FLAT_KERNEL_CS;
    context.event_callback_eip = context.failsafe_callback_eip = (uint32_t)(uintptr_t)contexts_entry;
    for (unsigned i = 0; i < 256; i++)
        context.trap_ctxt[i] = (struct trap_info){(uint8_t)i, 3, FLAT_KERNEL_CS, (uint32_t)(uintptr_t)contexts_entry};
}

/* Anything but the FPU's part, of which most words make no difference. */
static void spoil(void)
{
    uint32_t *const words[] = {
        &context.flags,
        &context.user_regs.rip,
        &context.user_regs.rflags,
        &context.user_regs.rsp,
        &context.ldt_base,
        &context.ldt_ents,
        &context.gdt_ents,
        &context.kernel_ss,
        &context.kernel_sp,
        &context.ctrlreg[0],
        &context.ctrlreg[1],
        &context.ctrlreg[3],
        &context.ctrlreg[4],
        &context.debugreg[0],
        &context.debugreg[7],
        &context.event_callback_cs,
        &context.event_callback_eip,
        &context.failsafe_callback_cs,
        &context.failsafe_callback_eip,
        &context.vm_assist,
        &context.gdt_frames[0],
        (uint32_t *)&context.fpu_ctxt + 6,
        (uint32_t *)&context.user_regs.cs,
        (uint32_t *)&context.user_regs.ss,
        (uint32_t *)&context.user_regs.ds,
        (uint32_t *)&context.user_regs.es,
        (uint32_t *)&context.user_regs.fs,
        (uint32_t *)&context.user_regs.gs,
    };
    unsigned vector = below(256);

    if (below(6) == 0) {
        context.trap_ctxt[vector].cs = (uint16_t)some_selector();
        context.trap_ctxt[vector].address = some_value();
        context.trap_ctxt[0x80].cs = (uint16_t)some_selector();
        return;
    }
    *words[below(ARRAY_SIZE(words))] = some_value();
    if (below(3) == 0)
        context.user_regs.cs = (uint16_t)some_selector();
    if (below(3) == 0)
        context.user_regs.ss = (uint16_t)some_selector();
    if (below(3) == 0)
        context.user_regs.ds = (uint16_t)some_selector();
}

/* Begin vCPU @id in some way that is not refused.  Returns how many were. */
static unsigned begin(unsigned id, unsigned wrong)
{
    unsigned refused = 0;

    do {
        make_sensible();
        for (unsigned n = refused < ATTEMPTS ? below(wrong + 1) : 0; n > 0; n--)
            spoil();
    } while (hypercall_vcpu_op(VCPUOP_initialise, id, &context) && refused++ < ATTEMPTS);
    return refused;
}

/* Let it run. */
static void watch(unsigned id)
{
    test_result("up", hypercall_vcpu_op(VCPUOP_up, id, NULL), 0);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
        if (turn % 8 == 0)
            (void)hypercall_vcpu_op(VCPUOP_send_nmi, id, NULL);
    }
}

void test_main(void)
{
    uint64_t seed = guest_option("seed", 1);
    unsigned wrong = (unsigned)guest_option("wrong", 2), refused = 0;

    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 99;
    test_note("seed=%" PRIu64, seed);
    for (unsigned id = 1; id <= OTHERS; id++) {
        refused += begin(id, wrong);
        watch(id);
    }
    test_note("%u contexts refused", refused);
}
