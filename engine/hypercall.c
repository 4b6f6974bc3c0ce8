/* SPDX-License-Identifier: MIT */
/*
 * The guest-visible entry, in order: one adapter a hypercall, which takes the argument registers apart; their table;
 * the multicall; the entry.  hv and sim share it.
 */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/multicall.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <engine/grant_op.h>
#include <engine/memory.h>
#include <engine/mmu_update.h>
#include <engine/mmuext.h>
#include <engine/segment.h>
#include <engine/trap.h>
#include <engine/va_mapping.h>

typedef int64_t hypercall_fn(struct op *op, const uint64_t args[6]);

static bool is_64bit(const struct op *op)
{
    return op->vcpu->domain->width == WIDTH_64;
}

/* A 32-bit guest passes a 64-bit value in two registers, the low half first. */
static uint64_t pair(const uint64_t args[2])
{
    return (uint32_t)args[0] | args[1] << 32;
}

static int64_t do_set_trap_table(struct op *op, const uint64_t args[6])
{
    return set_trap_table(op, VADDR(args[0]));
}

static int64_t do_set_gdt(struct op *op, const uint64_t args[6])
{
    return segment_set_gdt(op, VADDR(args[0]), (uint32_t)args[1]);
}

static int64_t do_update_descriptor(struct op *op, const uint64_t args[6])
{
    if (is_64bit(op))
        return segment_update_descriptor(op, (maddr_t){args[0]}, args[1]);
    return segment_update_descriptor(op, (maddr_t){pair(args)}, pair(args + 2));
}

static int64_t do_update_va_mapping(struct op *op, const uint64_t args[6])
{
    if (is_64bit(op))
        return update_va_mapping(op, VADDR(args[0]), args[1], args[2]);
    return update_va_mapping(op, VADDR(args[0]), pair(args + 1), args[3]);
}

static int64_t do_update_va_mapping_otherdomain(struct op *op, const uint64_t args[6])
{
    if (is_64bit(op))
        return update_va_mapping_otherdomain(op, VADDR(args[0]), args[1], args[2], (uint16_t)args[3]);
    return update_va_mapping_otherdomain(op, VADDR(args[0]), pair(args + 1), args[3], (uint16_t)args[4]);
}

static int64_t do_multicall(struct op *op, const uint64_t args[6]);

static hypercall_fn *const hypercalls[] = {
    [__HYPERVISOR_set_trap_table] = do_set_trap_table,
    [__HYPERVISOR_mmu_update] = mmu_update,
    [__HYPERVISOR_set_gdt] = do_set_gdt,
    [__HYPERVISOR_update_descriptor] = do_update_descriptor,
    [__HYPERVISOR_memory_op] = memory_op,
    [__HYPERVISOR_multicall] = do_multicall,
    [__HYPERVISOR_update_va_mapping] = do_update_va_mapping,
    [__HYPERVISOR_grant_table_op] = grant_table_op,
    [__HYPERVISOR_update_va_mapping_otherdomain] = do_update_va_mapping_otherdomain,
    [__HYPERVISOR_mmuext_op] = mmuext_op,
};

static struct op begin(struct vcpu *vcpu, uint64_t number)
{
    return (struct op){
        .machine = vcpu->domain->machine, .vcpu = vcpu, .call = (unsigned)number, .command = COMMAND_NONE};
}

static int64_t run_ours(struct vcpu *vcpu, uint64_t number, hypercall_fn *call, const uint64_t args[6])
{
    struct op op = begin(vcpu, number);

    return call(&op, args);
}

static int64_t run(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    hypercall_fn *call = TABLE_FIND(hypercalls, number);

    if (call)
        return run_ours(vcpu, number, call, args);
    return port_hypercall(vcpu, number, args);
}

/* One entry of a multicall, whose whole list has been found to be the guest's; and its result. */
FORCE_INLINE bool read_call(struct vcpu *vcpu, enum width width, vaddr_t from, struct multicall_entry *call)
{
    struct compat_multicall_entry compat;

    if (width == WIDTH_64)
        return access_read_within(vcpu, call, from, sizeof(*call));
    if (!access_read_within(vcpu, &compat, from, sizeof(compat)))
        return false;
    call->op = compat.op;
    for (size_t i = 0; i < ARRAY_SIZE(compat.args); i++)
        call->args[i] = compat.args[i];
    return true;
}

FORCE_INLINE bool write_result(struct vcpu *vcpu, enum width width, vaddr_t to, const struct multicall_entry *call)
{
    if (width == WIDTH_64)
        return access_write_within(vcpu, VADDR(to.v + offsetof(struct multicall_entry, result)), &call->result, 8);
    return access_write_within(vcpu, VADDR(to.v + offsetof(struct compat_multicall_entry, result)), &call->result, 4);
}

static __cold int64_t refuse_call(struct vcpu *vcpu, uint64_t number, enum xen_errno error, enum refusal_reason reason)
{
    const struct op op = begin(vcpu, number);

    return refuse_value(&op, error, reason, number);
}

static int64_t run_entry(struct vcpu *vcpu, const struct multicall_entry *call)
{
    if (call->op == __HYPERVISOR_multicall)
        return refuse_call(vcpu, call->op, XEN_EINVAL, REFUSE_NESTED);
    return run(vcpu, call->op, call->args);
}

#define CALLS_IN_A_ROW 8u /* between two points where others may run: each call has those that it needs itself */

/*
 * The calls are independent operations that share nothing but the trip.  A call that leaves kernel mode ends the list,
 * because the rest would run with the wrong root (XSA-213), and so does one that sends the guest elsewhere.
 */
FORCE_INLINE int64_t multicall(struct op *op, enum width width, vaddr_t list, uint32_t count)
{
    size_t size = width == WIDTH_64 ? sizeof(struct multicall_entry) : sizeof(struct compat_multicall_entry);
    struct vcpu *vcpu = op->vcpu;

    if (!access_array_ok(vcpu->domain, list, count, size))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_ADDRESS, list.v);
    for (uint32_t i = 0; i < count; i++) {
        vaddr_t at = VADDR(list.v + i * size);
        struct multicall_entry call;

        op->done = i;
        if (i > 0 && i % CALLS_IN_A_ROW == 0)
            port_preempt_point();
        if (domain_is_dying(vcpu->domain))
            return refuse_value(op, XEN_ESRCH, REFUSE_DYING, vcpu->domain->id.v);
        if (!read_call(vcpu, width, at, &call))
            return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
        vcpu->entry = &call;
        vcpu->entry_index = i;
        call.result = (uint64_t)run_entry(vcpu, &call);
        vcpu->entry = NULL;
        if (vcpu->user_mode || vcpu->diverted)
            return 0;
        if (!write_result(vcpu, width, at, &call))
            return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
    }
    return 0;
}

static __attribute__((noinline)) int64_t multicall_narrow(struct op *op, vaddr_t list, uint32_t count)
{
    return multicall(op, WIDTH_PAE, list, count);
}

static int64_t do_multicall(struct op *op, const uint64_t args[6])
{
    if (!is_64bit(op))
        return multicall_narrow(op, VADDR(args[0]), (uint32_t)args[1]);
    return multicall(op, WIDTH_64, VADDR(args[0]), (uint32_t)args[1]);
}

int64_t engine_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    vcpu->diverted = false;
    if (vcpu->user_mode)
        return refuse_call(vcpu, number, XEN_EPERM, REFUSE_USER_MODE);
    return run(vcpu, number, args);
}
