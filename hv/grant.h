/* SPDX-License-Identifier: MIT */
/* The grant table of a domain without back ends: frames that the guest maps and fills, which nobody else reads. */
#pragma once

#include <stdint.h>

#include <engine/types.h>

struct hv_domain;

#define GRANT_FRAMES_MAX 32u
#define GRANT_STATUS_MAX 4u /* of version 2: the status of 2048 entries each, where a frame has 256 entries */

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
int __attribute__((warn_unused_result)) grant_create(struct hv_domain *domain, mfn_t console, mfn_t store);

/* Forget the table.  Its frames are the domain's own, and go with it. */
void grant_destroy(struct hv_domain *domain);

/* Make the table at least @nr_frames long (GRANT_FRAMES_MAX at most).  -XEN_ENOMEM: it has become a part longer. */
int __attribute__((warn_unused_result)) grant_grow(struct hv_domain *domain, unsigned nr_frames);

/*
 * Change to entries of @version, 1 or 2.  The reserved entries are kept as far as they are grants of frames that the
 * other version can name; all others become invalid.  -XEN_ENOMEM: nothing has changed.
 */
int __attribute__((warn_unused_result)) grant_set_version(struct hv_domain *domain, unsigned version);
