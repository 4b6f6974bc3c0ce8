/* SPDX-License-Identifier: MIT */
/*
 * Linear tables, where a domain may have them: an entry of L2, L3 or L4 that refers, read-only, to a table of its own
 * level.  A guest finds its tables by that: the processor takes a level of the walk twice, and what it takes for a page
 * at the end is a table.
 *
 *   A --> A    an entry for its own table holds nothing: else the table would keep itself alive
 *   A --> B    a link holds what an entry for a child holds, and both tables know of it
 *
 * A table with links to others has none from others.  So links form no chain and no circle, and whoever takes tables
 * apart meets at most one on each level (XSA-240).  A link is made to a live table alone: nothing is validated through
 * it, and nobody waits for its end.  It is made and dropped under the owner's lock in one step with its references, so
 * that no preemption comes between a link and its count (XSA-309).
 *
 * The counts lie in bits of the frame's flags that are nothing else's (XSA-280): those that a table has to others, at
 * most one an entry, or those that it has from others.  Of these there may be more than fit.  Then the count stays at
 * its maximum, and the table one that others refer to, until it is none any more: no link is refused for being one too
 * many, and none is forgotten.
 *
 * An L4 has the hypervisor's entries, and behind a link to one are the hypervisor's tables, and through these all of
 * its memory.  The guest does not see that, which is no supervisor; but the hypervisor, which is, would read it for the
 * guest, as arguments of a call.  So the slots of L4s that have ever had such an entry are written down, for good, and
 * the hypervisor touches nothing there (access_touch_ok()).  Who has asked before that has touched by the time that
 * each processor of the domain has flushed: nobody answers between the two.  Only then does the entry come about.
 */
#pragma once

#include <engine/frame.h>
#include <engine/level.h>
#include <engine/op.h>

#define LINEAR_SOURCE      8u /* the links are to others, not from others */
#define LINEAR_COUNT_SHIFT 4u
#define LINEAR_COUNT_MAX   (FRAME_LINKS >> LINEAR_COUNT_SHIFT)

static inline unsigned linear_count(const struct frame *frame)
{
    return (frame->flags & FRAME_LINKS) >> LINEAR_COUNT_SHIFT;
}

/* Has @frame links to others? */
static inline bool linear_is_source(const struct frame *frame)
{
    return frame->flags & LINEAR_SOURCE;
}

/* Have others links to @frame? */
static inline bool linear_is_target(const struct frame *frame)
{
    return linear_count(frame) > 0 && !linear_is_source(frame);
}

/* Is @frame, a table or becoming one, of the level @number? */
static inline bool linear_is_of_level(const struct frame *frame, unsigned number)
{
    return type_is_table(type_of(frame->type)) && !type_is_idle(frame->type) &&
           level_number(type_of(frame->type)) == number;
}

/*
 * Would an entry at @slot, in a table of @level of a domain that may have linear ones, that names @frame be such?  If
 * not, it is judged as any other, which wants @frame as @child.  Waits where it is just becoming, or ceasing to be,
 * that: then locks are dropped and retaken.
 */
bool linear_applies(struct op *op, const struct level *level, struct slot slot, const struct frame *frame,
                    enum frame_type child);

/*
 * Take what the linear entry @bits for @slot needs, which names @frame.  Never drops a lock; the first one in a slot of
 * L4s waits for a flush.
 * 0: held, if it is a link.  -XEN_EINVAL: it may not be written (the entry allows that), or linked to; nothing is held.
 */
int __must_check linear_get(struct op *op, struct slot slot, struct frame *frame, uint64_t bits);

/* The link to @frame goes from the table that it was in.  Its references are the caller's to drop.  Cannot fail. */
void linear_unlink(const struct op *op, mfn_t table, struct frame *frame);

/* @frame is no table any more: neither has it links, nor anybody else to it. */
void linear_forget(struct frame *frame);
