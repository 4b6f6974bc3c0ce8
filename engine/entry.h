/* SPDX-License-Identifier: MIT */
/*
 * What a table entry may say, and the references that it holds.
 *
 * entry_decode() is the one judge of entries: for updates of every kind, for the scan of a whole table, and for the
 * builder.  It sees the entry as it will be and never the one that it replaces.  Fix-ups come first, checks second.
 *
 * What an entry of an L1 table that maps RAM needs is here, to be compiled into its few callers: what leaf.h leaves to
 * it, pages of other domains above all, is frequent in a back end.  The rest of the judgement is in entry.c, which
 * calls nothing but refuse(): paravane decode is linked with it, without the rest of the engine.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <engine/linear.h>
#include <engine/op.h>
#include <engine/typeref.h>

struct entry {
    uint64_t bits;        /* as the processor will see it */
    struct frame *frame;  /* the RAM frame that it refers to; NULL if not present, or not RAM */
    enum frame_type type; /* the type reference that it needs; TYPE_NONE: only a general one */
};

/* The cases of the functions below that are not leaf entries of RAM. */
int __must_check entry_decode_absent(const struct op *op, struct slot slot, uint64_t bits);
int __must_check entry_decode_device(const struct op *op, struct slot slot, uint64_t *bits);
int __must_check entry_decode_upper(const struct op *op, const struct level *level, struct slot slot,
                                    struct entry *entry);

/* What a present entry of a 64-bit guest's L1 becomes: USER always; bit 52 and G tell kernel pages from user pages. */
static inline uint64_t entry_adjust_leaf(enum width width, uint64_t bits)
{
    if (width == WIDTH_PAE)
        return bits;
    if (!(bits & ENTRY_USER))
        return bits | ENTRY_USER | ENTRY_GUEST_KERNEL;
    if (!(bits & ENTRY_GUEST_KERNEL))
        return bits | ENTRY_GLOBAL;
    return bits;
}

FORCE_INLINE int __must_check entry_decode_leaf(const struct op *op, struct slot slot, struct entry *entry)
{
    uint64_t bits = entry_adjust_leaf(op->pt_owner->width, entry->bits);
    struct frame *frame = frame_find(op->machine, entry_mfn(bits));
    int error = 0;

    if ((bits & ENTRY_CACHE) && op->pt_owner->nr_iomem == 0)
        return refuse(op, XEN_EINVAL, REFUSE_CACHE_FLAGS, slot, frame, bits);
    if (frame && frame_is_ram(frame)) {
        if ((bits & ENTRY_CACHE) && (frame->flags & FRAME_SHARED))
            return refuse(op, XEN_EACCES, REFUSE_CACHE_FLAGS_SHARED, slot, frame, bits);
        entry->frame = frame;
        entry->type = (bits & ENTRY_RW) ? TYPE_WRITABLE : TYPE_NONE;
    } else {
        error = entry_decode_device(op, slot, &bits);
    }
    entry->bits = bits;
    return error;
}

/*
 * Judge the entry @raw for @slot, in a table of @level.  Pure: takes nothing, changes nothing.
 * 0: @entry says what it needs.  Errors: as documented in abi/mmu.h under [pte].
 */
FORCE_INLINE int __must_check entry_decode(const struct op *op, const struct level *level, struct slot slot,
                                           uint64_t raw, struct entry *entry)
{
    *entry = (struct entry){raw, NULL, TYPE_NONE};
    if (!(raw & ENTRY_PRESENT))
        return entry_decode_absent(op, slot, raw);
    if (slot.level == 1)
        return entry_decode_leaf(op, slot, entry);
    return entry_decode_upper(op, level, slot, entry);
}

FORCE_INLINE int __must_check entry_acquire_leaf(struct op *op, struct slot slot, const struct entry *entry)
{
    struct frame *frame = entry->frame;
    int error;

    if (!op->pg_owner || !frame_get(frame, op->pg_owner))
        return typeref_refuse_frame(op, XEN_EBUSY, slot, frame, op->pg_owner, entry->bits);
    if (entry->type == TYPE_NONE)
        return 0;
    error = typeref_get_writable(op, slot, frame);
    if (error)
        frame_put(op->machine, frame);
    else if (entry->bits & ENTRY_CACHE)
        frame->flags |= FRAME_INCOHERENT;
    return error;
}

/*
 * Take what @entry needs, which is for @slot of a table of @level.  The locks of op are held; those of table levels may
 * be dropped and retaken.
 * 0: the entry's references are held, and go with it when it is written.  Otherwise nothing is held.
 */
FORCE_INLINE int __must_check entry_acquire(struct op *op, const struct level *level, struct slot slot,
                                            const struct entry *entry)
{
    if (!entry->frame)
        return 0;
    if (slot.level == 1)
        return entry_acquire_leaf(op, slot, entry);
    if (op->pt_owner->linear_tables && linear_applies(op, level, slot, entry->frame, entry->type))
        return linear_get(op, slot, entry->frame, entry->bits);
    return typeref_hold(op, slot, entry->frame, op->pt_owner, entry->type, entry->bits);
}

/* Does the operation hold the lock of @frame's owner? */
static inline bool entry_owner_is_locked(const struct op *op, const struct frame *frame)
{
    return frame_owner(frame) == op->pt_owner->id.v || (op->pg_owner && frame_owner(frame) == op->pg_owner->id.v);
}

/* What an entry above level 1 held.  A frame in use as a table of the entry's own level was referred to by a link. */
FORCE_INLINE void entry_release_upper(struct op *op, struct slot slot, struct frame *frame)
{
    if (mfn_equal(slot.table, frame_mfn(op->machine, frame)))
        return;
    if (linear_is_of_level(frame, slot.level))
        linear_unlink(op, slot.table, frame);
    typeref_drop(op, frame);
}

/*
 * Drop what the entry @bits held, which stood at @slot of a validated table.  Cannot fail.  May demote a table, hence
 * preempt; and exchanges the locks for another domain's where the frame is foreign.
 */
FORCE_INLINE void entry_release(struct op *op, struct slot slot, uint64_t bits)
{
    struct frame *frame = (bits & ENTRY_PRESENT) ? frame_find(op->machine, entry_mfn(bits)) : NULL;

    if (!frame || !frame_is_ram(frame))
        return;
    if (slot.level != 1) {
        entry_release_upper(op, slot, frame);
        return;
    }
    if (!entry_owner_is_locked(op, frame)) {
        op_put_foreign(op, frame, bits & ENTRY_RW);
        return;
    }
    if (bits & ENTRY_RW)
        typeref_put_writable(op->machine, frame);
    frame_put(op->machine, frame);
}
