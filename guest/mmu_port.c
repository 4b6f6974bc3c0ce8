/* SPDX-License-Identifier: MIT */
/* The hypercalls themselves, counted. */
#include <guest/hypercall.h>
#include <guest/mmu_port.h>

struct mmu_counts mmu_counts;

long mmu_port_update(struct mmu_update *updates, unsigned count, unsigned *done)
{
    mmu_counts.hypercalls++;
    mmu_counts.updates += count;
    return hypercall_mmu_update(updates, count, done, DOMID_SELF);
}

long mmu_port_mmuext(struct mmuext_op *ops, unsigned count, unsigned *done)
{
    mmu_counts.hypercalls++;
    mmu_counts.ops += count;
    return hypercall_mmuext_op(ops, count, done, DOMID_SELF);
}

struct multicall_entry mmu_port_update_call(struct mmu_update *updates, unsigned count, unsigned *done)
{
    return (struct multicall_entry){.op = __HYPERVISOR_mmu_update,
                                    .args = {arg_of(updates), count, arg_of(done), DOMID_SELF}};
}

struct multicall_entry mmu_port_mmuext_call(struct mmuext_op *ops, unsigned count, unsigned *done)
{
    return (struct multicall_entry){.op = __HYPERVISOR_mmuext_op,
                                    .args = {arg_of(ops), count, arg_of(done), DOMID_SELF}};
}

long mmu_port_multicall(struct multicall_entry *calls, unsigned count)
{
    mmu_counts.hypercalls++;
    for (unsigned i = 0; i < count; i++) {
        if (calls[i].op == __HYPERVISOR_mmu_update)
            mmu_counts.updates += calls[i].args[1];
        else
            mmu_counts.ops += calls[i].args[1];
    }
    return hypercall_multicall(calls, count);
}
