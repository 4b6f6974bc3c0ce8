/* SPDX-License-Identifier: MIT */
/* The "foreigndom" argument: whose frames, and whether the caller may. */
#pragma once

#include <engine/op.h>

/*
 * Resolve @id for the calling vCPU of @op.  0: *@domain is it, or NULL for DOMID_IO and, for privileged callers,
 * DOMID_XEN.  -XEN_ESRCH: there is none, or the caller named itself by number.  -XEN_EPERM: DOMID_XEN.
 */
int __must_check foreign_find(const struct op *op, uint16_t id, struct domain **domain);

/* May the calling vCPU work on @domain?  NULL (DOMID_IO) is decided frame by frame. */
static inline bool foreign_allowed(const struct op *op, const struct domain *domain)
{
    return !domain || domain == op->vcpu->domain || op->vcpu->domain->privileged;
}
