/* SPDX-License-Identifier: MIT */
/*
 * Walking a guest's tables in software: by frame numbers through the port's direct map, never through a translation of
 * the guest's, so that nothing here depends on what a TLB holds (XSA-286).
 */
#pragma once

#include <engine/access.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>

/* Does entry @index of @frame, a table of @domain, belong to the hypervisor?  Behind one there are no types. */
static inline bool walk_is_hypervisors(const struct domain *domain, const struct frame *frame, unsigned index)
{
    return level_slot_is_hypervisor(level_of(domain->width, type_of(frame->type)), index);
}

/* A live entry above level 1 refers to a live table: that is what the types are for. */
FORCE_INLINE struct frame *walk_live(const struct machine *machine, mfn_t table)
{
    struct frame *frame;

    CHECK(table.v < machine->nr_frames);
    frame = &machine->frames[table.v];
    CHECK(type_is_validated(frame->type));
    return frame;
}

/*
 * From @table to the one that its entry @index leads to.  False: that is not present, or the hypervisor's.  The
 * processor counts levels and knows no types: a linear table, where there may be some (@linear), serves as one of a
 * level below its own, and the hypervisor's slots that the address itself keeps out of can come then.
 */
FORCE_INLINE bool walk_descend(const struct domain *domain, bool linear, mfn_t *table, unsigned index)
{
    const struct frame *frame = walk_live(domain->machine, *table);
    const uint64_t *entries = port_frame_map(*table);
    uint64_t entry = __atomic_load_n(&entries[index], __ATOMIC_RELAXED);

    if (!(entry & ENTRY_PRESENT) || (linear && walk_is_hypervisors(domain, frame, index)))
        return false;
    *table = entry_mfn(entry);
    return true;
}

FORCE_INLINE bool walk_by(const struct vcpu *vcpu, bool linear, vaddr_t vaddr, mfn_t *table)
{
    const struct domain *domain = vcpu->domain;
    mfn_t at = vcpu->kernel_root;

    if (mfn_is_none(at) || !access_address_ok(domain, vaddr.v))
        return false;
    if (root_level(domain) == 4 && !walk_descend(domain, linear, &at, level_index(4, vaddr)))
        return false;
    if (!walk_descend(domain, linear, &at, level_index(3, vaddr)) ||
        !walk_descend(domain, linear, &at, level_index(2, vaddr)))
        return false;
    *table = at;
    return type_of(walk_live(domain->machine, at)->type) == TYPE_L1;
}

/* For domains that may have linear tables.  MFN_NONE: false. */
mfn_t walk_linear(const struct vcpu *vcpu, vaddr_t vaddr);

/*
 * Find the L1 table whose entry level_index(1, @vaddr) maps @vaddr under @vcpu's kernel root.  The lock of the vCPU's
 * domain is held; what is found stays true until it is dropped.  No reference is taken: the tables hang on a loaded
 * root.  False: the address is not the guest's, or an upper entry is not present; or the walk leads through a linear
 * table, so that it ends at a table of another level, or in the hypervisor's slots.
 */
FORCE_INLINE bool __must_check walk_to_l1(const struct vcpu *vcpu, vaddr_t vaddr, mfn_t *table)
{
    if (!vcpu->domain->linear_tables)
        return walk_by(vcpu, false, vaddr, table);
    *table = walk_linear(vcpu, vaddr);
    return !mfn_is_none(*table);
}

/* The same for who walks less often, with the frame, and with the index. */
bool __must_check walk_find_l1(const struct vcpu *vcpu, vaddr_t vaddr, struct frame **table, unsigned *index);

/* The L1 entry that maps @vaddr; 0, which is not present, if there is none. */
uint64_t walk_read_l1(const struct vcpu *vcpu, vaddr_t vaddr);
