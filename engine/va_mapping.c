/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_update_va_mapping: find the entry, update it, flush as asked. */
#include <abi/mmu.h>
#include <engine/flush.h>
#include <engine/foreign.h>
#include <engine/leaf.h>
#include <engine/update.h>
#include <engine/va_mapping.h>
#include <engine/walk.h>

/* The flush that @flags ask for, after an update that has been made. */
static int flush_as_asked(struct op *op, vaddr_t vaddr, uint64_t flags)
{
    struct vcpu *vcpu = op->vcpu;
    uint64_t where = flags & ~UVMF_FLUSHTYPE_MASK;
    cpumask_t cpus = cpumask_of(vcpu->cpu);

    if (where == UVMF_ALL)
        cpus = flush_domain_cpus(vcpu->domain);
    else if (where != UVMF_LOCAL && !flush_guest_mask(vcpu, VADDR(where), &cpus))
        return refuse_value(op, XEN_EFAULT, REFUSE_VCPU_MASK, where);
    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH)
        tlb_flush(op->machine, cpus);
    else
        flush_page(vcpu->domain, cpus, vaddr);
    return 0;
}

/* The entry for @vaddr becomes @entry. */
FORCE_INLINE int update_at(struct op *op, vaddr_t vaddr, uint64_t entry)
{
    /* The same twice, so that the first stays in registers. */
    const struct update change = {entry, UPDATE_REPLACE, 0}, other = change;
    unsigned index = level_index(1, vaddr);
    uint64_t *entries;
    mfn_t table;

    if (!walk_to_l1(op->vcpu, vaddr, &table))
        return refuse_value(op, XEN_EINVAL, REFUSE_NO_L1_ENTRY, vaddr.v);
    entries = port_frame_map(table);
    return leaf_update(op, &entries[index], &change) ? 0 : update_leaf_other(op, table, entries, index, &other);
}

FORCE_INLINE int64_t update(struct op *op, struct domain *pg_owner, vaddr_t vaddr, uint64_t entry, uint64_t flags)
{
    uint64_t kind = flags & UVMF_FLUSHTYPE_MASK;
    int error = op_begin(op, op->vcpu->domain, pg_owner);

    if (error)
        return error;
    error = update_at(op, vaddr, entry);
    op_end(op);
    if (!error && (kind == UVMF_TLB_FLUSH || kind == UVMF_INVLPG))
        error = flush_as_asked(op, vaddr, flags);
    return error;
}

int64_t update_va_mapping(struct op *op, vaddr_t vaddr, uint64_t entry, uint64_t flags)
{
    return update(op, op->vcpu->domain, vaddr, entry, flags);
}

int64_t update_va_mapping_otherdomain(struct op *op, vaddr_t vaddr, uint64_t entry, uint64_t flags, uint16_t domid)
{
    struct domain *pg_owner;
    int error = foreign_find(op, domid, &pg_owner);

    if (error)
        return error;
    if (!foreign_allowed(op, domid, pg_owner))
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, domid);
    return update(op, pg_owner, vaddr, entry, flags);
}
