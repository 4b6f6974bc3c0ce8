/* SPDX-License-Identifier: MIT */
/*
 * The calls, through the hypercall page.  What each does, and its errors, stands in abi/.
 *
 * Results are as the ABI says: 0 or a count, or a negated errno.  Callers that cannot use a result say so by a cast.
 */
#pragma once

#include <abi/callback.h>
#include <abi/event.h>
#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <guest/types.h>

#ifdef __i386__
#include <guest/x86_32/hypercall.h>
#else
#include <guest/x86_64/hypercall.h>
#endif

/* An address as an argument. */
static inline uintptr_t arg_of(const volatile void *pointer)
{
    return (uintptr_t)pointer;
}

static inline long hypercall_set_trap_table(const struct trap_info *traps)
{
    return hypercall(__HYPERVISOR_set_trap_table, arg_of(traps), 0, 0, 0, 0);
}

static inline long hypercall_mmu_update(const struct mmu_update *reqs, unsigned count, unsigned *done, unsigned domain)
{
    return hypercall(__HYPERVISOR_mmu_update, arg_of(reqs), count, arg_of(done), domain, 0);
}

static inline long hypercall_mmuext_op(const struct mmuext_op *ops, unsigned count, unsigned *done, unsigned domain)
{
    return hypercall(__HYPERVISOR_mmuext_op, arg_of(ops), count, arg_of(done), domain, 0);
}

static inline long hypercall_multicall(struct multicall_entry *calls, unsigned count)
{
    return hypercall(__HYPERVISOR_multicall, arg_of(calls), count, 0, 0, 0);
}

static inline long hypercall_set_gdt(const xen_pfn_t *frames, unsigned entries)
{
    return hypercall(__HYPERVISOR_set_gdt, arg_of(frames), entries, 0, 0, 0);
}

static inline long hypercall_set_segment_base(unsigned which, uintptr_t base)
{
    return hypercall(__HYPERVISOR_set_segment_base, which, base, 0, 0, 0);
}

static inline long hypercall_stack_switch(uintptr_t ss, uintptr_t sp)
{
    return hypercall(__HYPERVISOR_stack_switch, ss, sp, 0, 0, 0);
}

static inline long hypercall_callback_op(unsigned cmd, const void *arg)
{
    return hypercall(__HYPERVISOR_callback_op, cmd, arg_of(arg), 0, 0, 0);
}

static inline long hypercall_fpu_taskswitch(unsigned set)
{
    return hypercall(__HYPERVISOR_fpu_taskswitch, set, 0, 0, 0, 0);
}

static inline long hypercall_set_debugreg(unsigned reg, uintptr_t value)
{
    return hypercall(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0);
}

static inline long hypercall_get_debugreg(unsigned reg)
{
    return hypercall(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0);
}

static inline long hypercall_memory_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_memory_op, cmd, arg_of(arg), 0, 0, 0);
}

static inline long hypercall_xen_version(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_xen_version, cmd, arg_of(arg), 0, 0, 0);
}

static inline long hypercall_console_io(unsigned cmd, unsigned count, const char *buffer)
{
    return hypercall(__HYPERVISOR_console_io, cmd, count, arg_of(buffer), 0, 0);
}

static inline long hypercall_physdev_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_physdev_op, cmd, arg_of(arg), 0, 0, 0);
}

static inline long hypercall_grant_table_op(unsigned cmd, void *ops, unsigned count)
{
    return hypercall(__HYPERVISOR_grant_table_op, cmd, arg_of(ops), count, 0, 0);
}

static inline long hypercall_vm_assist(unsigned cmd, unsigned type)
{
    return hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

static inline long hypercall_vcpu_op(unsigned cmd, unsigned vcpu, const void *arg)
{
    return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, arg_of(arg), 0, 0);
}

static inline long hypercall_sched_op(unsigned cmd, const void *arg)
{
    return hypercall(__HYPERVISOR_sched_op, cmd, arg_of(arg), 0, 0, 0);
}

static inline long hypercall_event_channel_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_event_channel_op, cmd, arg_of(arg), 0, 0, 0);
}
