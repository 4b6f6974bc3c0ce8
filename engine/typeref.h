/* SPDX-License-Identifier: MIT */
/*
 * Type references: "as long as I hold this, the frame is a ...".
 *
 * The caller holds the owner's lock and a general reference on the frame.  Taking the first reference of a table or
 * descriptor type converts the frame, in this order: the old use is shut out (busy); every processor that could hold a
 * translation of the old use has flushed; the contents are validated; the new type is published (XSA-217, 241, 401).
 * A conversion belongs to one operation.  Who needs the same type meanwhile waits: levels only descend, so waiting
 * cannot close a circle.  Who needs another type is refused.
 */
#pragma once

#include <engine/frame.h>
#include <engine/op.h>
#include <engine/tlb.h>

/* The slow path of typeref_get_writable(): @frame was something else, or is at its limit. */
int __must_check typeref_convert_writable(struct op *op, struct slot slot, struct frame *frame);

/*
 * Take a writable use of @frame.  Never waits, never drops a lock.
 * 0: the caller owns one writable use.  -XEN_EBUSY: it is in use as something else; nothing is held.
 */
static inline int __must_check typeref_get_writable(struct op *op, struct slot slot, struct frame *frame)
{
    if (!type_stays_writable(frame->type))
        return typeref_convert_writable(op, slot, frame);
    type_writable_add(&frame->type);
    return 0;
}

/* Why @frame, which is in use, cannot get one more use as @want. */
enum refusal_reason typeref_conflict(const struct frame *frame, enum frame_type want);

/* Would typeref_get_writable() succeed? */
static inline bool typeref_is_writable(const struct frame *frame)
{
    return type_is_idle(frame->type) ||
           (type_of(frame->type) == TYPE_WRITABLE && type_count(frame->type) != TYPE_COUNT_MAX);
}

/* Drop a writable use.  The entry that justified it has been replaced already.  Cannot fail. */
FORCE_INLINE void typeref_put_writable(struct machine *machine, struct frame *frame)
{
    if (type_writable_put(&frame->type))
        frame->epoch = tlb_stamp(machine);
}

/*
 * Take a reference on @frame as @want, a table or descriptor type.
 * 0: the caller owns one reference of that type, the frame is validated, and no vCPU can write it, not even through a
 * stale translation.  -XEN_EINVAL: it is in use as something else, or its contents are refused (then also other
 * errors, of the first entry that is); nothing is held.  Locks may be dropped and retaken.
 */
int __must_check typeref_get(struct op *op, struct slot slot, struct frame *frame, enum frame_type want);

/* typeref_get() of a @frame that is a @want already; false: it is not.  One L3 alone may lead to an L2_TOP. */
static inline bool __must_check typeref_get_live(struct frame *frame, enum frame_type want)
{
    return type_is_live(frame->type, want) && want != TYPE_L2_TOP && type_live_get(&frame->type);
}

/* typeref_put() of the last reference. */
void typeref_demote(struct op *op, struct frame *frame);

/*
 * Drop a reference of a table or descriptor type; with the last one the frame is demoted, which may drop and retake
 * locks.  The caller's general reference keeps the frame until it drops that too.  Cannot fail.
 */
static inline void typeref_put(struct op *op, struct frame *frame)
{
    if (type_count(frame->type) > 1)
        type_live_put(&frame->type);
    else
        typeref_demote(op, frame);
}

/* Refuse with @error, because frame_get() of @frame for @domain failed; either may be NULL. */
int __must_check typeref_refuse_frame(const struct op *op, enum xen_errno error, struct slot slot,
                                      const struct frame *frame, const struct domain *domain, uint64_t value);

/* typeref_get(); where it fails the caller's general reference goes. */
int __must_check typeref_get_or_put(struct op *op, struct slot slot, struct frame *frame, enum frame_type want);

/*
 * The two references that come together.  Hold: a general reference on @frame, which must be @domain's (NULL for
 * either: it is not), then a type reference; @value is for the refusal.  -XEN_EINVAL, and the errors of
 * typeref_get(); then nothing is held.  Drop: both, which may drop and retake locks; cannot fail.
 */
static inline int __must_check typeref_hold(struct op *op, struct slot slot, struct frame *frame,
                                            const struct domain *domain, enum frame_type want, uint64_t value)
{
    if (!frame || !domain || !frame_get(frame, domain))
        return typeref_refuse_frame(op, XEN_EINVAL, slot, frame, domain, value);
    return typeref_get_live(frame, want) ? 0 : typeref_get_or_put(op, slot, frame, want);
}

static inline void typeref_drop(struct op *op, struct frame *frame)
{
    typeref_put(op, frame);
    frame_put(op->machine, frame);
}

/*
 * The same for a writable use, which never waits nor drops a lock.  -XEN_EINVAL: not @domain's.  -@error: in use as
 * something else.
 */
int __must_check typeref_hold_writable(struct op *op, enum xen_errno error, struct frame *frame,
                                       const struct domain *domain, uint64_t value);
void typeref_drop_writable(struct machine *machine, struct frame *frame);
