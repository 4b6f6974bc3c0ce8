/* SPDX-License-Identifier: MIT */
/* Who runs here is found by the stack: entries from the kernel stay on it, and those from user mode come back to it. */
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/layout.h>
#include <guest/processor.h>
#include <guest/vcpu.h>

/* NULL: none has been started. */
static char *stacks[VCPUS_MAX];

/* No stack of a higher number is known. */
static unsigned highest;

unsigned vcpu_count(void)
{
    unsigned count = 1;

    while (count < VCPUS_MAX && hypercall_vcpu_op(VCPUOP_is_up, count, NULL) >= 0)
        count++;
    return count;
}

bool vcpu_is_up(unsigned vcpu)
{
    return hypercall_vcpu_op(VCPUOP_is_up, vcpu, NULL) == 1;
}

unsigned vcpu_here(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    for (unsigned i = 1; i <= READ_ONCE(highest); i++) {
        if (stacks[i] && here - (uintptr_t)stacks[i] < STACK_SIZE)
            return i;
    }
    return 0;
}

vcpu_info_t *vcpu_info_here(void)
{
    unsigned here = vcpu_here();

    return here == 0 ? guest.vcpu : &guest.shared->vcpu_info[here];
}

void vcpu_set_stack(unsigned vcpu, char *stack)
{
    stacks[vcpu] = stack;
    barrier();
    if (vcpu > highest)
        WRITE_ONCE(highest, vcpu);
}
