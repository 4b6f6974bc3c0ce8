/* SPDX-License-Identifier: MIT */
/* The table of a domain's grants: its frames, its versions, where an entry and its record lie. */
#pragma once

#include <abi/grant.h>
#include <engine/frame.h>
#include <engine/op.h>

/* Version 2 of an entry, for frame numbers of 64 bits; xen/include/public/grant_table.h. */
struct grant_entry_v2 {
    uint16_t flags; /* with GTF_sub_page, bytes page_off to page_off + length of the page */
    uint16_t domid;
    uint16_t page_off;
    uint16_t length;
    uint64_t frame;
};
_Static_assert(sizeof(struct grant_entry_v2) == 16, "grant_entry_v2");
#define GTF_sub_page (1u << 8)

/* What tells the granter of an entry that it is in use. */
#define GTF_USE ((uint16_t)(GTF_reading | GTF_writing))

/* An entry and what belongs to it.  Valid until the domain's lock is dropped. */
struct grant_place {
    struct grant_entry_v1 *v1; /* one of the two */
    struct grant_entry_v2 *v2;
    uint16_t *status; /* of version 2 */
    struct grant_use *use;
};

/* No table, no mappings. */
void grant_table_init(struct domain *domain);

/* Find entry @ref of @domain, whose lock is held.  False: the table does not reach so far. */
bool __must_check grant_place_find(const struct domain *domain, grant_ref_t ref, struct grant_place *place);

/* The record of the first entry in use that is @ref or higher, and which one it is; NULL: there is none. */
const struct grant_use *grant_table_next_use(const struct domain *domain, grant_ref_t *ref);

/*
 * Make the caller's table at least @nr_frames long, GRANT_FRAMES_MAX at most.  No lock is held.
 * -XEN_EINVAL: longer than that, or there is no table.  -XEN_ENOMEM: it may have become a part longer.  -XEN_ESRCH:
 * dying.
 */
int __must_check grant_table_grow(struct op *op, struct domain *domain, uint32_t nr_frames);

/*
 * Change to entries of @version, 1 or 2.  The reserved entries are converted: from 1 to 2 all of them, back again those
 * that are grants of frames which version 1 can name; what it cannot say becomes invalid, like all other entries.
 * -XEN_EBUSY (an entry is in use, or the guest has a status frame mapped), -XEN_ENOMEM, -XEN_EINVAL (there is no
 * table), -XEN_ESRCH: nothing has changed.  No lock is held.
 */
int __must_check grant_table_set_version(struct op *op, struct domain *domain, unsigned version);

/* Exchange two entries of the caller's table.  A status of abi/grant.h. */
int16_t grant_table_swap(struct op *op, grant_ref_t a, grant_ref_t b);

/* The end of @domain's table, within its teardown: no entry of it is looked up any more. */
void grant_table_destroy(struct domain *domain);

/* Refuse with @status, which is the guest's answer, as refuse() does with an error. */
static inline int16_t grant_refuse(const struct op *op, int16_t status, enum refusal_reason reason, uint64_t value)
{
    (void)!refuse_value(op, XEN_EINVAL, reason, value);
    return status;
}
