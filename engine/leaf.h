/* SPDX-License-Identifier: MIT */
/*
 * What nearly all entries of L1 tables are: pages of the table's own domain, which take and drop their references
 * without a word, a conversion or a frame that becomes free.  Whether an entry is one is asked before anything is
 * changed; for those that are not, and for all that can be refused, there is engine/entry.h, whose steps these are, and
 * engine/update.c, whose leaf_update() is.  All of it is compiled into its few callers.
 */
#pragma once

#include <engine/entry.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>
#include <engine/typeref.h>
#include <engine/update.h>

/* The frame of the present entry @bits, if the table and it are one domain's, by whose lock this is asked; NULL. */
FORCE_INLINE struct frame *leaf_find(const struct op *op, uint64_t bits)
{
    struct frame *frame = frame_find(op->machine, entry_mfn(bits));

    return frame && frame_owner(frame) == op->pt_owner->id.v && op->pg_owner == op->pt_owner ? frame : NULL;
}

/* Can an entry @bits take @frame by leaf_take()?  As entry_decode_leaf() and entry_acquire_leaf() want it. */
FORCE_INLINE bool leaf_can_take(const struct frame *frame, uint64_t bits)
{
    if ((bits & ENTRY_CACHE) || frame->refs == 0 || frame->refs == FRAME_REFS_MAX)
        return false;
    return !(bits & ENTRY_RW) || type_stays_writable(frame->type);
}

/*
 * The same where it is the first use of @frame since it came from the pool, which needs no flush either.  Whole tables
 * ask it, as a new domain's and its first own are: for single updates a look more costs more than it spares.
 */
FORCE_INLINE bool leaf_is_first(const struct frame *frame, uint64_t bits)
{
    return !(bits & ENTRY_CACHE) && frame->refs != 0 && frame->refs != FRAME_REFS_MAX && type_is_untyped(frame->type);
}

FORCE_INLINE void leaf_take(struct frame *frame, uint64_t bits)
{
    frame->refs++;
    if (bits & ENTRY_RW)
        type_writable_add(&frame->type);
}

/* The same where leaf_is_first() may have been true instead. */
FORCE_INLINE void leaf_take_any(struct frame *frame, uint64_t bits)
{
    frame->refs++;
    if ((bits & ENTRY_RW) && !type_writable_get(&frame->type))
        CHECK(false); /* leaf_can_take(), leaf_is_first() */
}

/* Would an entry leave others behind that refer to @frame?  Then leaf_drop() may follow. */
FORCE_INLINE bool leaf_can_drop(const struct frame *frame)
{
    return frame->refs > 1;
}

FORCE_INLINE void leaf_drop(struct machine *machine, struct frame *frame, uint64_t bits)
{
    if (bits & ENTRY_RW)
        typeref_put_writable(machine, frame);
    frame->refs--;
}

/* leaf_update() of an entry that stands for @frame before and after: with other rights to it. */
FORCE_INLINE bool leaf_protect(struct op *op, uint64_t *live, struct frame *frame, uint64_t bits,
                               const struct update *update)
{
    uint64_t old;

    if (bits & ENTRY_RW)
        type_writable_add(&frame->type);
    if (!update_commit(live, bits, update, &old)) {
        if (bits & ENTRY_RW)
            typeref_put_writable(op->machine, frame);
        return false;
    }
    if (old & ENTRY_RW)
        typeref_put_writable(op->machine, frame);
    return true;
}

/*
 * What nearly all updates are, in the steps of engine/update.c that are left then: pages of the table's own domain
 * come, go or change their protection, no type changes, and no frame becomes free.  All that is asked before anything
 * is taken.  @live is an entry of a live L1 table.  False: it is another case, and nothing has changed.
 */
FORCE_INLINE bool leaf_update(struct op *op, uint64_t *live, const struct update *update)
{
    uint64_t old = __atomic_load_n(live, __ATOMIC_RELAXED), bits = update->value;
    struct frame *new_frame = NULL, *old_frame = NULL;

    if (bits & ENTRY_PRESENT) {
        bits = entry_adjust_leaf(op->pt_owner->width, bits);
        if (update_keeps_references(old, bits) && !(bits & ENTRY_CACHE))
            return update_commit(live, bits, update, &old);
        if (!(new_frame = leaf_find(op, bits)) || !leaf_can_take(new_frame, bits))
            return false;
        if ((old & ENTRY_PRESENT) && !((old ^ bits) & ENTRY_FRAME))
            return leaf_protect(op, live, new_frame, bits, update);
    } else if (bits != 0) {
        return false;
    }
    if ((old & ENTRY_PRESENT) && (!(old_frame = leaf_find(op, old)) || !leaf_can_drop(old_frame)))
        return false;
    if (new_frame)
        leaf_take(new_frame, bits);
    if (!update_commit(live, bits, update, &old)) {
        if (new_frame)
            leaf_drop(op->machine, new_frame, bits);
        return false;
    }
    if (old_frame)
        leaf_drop(op->machine, old_frame, old);
    return true;
}
