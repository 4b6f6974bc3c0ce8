/* SPDX-License-Identifier: MIT */
/*
 * Mapping what another domain, or the caller itself, has granted: GNTTABOP_map_grant_ref, unmap_grant_ref and
 * unmap_and_replace of abi/grant.h.
 *
 * A mapping for the guest is an entry of one of its L1 tables, written like any other by engine/update.h, but with the
 * granter's frames allowed.  The entry holds its references as every entry does, so whatever the guest does to it
 * afterwards (replace it, drop its table, end) loses none.  It cannot make the entry anew, nor change its rights:
 * ordinary updates take no frames of others.
 *
 * The mapping has references of its own as well, until its parts are unmapped.  So a guest that has overwritten the
 * entry cannot unmap the handle, and the page stays in use until the guest ends: the granter is never told that nobody
 * uses its page while somebody may.
 */
#pragma once

#include <abi/grant.h>
#include <engine/op.h>

/* So many are worth taking the locks once. */
#define GRANT_MAPPINGS_MAX 16u

/*
 * Carry out up to GRANT_MAPPINGS_MAX of them, each by itself, for the calling vCPU of @op: fill in results and status,
 * and count them in @op's done.  No lock is held.
 * GNTST_okay; GNTST_bad_domain: none, dying, or DOMID_SELF; GNTST_bad_gntref: beyond the table, or it is for neither
 * guest nor devices; GNTST_no_space: no handle; GNTST_bad_page: the frame is not the granter's; GNTST_general_error:
 * not granted, or not so, in use as a table, or host_addr leads to no entry of the caller's.
 */
void grant_map(struct op *op, struct gnttab_map_grant_ref *maps, unsigned count);

/* An unmap_grant_ref, or an unmap_and_replace. */
struct grant_unmapping {
    uint64_t host_addr, dev_bus_addr, new_addr; /* 0: not that */
    grant_handle_t handle;
    int16_t status; /* out: => enum grant_status */
};

/* So many are worth one flush. */
#define GRANT_UNMAPPINGS_MAX 16u

/*
 * Carry out up to GRANT_UNMAPPINGS_MAX of them, each by itself, for the calling vCPU of @op.  On return, no processor
 * reaches the pages any more by what was unmapped.  No lock is held.
 * GNTST_okay; GNTST_bad_handle; GNTST_bad_dev_addr: not that of the mapping; GNTST_general_error: host_addr does not
 * lead to the entry that the mapping made, or new_addr to no other entry.  Then that one has changed nothing.
 */
void grant_unmap(struct op *op, struct grant_unmapping *elements, unsigned count);

/* Drop all mappings of @op's domain, within its teardown, when it has no tables any more.  A preemption point. */
void grant_unmap_all(struct op *op, struct domain *domain);
