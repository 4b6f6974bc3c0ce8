/* SPDX-License-Identifier: MIT */
/* The grant table of a domain without back ends: frames that the guest maps and fills, which nobody else reads. */
#pragma once

#include <stdint.h>

#include <abi/grant.h>
#include <engine/types.h>

struct hv_domain;

#define GRANT_FRAMES_MAX 32u
#define GRANT_STATUS_MAX 4u /* of version 2: the status of 2048 entries each, where a frame has 256 entries */

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

struct domain_grants {
    unsigned version; /* 1 or 2 */
    unsigned nr_frames;
    unsigned nr_status_frames;
    mfn_t frames[GRANT_FRAMES_MAX]; /* shared with the guest (domain_share()) once they exist */
    mfn_t status_frames[GRANT_STATUS_MAX];
};

/*
 * Version 1, entries 0 and 1 seeded for the console's and the xenstore's ring; MFN_NONE: there is no such ring.
 * -XEN_ENOMEM.
 */
int __must_check grant_create(struct hv_domain *domain, mfn_t console, mfn_t store);

/* Forget the table.  Its frames are the domain's own, and go with it. */
void grant_destroy(struct hv_domain *domain);

/* Make the table at least @nr_frames long (GRANT_FRAMES_MAX at most).  -XEN_ENOMEM: it has become a part longer. */
int __must_check grant_grow(struct hv_domain *domain, unsigned nr_frames);

/*
 * Change to entries of @version, 1 or 2.  The reserved entries are converted: from 1 to 2 all of them, back again those
 * that are grants of frames which version 1 can name, and what it cannot say becomes invalid, like all other entries.
 * -XEN_ENOMEM, -XEN_EBUSY (the guest has a status frame mapped): nothing has changed.
 */
int __must_check grant_set_version(struct hv_domain *domain, unsigned version);

/*
 * hv/service/grant_copy.c.  Copy bytes between pages of @domain, granted to itself or named by frame; exchange two
 * entries of the table.  The result is a status of abi/grant.h.
 */
int16_t grant_copy(struct hv_domain *domain, const struct gnttab_copy *copy);
int16_t grant_swap(const struct hv_domain *domain, grant_ref_t a, grant_ref_t b);
