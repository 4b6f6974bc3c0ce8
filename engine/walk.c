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
    for (;;) {
        const struct level *level = level_of(width, type_of(frame->type));
        uint64_t entry;

        /* A live entry above level 1 refers to a live table: that is what the types are for. */
        CHECK(level && type_is_validated(frame->type));
        *index = level_index(level, vaddr);
        *table = frame;
        if (level->type == TYPE_L1)
            return true;
        entry = __atomic_load_n(&frame_entries(machine, frame)[*index], __ATOMIC_RELAXED);
        if (!(entry & ENTRY_PRESENT))
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
