/* SPDX-License-Identifier: MIT */
/* The table of the hypercalls that are not the engine's. */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <engine/port.h>
#include <hv/call/calls.h>
#include <hv/cpu/house.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>

/* Of the vCPU itself: what nobody else reads or writes while it runs, and constants.  No lock is needed. */
static call_fn *const own_calls[] = {
    [__HYPERVISOR_stack_switch] = call_stack_switch,
    [__HYPERVISOR_set_callbacks] = call_set_callbacks,
    [__HYPERVISOR_fpu_taskswitch] = call_fpu_taskswitch,
    [__HYPERVISOR_set_debugreg] = call_set_debugreg,
    [__HYPERVISOR_get_debugreg] = call_get_debugreg,
    [__HYPERVISOR_xen_version] = call_xen_version,
    [__HYPERVISOR_iret] = call_iret,
    [__HYPERVISOR_set_segment_base] = call_set_segment_base,
    [__HYPERVISOR_nmi_op] = call_nmi_op,
    [__HYPERVISOR_callback_op] = call_callback_op,
};

/* All others: the house's lock is held. */
static call_fn *const calls[] = {
    [__HYPERVISOR_sched_op_compat] = call_sched_op_compat,
    [__HYPERVISOR_platform_op] = call_platform_op,
    [__HYPERVISOR_memory_op] = call_memory_op,
    [__HYPERVISOR_set_timer_op] = call_set_timer_op,
    [__HYPERVISOR_event_channel_op_compat] = call_event_channel_op_compat,
    [__HYPERVISOR_console_io] = call_console_io,
    [__HYPERVISOR_physdev_op_compat] = call_physdev_op_compat,
    [__HYPERVISOR_vm_assist] = call_vm_assist,
    [__HYPERVISOR_vcpu_op] = call_vcpu_op,
    [__HYPERVISOR_sched_op] = call_sched_op,
    [__HYPERVISOR_event_channel_op] = call_event_channel_op,
    [__HYPERVISOR_physdev_op] = call_physdev_op,
};

/* By itself, so that the others, iret above all, save no registers for it. */
static __attribute__((noinline)) int64_t call_in_house(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    call_fn *call = TABLE_FIND(calls, number);
    int64_t result;

    if (!call) {
        (void)__atomic_add_fetch(&hv_domain_of(vcpu->domain)->unknown_calls, 1, __ATOMIC_RELAXED);
        return call_refuse(-XEN_ENOSYS, WHY_UNKNOWN_CALL, number);
    }
    house_enter();
    result = call(hv_vcpu_of(vcpu), args);
    house_leave();
    return result;
}

int64_t port_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    call_fn *call = TABLE_FIND(own_calls, number);

    return call ? call(hv_vcpu_of(vcpu), args) : call_in_house(vcpu, number, args);
}
