/* SPDX-License-Identifier: MIT */
/* The software walk of validated tables. */
#include <engine/access.h>
#include <engine/level.h>
#include <engine/walk.h>

/* Does entry @index of @frame, a table of @domain, belong to the hypervisor?  Behind one there are no types. */
static bool is_hypervisors(const struct domain *domain, const struct frame *frame, unsigned index)
{
    return level_slot_is_hypervisor(level_of(domain->width, type_of(frame->type)), index);
}

/*
 * From @table to the one that its entry @index leads to.  False: that is not present, or the hypervisor's.  The
 * processor counts levels and knows no types: a linear table serves as one of a level below its own, and the
 * hypervisor's slots that the address itself keeps out of can come then.
 */
FORCE_INLINE bool descend(const struct domain *domain, mfn_t *table, unsigned index)
{
    const struct frame *frame = frame_find(domain->machine, *table);
    uint64_t entry;

    /* A live entry above level 1 refers to a live table: that is what the types are for. */
    CHECK(frame && type_is_validated(frame->type));
    entry = __atomic_load_n(&((uint64_t *)port_frame_map(*table))[index], __ATOMIC_RELAXED);
    if (!(entry & ENTRY_PRESENT) || (domain->linear_tables && is_hypervisors(domain, frame, index)))
        return false;
    *table = entry_mfn(entry);
    return true;
}

bool walk_find_l1(const struct vcpu *vcpu, vaddr_t vaddr, struct frame **table, unsigned *index)
{
    const struct domain *domain = vcpu->domain;
    mfn_t mfn = vcpu->kernel_root;
    struct frame *frame;

    if (mfn_is_none(mfn) || !access_address_ok(domain, vaddr.v))
        return false;
    if (root_level(domain) == 4 && !descend(domain, &mfn, level_index(4, vaddr)))
        return false;
    if (!descend(domain, &mfn, level_index(3, vaddr)) || !descend(domain, &mfn, level_index(2, vaddr)))
        return false;
    frame = frame_find(domain->machine, mfn);
    CHECK(frame && type_is_validated(frame->type));
    *table = frame;
    *index = level_index(1, vaddr);
    return type_of(frame->type) == TYPE_L1;
}

uint64_t walk_read_l1(const struct vcpu *vcpu, vaddr_t vaddr)
{
    struct frame *table;
    unsigned index;

    if (!walk_find_l1(vcpu, vaddr, &table, &index))
        return 0;
    return __atomic_load_n(&frame_entries(vcpu->domain->machine, table)[index], __ATOMIC_RELAXED);
}
