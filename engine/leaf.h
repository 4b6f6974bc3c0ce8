/* SPDX-License-Identifier: MIT */
/*
 * What nearly all entries of L1 tables are: pages of the table's own domain, which take and drop their references
 * without a word, a conversion or a frame that becomes free.  Whether an entry is one is asked before anything is
 * changed; for those that are not, and for all that can be refused, there is engine/entry.h, whose steps these are.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>
#include <engine/typeref.h>

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
    return !(bits & ENTRY_RW) || (type_of(frame->type) == TYPE_WRITABLE && type_count(frame->type) != TYPE_COUNT_MAX);
}

FORCE_INLINE void leaf_take(struct frame *frame, uint64_t bits)
{
    frame->refs++;
    if ((bits & ENTRY_RW) && !type_writable_get(&frame->type))
        CHECK(false); /* leaf_can_take() */
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
