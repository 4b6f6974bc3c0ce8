/* SPDX-License-Identifier: MIT */
/*
 * Uses of a granted page.  While there is one, the entry, or in version 2 its status, says so to the granter, who keeps
 * the page until nobody uses it any more: a use ends after the last translation that it allowed has been flushed.
 */
#pragma once

#include <engine/grant_table.h>

/*
 * Hold @mfn, a frame of @owner's, whose lock is held: a general reference, and with @write a writable use.  Drop that.
 * GNTST_okay; GNTST_bad_page: not the owner's; GNTST_general_error: in use as a table.  Then nothing is held.
 */
int16_t __must_check grant_hold_frame(struct op *op, const struct domain *owner, mfn_t mfn, bool write);
void grant_drop_frame(struct machine *machine, mfn_t mfn, bool write);

/* What @ref grants. */
struct granted {
    mfn_t frame;
    uint32_t first, end; /* these of the page's bytes */
};

/*
 * Begin to use @ref of @granter for the domain @user, to read or (@write) to write it as well.  The lock of @granter is
 * held, and is not dropped.
 * GNTST_okay: a general reference on the frame, and with @write a writable use of it, are the caller's until
 * grant_use_end().  Otherwise nothing is held: GNTST_bad_gntref beyond the table; GNTST_general_error not granted, or
 * not so, or to be written while it is a table; GNTST_bad_page the frame is not the granter's.
 * What the entry says is read once (XSA-500); of an entry in use the frame of the first use counts.
 */
int16_t __must_check grant_use_begin(struct op *op, struct domain *granter, grant_ref_t ref, domid_t user, bool write,
                                     struct granted *granted);

/*
 * End such a use of @frame.  The lock of @granter is held.  Drops the references, then tells the granter, whose table
 * may have gone meanwhile.
 */
void grant_use_end(struct domain *granter, grant_ref_t ref, mfn_t frame, bool write);
