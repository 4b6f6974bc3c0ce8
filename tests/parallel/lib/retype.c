/* SPDX-License-Identifier: MIT */
/*
 * A few frames of each domain that are memory at one moment and a table at the next, under the hands of both vCPUs.
 * What guests draw elsewhere stays mostly what it is, and then nothing that is left behind would matter.
 */
#include <string.h>

#include <abi/hypercall.h>
#include <abi/mmu.h>

#include <tests/parallel/lib/parallel.h>
#include <tests/parallel/lib/tlb.h>

#define MAPPED 0x67u /* present, writable, user, accessed, dirty */

static int64_t map(struct vcpu *vcpu, mfn_t table, uint64_t slot, uint64_t value)
{
    const struct mmu_update request = {(table.v << PAGE_SHIFT) + slot * sizeof(uint64_t), value};

    memcpy(call_buffer(), &request, sizeof(request));
    return call(vcpu, __HYPERVISOR_mmu_update, BUFFER_BASE, 1, 0, DOMID_SELF);
}

static int64_t extended(struct vcpu *vcpu, uint32_t command, mfn_t mfn)
{
    const struct mmuext_op ext = {.cmd = command, .arg1.mfn = mfn.v};

    memcpy(call_buffer(), &ext, sizeof(ext));
    return call(vcpu, __HYPERVISOR_mmuext_op, BUFFER_BASE, 1, 0, DOMID_SELF);
}

int64_t do_retype(struct vcpu *vcpu)
{
    static const uint32_t commands[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                        MMUEXT_UNPIN_TABLE,  MMUEXT_UNPIN_TABLE,  MMUEXT_CLEAR_PAGE};
    const mfn_t *frames = parallel->trees[vcpu->domain->id.v];
    mfn_t mfn = frames[TREE_SIZE + random_below(RETYPED)];
    unsigned level = (unsigned)random_below(TREE_SIZE - 1);

    switch (random_below(8)) {
    case 0:
    case 1:
        return map(vcpu, frames[0], random_below(TLB_SLOTS), mfn.v << PAGE_SHIFT | MAPPED);
    case 2:
    case 3:
        return map(vcpu, frames[0], random_below(TLB_SLOTS), 0);
    case 4: /* as a table of the tree's L2 or L3, where a walk comes by */
        return map(vcpu, frames[1 + random_below(2)], 1 + random_below(TLB_SLOTS - 1),
                   random_below(2) ? mfn.v << PAGE_SHIFT | MAPPED : 0);
    case 5: /* what others have done to the tree */
        return map(vcpu, frames[level + 1], 0, frames[level].v << PAGE_SHIFT | MAPPED);
    case 6:
        return extended(vcpu, MMUEXT_NEW_BASEPTR, frames[TREE_SIZE - 1]);
    default:
        return extended(vcpu, commands[random_below(ARRAY_SIZE(commands))], mfn);
    }
}
