/* SPDX-License-Identifier: MIT */
/* That vCPU: its start, and its sleep.  It has no handlers: a fault of its own would be the guest's end. */
#include <abi/context.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lessons/lessons_other.h>
#include <guests/tests/lib/test.h>

#define OTHER       1u
#define SLEEP_NS    UINT64_C(50000)
#define STACK_BYTES 8192u

static char stack[STACK_BYTES] __attribute__((aligned(16)));

static struct {
    other_job *volatile job;
    unsigned rounds; /* that it has begun */
    bool inside;
    unsigned wakes;
    uint64_t latest;
} other;

static uint64_t now(void)
{
    return time_from(&guest.shared->vcpu_info[OTHER].time);
}

void other_sleep(void)
{
    uint64_t deadline = now() + SLEEP_NS, late;
    struct sched_poll poll = {.timeout = deadline};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
    if (!READ_ONCE(other.inside))
        return;
    late = now() - deadline;
    if (late > other.latest)
        WRITE_ONCE(other.latest, late);
    WRITE_ONCE(other.wakes, other.wakes + 1);
}

__attribute__((used)) _Noreturn static void other_main(void)
{
    for (;;) {
        other_job *job;

        WRITE_ONCE(other.rounds, other.rounds + 1); /* first: whoever sees it knows which job is meant */
        job = other.job;
        if (job)
            job();
        other_sleep();
    }
}

/* Where a function finds its stack as after a call. */
extern const char other_entry[];
__asm__(".pushsection .text\n"
        "other_entry: call other_main\n"
        ".popsection\n");

bool other_start(void)
{
    static struct vcpu_guest_context context;

    context.flags = VGCF_in_kernel;
    context.user_regs.rip = (uintptr_t)other_entry;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.user_regs.ds = FLAT_KERNEL_DS;
    context.user_regs.es = FLAT_KERNEL_DS;
    context.user_regs.rsp = (uintptr_t)(stack + STACK_BYTES);
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(table_root()).v);
    if (hypercall_vcpu_op(VCPUOP_initialise, OTHER, &context))
        return false;
    return hypercall_vcpu_op(VCPUOP_up, OTHER, NULL) == 0;
}

void other_do(other_job *job)
{
    unsigned rounds;

    other.job = job;
    barrier();
    rounds = READ_ONCE(other.rounds);
    while (READ_ONCE(other.rounds) == rounds)
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

void other_mark(bool inside)
{
    barrier();
    WRITE_ONCE(other.inside, inside);
    barrier();
}

uint64_t other_latest(unsigned *wakes)
{
    uint64_t latest = READ_ONCE(other.latest);

    *wakes = READ_ONCE(other.wakes);
    WRITE_ONCE(other.latest, 0);
    WRITE_ONCE(other.wakes, 0);
    return latest;
}
