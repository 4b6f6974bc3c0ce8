/* SPDX-License-Identifier: MIT */
/* A guest's hypercalls: arguments into its memory, in the layout of its width. */
#include <tests/support/guest.h>
#include <tests/support/scratch.h>

/*
 * ---- Calls.
 */

static int64_t call(struct vcpu *vcpu, unsigned number, const uint64_t args[6])
{
    uint64_t registers[6];
    int64_t result;

    for (unsigned i = 0; i < 6; i++)
        registers[i] = guest_is_64(vcpu) ? args[i] : (uint32_t)args[i];
    result = engine_hypercall(vcpu, number, registers);
    return guest_is_64(vcpu) ? result : (int32_t)result;
}

int64_t guest_hypercall(struct vcpu *vcpu, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3,
                        uint64_t arg4, uint64_t arg5)
{
    return call(vcpu, number, (const uint64_t[6]){arg0, arg1, arg2, arg3, arg4, arg5});
}

/* A call on an array at @array whose argument after the count is a pointer to "done". */
static int64_t call_batch(struct vcpu *vcpu, unsigned number, vaddr_t array, unsigned count, unsigned *done,
                          unsigned domid)
{
    uint32_t done_out = ~UINT32_C(0);
    vaddr_t done_at = done ? guest_put(vcpu, &done_out, sizeof(done_out)) : VADDR(0);
    int64_t result = guest_hypercall(vcpu, number, array.v, count, done_at.v, domid, 0, 0);

    if (done) {
        guest_take(vcpu, done_at, &done_out, sizeof(done_out));
        *done = done_out;
    }
    return result;
}

int64_t guest_mmu_update(struct vcpu *vcpu, const struct mmu_update *requests, unsigned count, unsigned *done,
                         unsigned domid)
{
    size_t mark = scratch_mark(vcpu);
    vaddr_t array = guest_put(vcpu, requests, count * sizeof(requests[0]));
    int64_t result = call_batch(vcpu, __HYPERVISOR_mmu_update, array, count, done, domid);

    scratch_release(vcpu, mark);
    return result;
}

static vaddr_t put_mmuext_ops(struct vcpu *vcpu, const struct mmuext_op *ops, unsigned count)
{
    vaddr_t array;

    if (guest_is_64(vcpu))
        return guest_put(vcpu, ops, count * sizeof(ops[0]));
    array = guest_scratch_alloc(vcpu, count * sizeof(struct compat_mmuext_op));
    for (unsigned i = 0; i < count; i++) {
        const struct compat_mmuext_op op = {
            .cmd = ops[i].cmd,
            .arg1.mfn = (compat_pfn_t)ops[i].arg1.mfn,
            .arg2.nr_ents = ops[i].arg2.nr_ents,
        };

        scratch_write(vcpu, VADDR(array.v + i * sizeof(op)), &op, sizeof(op));
    }
    return array;
}

int64_t guest_mmuext(struct vcpu *vcpu, const struct mmuext_op *ops, unsigned count, unsigned *done, unsigned domid)
{
    size_t mark = scratch_mark(vcpu);
    vaddr_t array = put_mmuext_ops(vcpu, ops, count);
    int64_t result = call_batch(vcpu, __HYPERVISOR_mmuext_op, array, count, done, domid);

    scratch_release(vcpu, mark);
    return result;
}

/* The words of a multicall_entry, of either width, are eight of the guest's words. */
#define MULTICALL_WORDS 8u
_Static_assert(sizeof(struct multicall_entry) == MULTICALL_WORDS * 8, "multicall_entry");
_Static_assert(sizeof(struct compat_multicall_entry) == MULTICALL_WORDS * 4, "compat_multicall_entry");

int64_t guest_multicall(struct vcpu *vcpu, struct multicall_entry *entries, unsigned count)
{
    size_t mark = scratch_mark(vcpu);
    uint64_t *words = (uint64_t *)(void *)entries;
    vaddr_t array = scratch_put_words(vcpu, words, (size_t)count * MULTICALL_WORDS);
    int64_t result = guest_hypercall(vcpu, __HYPERVISOR_multicall, array.v, count, 0, 0, 0, 0);

    scratch_take_words(vcpu, array, words, (size_t)count * MULTICALL_WORDS);
    for (unsigned i = 0; i < count && !guest_is_64(vcpu); i++)
        entries[i].result = (uint64_t)(int32_t)entries[i].result;
    scratch_release(vcpu, mark);
    return result;
}

struct multicall_entry guest_call_update_va_mapping(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags)
{
    if (guest_is_64(vcpu))
        return (struct multicall_entry){.op = __HYPERVISOR_update_va_mapping, .args = {vaddr.v, entry, flags}};
    return (struct multicall_entry){
        .op = __HYPERVISOR_update_va_mapping,
        .args = {vaddr.v, (uint32_t)entry, entry >> 32, flags},
    };
}

int64_t guest_update_va_mapping(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags)
{
    const struct multicall_entry args = guest_call_update_va_mapping(vcpu, vaddr, entry, flags);

    return call(vcpu, __HYPERVISOR_update_va_mapping, args.args);
}

int64_t guest_update_va_mapping_otherdomain(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags,
                                            unsigned domid)
{
    struct multicall_entry args = guest_call_update_va_mapping(vcpu, vaddr, entry, flags);

    args.args[guest_is_64(vcpu) ? 3 : 4] = domid;
    return call(vcpu, __HYPERVISOR_update_va_mapping_otherdomain, args.args);
}

int64_t guest_set_gdt(struct vcpu *vcpu, const mfn_t *frames, unsigned entries)
{
    size_t mark = scratch_mark(vcpu);
    unsigned count = (entries + 511) / 512;
    vaddr_t list = guest_scratch_alloc(vcpu, count * sizeof(uint64_t));
    int64_t result;

    for (unsigned i = 0; i < count; i++)
        scratch_write(vcpu, VADDR(list.v + i * (guest_is_64(vcpu) ? 8 : 4)), &frames[i].v, guest_is_64(vcpu) ? 8 : 4);
    result = guest_hypercall(vcpu, __HYPERVISOR_set_gdt, list.v, entries, 0, 0, 0, 0);
    scratch_release(vcpu, mark);
    return result;
}

int64_t guest_update_descriptor(struct vcpu *vcpu, uint64_t maddr, uint64_t descriptor)
{
    if (guest_is_64(vcpu))
        return guest_hypercall(vcpu, __HYPERVISOR_update_descriptor, maddr, descriptor, 0, 0, 0, 0);
    return guest_hypercall(vcpu, __HYPERVISOR_update_descriptor, (uint32_t)maddr, maddr >> 32, (uint32_t)descriptor,
                           descriptor >> 32, 0, 0);
}

int64_t guest_set_trap_table(struct vcpu *vcpu, const struct trap_info *traps, unsigned count)
{
    size_t mark = scratch_mark(vcpu);
    size_t size = guest_is_64(vcpu) ? sizeof(struct trap_info) : sizeof(struct compat_trap_info);
    vaddr_t table = guest_scratch_alloc(vcpu, (count + 1) * size);
    int64_t result;

    for (unsigned i = 0; i <= count; i++) {
        const struct trap_info trap = i < count ? traps[i] : (struct trap_info){0};
        const struct compat_trap_info compat = {trap.vector, trap.flags, trap.cs, (uint32_t)trap.address};

        if (guest_is_64(vcpu))
            scratch_write(vcpu, VADDR(table.v + i * size), &trap, size);
        else
            scratch_write(vcpu, VADDR(table.v + i * size), &compat, size);
    }
    result = guest_hypercall(vcpu, __HYPERVISOR_set_trap_table, table.v, 0, 0, 0, 0, 0);
    scratch_release(vcpu, mark);
    return result;
}

int64_t guest_vm_assist(struct vcpu *vcpu, unsigned command, unsigned type)
{
    return guest_hypercall(vcpu, __HYPERVISOR_vm_assist, command, type, 0, 0, 0, 0);
}

/*
 * ---- One operation.
 */

int64_t guest_set_entry(struct vcpu *vcpu, mfn_t table, unsigned slot, uint64_t entry)
{
    const struct mmu_update request = {(table.v << PAGE_SHIFT) + slot * 8, entry};

    return guest_mmu_update(vcpu, &request, 1, NULL, DOMID_SELF);
}

static int64_t mmuext_on_frame(struct vcpu *vcpu, unsigned command, mfn_t mfn)
{
    const struct mmuext_op op = {.cmd = command, .arg1.mfn = mfn.v};

    return guest_mmuext(vcpu, &op, 1, NULL, DOMID_SELF);
}

int64_t guest_pin(struct vcpu *vcpu, mfn_t mfn, unsigned level)
{
    return mmuext_on_frame(vcpu, MMUEXT_PIN_L1_TABLE + level - 1, mfn);
}

int64_t guest_unpin(struct vcpu *vcpu, mfn_t mfn)
{
    return mmuext_on_frame(vcpu, MMUEXT_UNPIN_TABLE, mfn);
}

int64_t guest_new_baseptr(struct vcpu *vcpu, mfn_t mfn)
{
    return mmuext_on_frame(vcpu, MMUEXT_NEW_BASEPTR, mfn);
}

int64_t guest_new_user_baseptr(struct vcpu *vcpu, mfn_t mfn)
{
    return mmuext_on_frame(vcpu, MMUEXT_NEW_USER_BASEPTR, mfn);
}

int64_t guest_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries)
{
    const struct mmuext_op op = {
        .cmd = MMUEXT_SET_LDT,
        .arg1.linear_addr = base.v,
        .arg2.nr_ents = entries,
    };

    return guest_mmuext(vcpu, &op, 1, NULL, DOMID_SELF);
}

int64_t guest_flush_all(struct vcpu *vcpu)
{
    return mmuext_on_frame(vcpu, MMUEXT_TLB_FLUSH_ALL, MFN(0));
}

int64_t guest_protect(struct vcpu *vcpu, pfn_t pfn)
{
    const struct guest *guest = guest_of(vcpu);

    return guest_update_va_mapping(vcpu, guest_vaddr(guest, pfn), pte(guest_mfn(guest, pfn), PTE_RO_PAGE), UVMF_NONE);
}

int64_t guest_unprotect(struct vcpu *vcpu, pfn_t pfn)
{
    const struct guest *guest = guest_of(vcpu);

    return guest_update_va_mapping(vcpu, guest_vaddr(guest, pfn), pte(guest_mfn(guest, pfn), PTE_RW_PAGE), UVMF_NONE);
}

/*
 * ---- Memory.
 */

int64_t guest_memory_op(struct vcpu *vcpu, unsigned command, vaddr_t arg)
{
    return guest_hypercall(vcpu, __HYPERVISOR_memory_op, command, arg.v, 0, 0, 0, 0);
}

static struct compat_xen_memory_reservation compat_reservation(const struct xen_memory_reservation *wide)
{
    return (struct compat_xen_memory_reservation){
        .extent_start = (uint32_t)wide->extent_start,
        .nr_extents = (uint32_t)wide->nr_extents,
        .extent_order = wide->extent_order,
        .mem_flags = wide->mem_flags,
        .domid = wide->domid,
    };
}

int64_t guest_reservation(struct vcpu *vcpu, unsigned command, uint64_t *extents, unsigned count, unsigned order,
                          unsigned mem_flags)
{
    size_t mark = scratch_mark(vcpu);
    vaddr_t list = scratch_put_words(vcpu, extents, count);
    const struct xen_memory_reservation wide = {
        .extent_start = list.v,
        .nr_extents = count,
        .extent_order = order,
        .mem_flags = mem_flags,
        .domid = DOMID_SELF,
    };
    const struct compat_xen_memory_reservation compat = compat_reservation(&wide);
    vaddr_t arg = guest_is_64(vcpu) ? guest_put(vcpu, &wide, sizeof(wide)) : guest_put(vcpu, &compat, sizeof(compat));
    int64_t result = guest_memory_op(vcpu, command, arg);

    scratch_take_words(vcpu, list, extents, count);
    scratch_release(vcpu, mark);
    return result;
}

/* Put an exchange down in the layout of the guest, do it, and read back how far it came. */
static int64_t exchange(struct vcpu *vcpu, struct xen_memory_exchange *wide)
{
    struct compat_xen_memory_exchange compat = {compat_reservation(&wide->in), compat_reservation(&wide->out), 0};
    int64_t result;
    vaddr_t arg;

    if (guest_is_64(vcpu)) {
        arg = guest_put(vcpu, wide, sizeof(*wide));
        result = guest_memory_op(vcpu, XENMEM_exchange, arg);
        guest_take(vcpu, arg, wide, sizeof(*wide));
    } else {
        arg = guest_put(vcpu, &compat, sizeof(compat));
        result = guest_memory_op(vcpu, XENMEM_exchange, arg);
        guest_take(vcpu, arg, &compat, sizeof(compat));
        wide->nr_exchanged = compat.nr_exchanged;
    }
    return result;
}

int64_t guest_exchange(struct vcpu *vcpu, const uint64_t *in, unsigned nr_in, unsigned in_order, uint64_t *out,
                       unsigned nr_out, unsigned out_order, unsigned mem_flags, uint64_t *nr_exchanged)
{
    size_t mark = scratch_mark(vcpu);
    vaddr_t out_list = scratch_put_words(vcpu, out, nr_out);
    struct xen_memory_exchange wide = {
        .in = {scratch_put_words(vcpu, in, nr_in).v, nr_in, in_order, 0, DOMID_SELF, {0}},
        .out = {out_list.v, nr_out, out_order, mem_flags, DOMID_SELF, {0}},
    };
    int64_t result = exchange(vcpu, &wide);

    scratch_take_words(vcpu, out_list, out, nr_out);
    if (nr_exchanged)
        *nr_exchanged = wide.nr_exchanged;
    scratch_release(vcpu, mark);
    return result;
}
