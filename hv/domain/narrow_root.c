/* SPDX-License-Identifier: MIT */
/* Tables on top of those of a 32-bit guest. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/domain/narrow_root.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>

#define ORDER     1u /* two frames */
#define PAE_SLOTS 4u /* of a guest's L3, of 1 GiB each */
#define PAE_SHIFT 30u

/*
 * A table above others leaves the rights to them: the guest's pages are its own, and writable or not by their L1
 * entries alone.  Accessed already, so that the processor writes to neither table.
 */
#define ABOVE (ENTRY_PRESENT | ENTRY_RW | ENTRY_USER | ENTRY_ACCESSED)

static uint64_t *l3_of(const struct narrow_root *root)
{
    return root->tables + ENTRIES_PER_TABLE;
}

int narrow_root_create(struct hv_vcpu *vcpu)
{
    struct machine *machine = vcpu->engine.domain->machine;
    struct narrow_root *root = &vcpu->narrow_root;

    if (hv_vcpu_is_64bit(vcpu))
        return 0;
    if (!machine_take(machine, ORDER, &root->frame))
        return -XEN_ENOMEM;
    root->tables = paging_ram(root->frame.v << PAGE_SHIFT);
    root->tables[0] = (root->frame.v + 1) << PAGE_SHIFT | ABOVE;
    for (unsigned i = 0; i < HYPERVISOR_ROOT_SLOTS; i++)
        root->tables[HYPERVISOR_L4_SLOT + i] = machine->root_slots[i];
    return 0;
}

void narrow_root_destroy(struct hv_vcpu *vcpu)
{
    if (!vcpu->narrow_root.tables)
        return;
    machine_give(vcpu->engine.domain->machine, vcpu->narrow_root.frame, ORDER);
    vcpu->narrow_root.tables = NULL;
}

static uint64_t copy_of(uint64_t entry)
{
    return entry & ENTRY_PRESENT ? (entry & ENTRY_FRAME) | ABOVE : 0;
}

/* The reference on the root keeps its entries valid; they may change at any moment, so each is read once. */
bool narrow_root_copy(const struct hv_vcpu *vcpu)
{
    const uint64_t *entries = paging_ram(vcpu->engine.kernel_root.v << PAGE_SHIFT);
    uint64_t *l3 = l3_of(&vcpu->narrow_root);
    bool has_come = false;

    for (unsigned i = 0; i < PAE_SLOTS; i++) {
        uint64_t new = copy_of(__atomic_load_n(&entries[i], __ATOMIC_ACQUIRE));

        has_come |= !l3[i] && new;
        if (new != l3[i])
            __atomic_store_n(&l3[i], new, __ATOMIC_RELEASE);
    }
    return has_come;
}

bool narrow_root_lacks(const struct hv_vcpu *vcpu, uint64_t address)
{
    uint64_t slot = address >> PAE_SHIFT;

    return slot < PAE_SLOTS && !l3_of(&vcpu->narrow_root)[slot];
}

bool narrow_root_catches_up(const struct hv_vcpu *vcpu)
{
    return !mfn_is_none(vcpu->engine.kernel_root) && narrow_root_copy(vcpu);
}
