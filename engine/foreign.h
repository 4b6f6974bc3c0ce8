/* SPDX-License-Identifier: MIT */
/* The "foreigndom" argument: whose frames, and whether the caller may. */
#pragma once

#include <engine/op.h>

/*
 * Resolve @id for the calling vCPU of @op.  0: *@domain is it, or NULL for DOMID_IO and DOMID_XEN, which own no frame
 * that a guest could name.  -XEN_ESRCH: there is none, or the caller named itself by number.
 */
int __must_check foreign_find(const struct op *op, uint16_t id, struct domain **domain);

/* May the calling vCPU work on what @id was resolved to?  For DOMID_IO that is decided frame by frame. */
bool foreign_allowed(const struct op *op, uint16_t id, const struct domain *domain);
