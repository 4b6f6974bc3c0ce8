/* SPDX-License-Identifier: MIT */
/*
 * Writes of a guest's kernel to its L1 tables, which are mapped read-only and therefore fault: [vm_assist].  The
 * hypervisor decodes the instruction; here the bytes become an entry, and the entry is judged like any other.
 */
#include <abi/errno.h>
#include <engine/engine.h>
#include <engine/leaf.h>
#include <engine/level.h>
#include <engine/op.h>
#include <engine/update.h>
#include <engine/walk.h>

/* Where in an entry the written bytes lie. */
struct part {
    unsigned shift;
    uint64_t mask; /* at bit 0 */
};

static struct part part_of(const struct table_write *write)
{
    return (struct part){(unsigned)(write->vaddr.v % 8) * 8,
                         write->bytes == 8 ? ~UINT64_C(0) : (UINT64_C(1) << write->bytes * 8) - 1};
}

static uint64_t apply(const struct table_write *write, uint64_t seen)
{
    switch (write->form) {
    case WRITE_MOV:
    case WRITE_XCHG:
    case WRITE_CMPXCHG:
        return write->operand;
    case WRITE_AND:
        return seen & write->operand;
    case WRITE_OR:
        return seen | write->operand;
    case WRITE_XOR:
        return seen ^ write->operand;
    case WRITE_ADD:
        return seen + write->operand;
    }
    CHECK(false);
}

/* The L1 table that @vaddr is read-only mapped memory of; NULL if it is not. */
static struct frame *find_target(const struct vcpu *vcpu, vaddr_t vaddr)
{
    uint64_t entry = walk_read_l1(vcpu, vaddr);
    struct frame *frame = frame_find(vcpu->domain->machine, entry_mfn(entry));

    if (!(entry & ENTRY_PRESENT) || (entry & ENTRY_RW) || !frame || frame_owner(frame) != vcpu->domain->id.v)
        return NULL;
    return type_is_live(frame->type, TYPE_L1) ? frame : NULL;
}

/*
 * A 32-bit guest writes an entry in two halves, the upper one first or last.  Where the upper half makes an entry that
 * is refused, it stands, but not present: the guest is about to write the other half.
 */
static bool may_clear_present(const struct vcpu *vcpu, const struct table_write *write, uint64_t entry)
{
    return vcpu->domain->width == WIDTH_PAE && write->bytes == 4 && write->vaddr.v % 8 == 4 && (entry & ENTRY_PRESENT);
}

static bool form_ok(const struct table_write *write)
{
    bool size = write->bytes == 1 || write->bytes == 2 || write->bytes == 4 || write->bytes == 8;

    return size && write->vaddr.v % write->bytes == 0 && write->form <= WRITE_ADD;
}

/* One attempt: -XEN_EAGAIN if a processor set an accessed or dirty bit meanwhile. */
static int write_once(struct op *op, struct table_write *write)
{
    struct vcpu *vcpu = op->vcpu;
    struct part part;
    unsigned index = (unsigned)(write->vaddr.v % PAGE_SIZE) / 8;
    struct frame *frame = find_target(vcpu, write->vaddr);
    struct update update = {.kind = UPDATE_EXPECT};
    uint64_t *entries;
    int error;

    if (!frame)
        return -XEN_EINVAL;
    if (!form_ok(write))
        return refuse_value(op, XEN_EINVAL, REFUSE_WRITE_FORM, write->vaddr.v);
    part = part_of(write);
    entries = frame_entries(op->machine, frame);
    update.expected = __atomic_load_n(&entries[index], __ATOMIC_RELAXED);
    write->seen = (update.expected >> part.shift) & part.mask;
    if (write->form == WRITE_CMPXCHG && write->seen != (write->expected & part.mask))
        return 0;
    update.value = (update.expected & ~(part.mask << part.shift)) | (apply(write, write->seen) & part.mask)
                                                                        << part.shift;
    if (leaf_update(op, &entries[index], &update))
        return 0;
    error = update_leaf_other(op, frame_mfn(op->machine, frame), entries, index, &update);
    if (error && error != -XEN_EAGAIN && may_clear_present(vcpu, write, update.value)) {
        update.value &= ~ENTRY_PRESENT;
        error = update_entry(op, frame, index, &update);
    }
    return error;
}

int table_write_emulate(struct vcpu *vcpu, struct table_write *write)
{
    struct op op;
    int error;

    if (!vcpu->domain->writable_tables || vcpu->user_mode)
        return -XEN_EINVAL;
    error = op_begin_without_call(&op, vcpu, CALL_TABLE_WRITE);
    if (error)
        return error;
    /* Each bit that interferes is set once, so this ends soon. */
    do
        error = write_once(&op, write);
    while (error == -XEN_EAGAIN);
    op_end(&op);
    return error;
}
