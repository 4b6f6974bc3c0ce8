/* SPDX-License-Identifier: MIT */
/*
 * This processor, by the stack in use: hv/cpu/stack_owner.h.  Programs that test parts of the hypervisor have a header
 * of this name of their own, since their stacks are not ours: tests/hv/host.
 */
#pragma once

#include <hv/base/layout.h>
#include <hv/cpu/stack_owner.h>

/*
 * The processor that this runs on.  A vCPU may go on at another one after anything that switches stacks, sched_yield()
 * and port_yield() above all: nobody keeps the answer across that.
 */
static inline struct cpu *cpu_here(void)
{
    uint64_t rsp;

    __asm__("movq %%rsp, %0" : "=r"(rsp));
    return stack_owner_at((rsp | (STACK_SIZE - 1)) + 1)->cpu;
}
