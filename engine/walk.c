/* SPDX-License-Identifier: MIT */
/* The software walk of validated tables, for who does not walk in place. */
#include <engine/walk.h>

mfn_t walk_linear(const struct vcpu *vcpu, vaddr_t vaddr)
{
    mfn_t table;

    return walk_by(vcpu, true, vaddr, &table) ? table : MFN_NONE;
}

bool walk_find_l1(const struct vcpu *vcpu, vaddr_t vaddr, struct frame **table, unsigned *index)
{
    mfn_t mfn;

    if (!walk_to_l1(vcpu, vaddr, &mfn))
        return false;
    *table = frame_find(vcpu->domain->machine, mfn);
    *index = level_index(1, vaddr);
    return true;
}

uint64_t walk_read_l1(const struct vcpu *vcpu, vaddr_t vaddr)
{
    const uint64_t *entries;
    mfn_t table;

    if (!walk_to_l1(vcpu, vaddr, &table))
        return 0;
    entries = port_frame_map(table);
    return __atomic_load_n(&entries[level_index(1, vaddr)], __ATOMIC_RELAXED);
}
