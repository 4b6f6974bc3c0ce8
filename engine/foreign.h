/* SPDX-License-Identifier: MIT */
/* The "foreigndom" argument: whose frames, and whether the caller may. */
#pragma once

#include <abi/mmu.h>
#include <engine/op.h>

/* What is not the caller's own, for the two below. */
int __must_check foreign_find_other(const struct op *op, uint16_t id, struct domain **domain);
bool foreign_allowed_other(const struct op *op, uint16_t id);

/*
 * Resolve @id for the calling vCPU of @op.  0: *@domain is it, or NULL for DOMID_IO and DOMID_XEN, which own no frame
 * that a guest could name.  -XEN_ESRCH: there is none, or the caller named itself by number.
 */
FORCE_INLINE int __must_check foreign_find(const struct op *op, uint16_t id, struct domain **domain)
{
    if (id != DOMID_SELF)
        return foreign_find_other(op, id, domain);
    *domain = op->vcpu->domain;
    return 0;
}

/* May the calling vCPU work on what @id was resolved to?  For DOMID_IO that is decided frame by frame. */
FORCE_INLINE bool foreign_allowed(const struct op *op, uint16_t id, const struct domain *domain)
{
    return domain == op->vcpu->domain || foreign_allowed_other(op, id);
}
