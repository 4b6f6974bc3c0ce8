/* SPDX-License-Identifier: MIT */
/* The processor's rule on the user bit: Intel SDM volume 3, 4.6.1. */
#include <engine/access.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>
#include <engine/reach.h>
#include <engine/walk.h>

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

/* In memory of the domain's own, whose lock is held; NULL: there is none there. */
static uint8_t *find_byte(const struct vcpu *vcpu, vaddr_t vaddr)
{
    uint64_t entry = walk_read_l1(vcpu, vaddr);
    const struct frame *frame = frame_find(vcpu->domain->machine, entry_mfn(entry));

    if (!(entry & ENTRY_PRESENT) || !frame || frame_owner(frame) != vcpu->domain->id.v)
        return NULL;
    return (uint8_t *)port_frame_map(entry_mfn(entry)) + vaddr.v % PAGE_SIZE;
}

bool reach_write_back(struct vcpu *vcpu, vaddr_t vaddr, uint8_t but)
{
    bool written = false;
    struct op op;
    uint8_t *byte;

    if (op_begin_own(&op, vcpu->domain, vcpu))
        return false;
    byte = find_byte(vcpu, vaddr);
    if (byte) {
        uint8_t value = __atomic_load_n(byte, __ATOMIC_RELAXED);

        written =
            value != but && __atomic_compare_exchange_n(byte, &value, value, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    }
    op_end(&op);
    return written;
}
