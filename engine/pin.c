/* SPDX-License-Identifier: MIT */
/* Pinning and unpinning. */
#include <abi/errno.h>
#include <engine/pin.h>
#include <engine/typeref.h>

static struct frame *frame_acquire(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);

    return frame && op->pg_owner && frame_get(frame, op->pg_owner) ? frame : NULL;
}

int pin_table(struct op *op, mfn_t mfn, enum frame_type type)
{
    struct frame *frame = frame_acquire(op, mfn);
    int error;

    if (!frame)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame_find(op->machine, mfn), mfn.v);
    error = typeref_get(op, NOWHERE, frame, type);
    if (!error && type_is_pinned(frame->type)) {
        error = refuse(op, XEN_EINVAL, REFUSE_ALREADY_PINNED, NOWHERE, frame, mfn.v);
        typeref_put(op, frame);
    }
    if (error) {
        frame_put(op->machine, frame);
        return error;
    }
    type_pin_set(&frame->type); /* both references are the pin's from here on */
    return 0;
}

int unpin_table(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_acquire(op, mfn);

    if (!frame)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame_find(op->machine, mfn), mfn.v);
    if (!type_is_pinned(frame->type)) {
        int error = refuse(op, XEN_EINVAL, REFUSE_NOT_PINNED, NOWHERE, frame, mfn.v);

        frame_put(op->machine, frame);
        return error;
    }
    type_pin_clear(&frame->type);
    typeref_put(op, frame);
    frame_put(op->machine, frame); /* the pin's */
    frame_put(op->machine, frame); /* ours */
    return 0;
}
