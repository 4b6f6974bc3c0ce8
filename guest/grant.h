/* SPDX-License-Identifier: MIT */
/*
 * Grants, version 1: lending pages to other domains, and using theirs.
 *
 * A page that another domain may use is as it says what is in it: nothing else may be there, and nothing that it holds
 * may be read twice.
 */
#pragma once

#include <abi/grant.h>
#include <guest/types.h>

/*
 * ---- Lending.
 */

/* Map the grant table.  0, or why there is none: -XEN_ENOSYS, -XEN_ENOMEM. */
int __must_check grant_init(void);

/*
 * Let @domain use the page, with GTF_readonly in @flags only to read it.  0, and *@ref says how the other one names it;
 * -XEN_ENOSPC: all references are in use.
 */
int __must_check grant_access(unsigned domain, const void *page, unsigned flags, grant_ref_t *ref);

/*
 * Take it back, in one step.  0: nobody uses the page, and nobody will; the reference is free.  -XEN_EBUSY: the other
 * one still has it, and so it stays lent.
 */
int __must_check grant_end(grant_ref_t ref);

/*
 * ---- Using others' pages.
 */

/*
 * The calls on arrays, of any length; for an empty one there is none.  Each element's status says how that element
 * fared, also where the call itself failed: such an element has GNTST_general_error.
 */
void grant_map(struct gnttab_map_grant_ref *ops, unsigned count);
void grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned count);
void grant_copy(struct gnttab_copy *ops, unsigned count);

#define GRANT_PAGES_MAX 64u

/* Pages of another domain that are mapped in a row. */
struct grant_pages {
    void *start; /* NULL: none */
    unsigned count;
    grant_handle_t handles[GRANT_PAGES_MAX];
};

/*
 * Map @count pages of @domain, GRANT_PAGES_MAX at most, to be written.  0, or an error and *@pages is empty:
 * -XEN_EINVAL they are not lent so, -XEN_ENOMEM no room, -XEN_EAGAIN not now.
 */
int __must_check grant_map_pages(struct grant_pages *pages, unsigned domain, const grant_ref_t *refs, unsigned count);

/* Undo that; nothing for one that is empty. */
void grant_unmap_pages(struct grant_pages *pages);
