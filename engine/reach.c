/* SPDX-License-Identifier: MIT */
/* The processor's rule on the user bit: Intel SDM volume 3, 4.6.1. */
#include <engine/access.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>
#include <engine/reach.h>

/*
 * By levels and not by the types of what is found, as the processor walks.  The entries of an L3 have the bit, wherever
 * they are present: engine/level.c.
 */
static bool page_is_open(const struct vcpu *vcpu, vaddr_t vaddr)
{
    const struct machine *machine = vcpu->domain->machine;
    const struct frame *table = frame_find(machine, vcpu->kernel_root);

    for (enum frame_type type = TYPE_L3; table; type--) {
        unsigned index = level_index(level_number(type), vaddr);
        uint64_t entry = __atomic_load_n(&frame_entries(machine, table)[index], __ATOMIC_RELAXED);

        if (!(entry & ENTRY_PRESENT) || !(entry & ENTRY_USER))
            return false;
        if (type == TYPE_L1)
            return true;
        table = frame_find(machine, entry_mfn(entry));
    }
    return false;
}

static bool pages_are_open(const struct vcpu *vcpu, vaddr_t start, uint64_t size)
{
    uint64_t last = start.v + size - 1;

    for (uint64_t page = start.v - start.v % PAGE_SIZE; page <= last; page += PAGE_SIZE) {
        if (!page_is_open(vcpu, VADDR(page)))
            return false;
    }
    return true;
}

bool reach_by_program(struct vcpu *vcpu, vaddr_t start, uint64_t size)
{
    struct op op;
    bool open;

    if (vcpu->domain->width == WIDTH_64)
        return true;
    if (!access_range_ok(vcpu->domain, start, size) || op_begin_own(&op, vcpu->domain, vcpu))
        return false;
    open = size == 0 || pages_are_open(vcpu, start, size);
    op_end(&op);
    return open;
}
