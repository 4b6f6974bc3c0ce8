/* SPDX-License-Identifier: MIT */
/* The software walk of validated tables. */
#include <engine/access.h>
#include <engine/level.h>
#include <engine/walk.h>

bool walk_find_l1(const struct vcpu *vcpu, vaddr_t vaddr, struct frame **table, unsigned *index)
{
    const struct machine *machine = vcpu->domain->machine;
    enum width width = vcpu->domain->width;
    struct frame *frame = frame_find(machine, vcpu->kernel_root);

    if (!frame || !access_address_ok(vcpu->domain, vaddr.v))
        return false;
    /* The processor counts levels and knows no types: a linear table serves as one of a level below its own. */
    for (unsigned left = root_level(vcpu->domain);; left--) {
        const struct level *level = level_of(width, type_of(frame->type));
        uint64_t entry;

        /* A live entry above level 1 refers to a live table: that is what the types are for. */
        CHECK(level && type_is_validated(frame->type));
        *index = level_index(left, vaddr);
        *table = frame;
        if (left == 1)
            return level->type == TYPE_L1;
        entry = __atomic_load_n(&frame_entries(machine, frame)[*index], __ATOMIC_RELAXED);
        if (!(entry & ENTRY_PRESENT) || level_slot_is_hypervisor(level, *index))
            return false;
        frame = frame_find(machine, entry_mfn(entry));
        CHECK(frame);
    }
}

uint64_t walk_read_l1(const struct vcpu *vcpu, vaddr_t vaddr)
{
    struct frame *table;
    unsigned index;

    if (!walk_find_l1(vcpu, vaddr, &table, &index))
        return 0;
    return __atomic_load_n(&frame_entries(vcpu->domain->machine, table)[index], __ATOMIC_RELAXED);
}
