/* SPDX-License-Identifier: MIT */
/* Updates of single entries, in order: what may be written where; an entry of a table; plain memory. */
#include <abi/errno.h>
#include <engine/entry.h>
#include <engine/flush.h>
#include <engine/leaf.h>
#include <engine/typeref.h>
#include <engine/update.h>

/* The slots of a live table that its guest may not write, not even with zero. */
static int check_slot(const struct op *op, const struct level *level, struct slot slot, uint64_t value)
{
    if (level_slot_is_hypervisor(level, slot.index))
        return refuse(op, level->type == TYPE_L4 ? XEN_EINVAL : XEN_EPERM, REFUSE_HYPERVISOR_SLOT, slot, NULL, value);
    if (slot.index >= level->slots)
        return refuse(op, XEN_EINVAL, REFUSE_SLOT_OUTSIDE_TABLE, slot, NULL, value);
    if (level_child(level, slot.index) == TYPE_L2_TOP)
        return refuse(op, XEN_EINVAL, REFUSE_SLOT_FIXED, slot, NULL, value);
    return 0;
}

/* Decode, acquire, commit. */
static int update_slot(struct op *op, const struct level *level, struct slot slot, uint64_t *live,
                       const struct update *update)
{
    struct entry entry;
    uint64_t old;
    int error = entry_decode(op, level, slot, update->value, &entry);

    if (error)
        return error;
    old = __atomic_load_n(live, __ATOMIC_RELAXED);
    if (update_keeps_references(old, entry.bits)) {
        op->upper_changed |= slot.level > 1;
        return update_commit(live, entry.bits, update, &old) ? 0 : -XEN_EAGAIN;
    }
    error = entry_acquire(op, level, slot, &entry);
    if (error)
        return error;
    if (!update_commit(live, entry.bits, update, &old)) {
        entry_release(op, slot, entry.bits);
        return -XEN_EAGAIN;
    }
    if (slot.level > 1 && (old & ENTRY_PRESENT)) {
        op->upper_changed = true;
        tlb_unlink(op->pt_owner);
    }
    entry_release(op, slot, old);
    return 0;
}

int update_leaf_other(struct op *op, mfn_t table, uint64_t *entries, unsigned index, const struct update *update)
{
    return update_slot(op, level_of(op->pt_owner->width, TYPE_L1), (struct slot){table, 1, index}, &entries[index],
                       update);
}

/* By itself, so that entries of upper tables save no registers for it. */
static __attribute__((noinline)) int update_leaf(struct op *op, mfn_t table, uint64_t *entries, unsigned index,
                                                 const struct update *update)
{
    return leaf_update(op, &entries[index], update) ? 0 : update_leaf_other(op, table, entries, index, update);
}

int update_entry(struct op *op, struct frame *table, unsigned index, const struct update *update)
{
    const struct level *level = level_of(op->pt_owner->width, type_of(table->type));
    uint64_t *entries = frame_entries(op->machine, table);
    struct slot slot = {frame_mfn(op->machine, table), 1, index};
    int error;

    CHECK(level && type_is_validated(table->type));
    if (level->type == TYPE_L1)
        return update_leaf(op, slot.table, entries, index, update);
    slot.level = level_number(level->type);
    error = check_slot(op, level, slot, update->value);
    return error ? error : update_slot(op, level, slot, &entries[index], update);
}

void update_move_leaf(struct op *op, struct frame *to, unsigned to_index, struct frame *from, unsigned from_index)
{
    uint64_t moved, old;

    CHECK(type_is_live(to->type, TYPE_L1) && type_is_live(from->type, TYPE_L1));
    moved = __atomic_exchange_n(&frame_entries(op->machine, from)[from_index], 0, __ATOMIC_SEQ_CST);
    old = __atomic_exchange_n(&frame_entries(op->machine, to)[to_index], moved, __ATOMIC_SEQ_CST);
    entry_release(op, (struct slot){frame_mfn(op->machine, to), 1, to_index}, old);
}

/* An entry above level 1: the update may wait for its child, and the table must stay what it is meanwhile. */
static int update_upper(struct op *op, struct frame *table, unsigned index, const struct update *update)
{
    struct slot slot = {frame_mfn(op->machine, table), level_number(type_of(table->type)), index};
    int error;

    if (op->pg_owner != op->pt_owner)
        return refuse(op, XEN_EINVAL, REFUSE_FOREIGN_TABLE, slot, table, update->value);
    if (!frame_get(table, op->pt_owner))
        return refuse(op, XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED, slot, table, update->value);
    if (type_live_get(&table->type)) {
        error = update_entry(op, table, index, update);
        typeref_put(op, table);
    } else {
        error = refuse(op, XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED, slot, table, type_of(table->type));
    }
    frame_put(op->machine, table);
    return error;
}

/* Eight bytes of memory that is no table: the frame is writable for as long as the store takes. */
static int update_plain(struct op *op, struct frame *frame, unsigned index, uint64_t value)
{
    int error = typeref_get_writable(op, (struct slot){frame_mfn(op->machine, frame), 0, index}, frame);

    if (error)
        return error;
    __atomic_store_n(&frame_entries(op->machine, frame)[index], value, __ATOMIC_RELEASE);
    typeref_put_writable(op->machine, frame);
    return 0;
}

/* Wait until @frame is under no conversion.  False: it is no longer the domain's. */
static bool wait_for_frame(struct op *op, struct frame *frame)
{
    while (frame_owner(frame) == op->pt_owner->id.v && type_is_busy(frame->type))
        op_wait(op);
    return frame_owner(frame) == op->pt_owner->id.v;
}

int update_memory(struct op *op, struct frame *frame, unsigned index, const struct update *update)
{
    if (type_is_busy(frame->type) && !wait_for_frame(op, frame))
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, frame_mfn(op->machine, frame).v);
    if (type_is_live(frame->type, TYPE_L1))
        return update_entry(op, frame, index, update);
    if (!type_is_validated(frame->type))
        return update_plain(op, frame, index, update->value);
    if (type_is_table(type_of(frame->type)))
        return update_upper(op, frame, index, update);
    return refuse(op, XEN_EINVAL, REFUSE_NOT_A_TABLE, NOWHERE, frame, update->value);
}

void update_flush(struct op *op)
{
    if (op->upper_changed)
        op_flush(op, flush_domain_cpus(op->pt_owner));
    op->upper_changed = false;
}
