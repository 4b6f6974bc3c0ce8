/* SPDX-License-Identifier: MIT */
/*
 * Pins: a type and a general reference that the guest holds on a table of its own, by name.  The frame is one of
 * op->pg_owner's, which is also op->pt_owner.
 */
#pragma once

#include <engine/frame.h>
#include <engine/op.h>

/* MMUEXT_PIN_*: 0, -XEN_EINVAL, or the error of the entry that validation refused. */
int __must_check pin_table(struct op *op, mfn_t mfn, enum frame_type type);

/* MMUEXT_UNPIN_TABLE: 0, or -XEN_EINVAL.  The only way to release a pin but for the domain's end (XSA-252). */
int __must_check unpin_table(struct op *op, mfn_t mfn);

/* The same for a frame that is known to be pinned.  The pin's own references last as long as they are needed. */
void unpin_frame(struct op *op, struct frame *frame);
