/* SPDX-License-Identifier: MIT */
/* Pinning and unpinning. */
#include <abi/errno.h>
#include <engine/pin.h>
#include <engine/typeref.h>

int pin_table(struct op *op, mfn_t mfn, enum frame_type type)
{
    struct frame *frame = frame_find(op->machine, mfn);
    int error = typeref_hold(op, NOWHERE, frame, op->pg_owner, type, mfn.v);

    if (error)
        return error;
    if (type_is_pinned(frame->type)) {
        typeref_drop(op, frame); /* the pin has its own: only this call's go, and are not told as uses of the frame */
        return refuse(op, XEN_EINVAL, REFUSE_ALREADY_PINNED, NOWHERE, frame, mfn.v);
    }
    type_pin_set(&frame->type); /* both references are the pin's from here on */
    return 0;
}

void unpin_frame(struct op *op, struct frame *frame)
{
    type_pin_clear(&frame->type);
    typeref_drop(op, frame);
}

int unpin_table(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);

    if (!frame || !op->pg_owner || frame_owner(frame) != op->pg_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, mfn.v);
    if (!type_is_pinned(frame->type))
        return refuse(op, XEN_EINVAL, REFUSE_NOT_PINNED, NOWHERE, frame, mfn.v);
    unpin_frame(op, frame);
    return 0;
}
