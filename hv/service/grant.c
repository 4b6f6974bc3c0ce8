/* SPDX-License-Identifier: MIT */
/*
 * The frames of a grant table: taken for the domain, then shared with it.  They do not count for its reservation.
 */
#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/layout.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/base/string.h>
#include <hv/domain/domain.h>
#include <hv/domain/share.h>
#include <hv/service/grant.h>
#include <hv/service/services.h>

#define BACKEND 0u /* the domain at the other end of the rings */

#define STATUS_PER_FRAME (PAGE_SIZE / sizeof(uint16_t))
#define V2_PER_FRAME     (PAGE_SIZE / sizeof(struct grant_entry_v2))
_Static_assert(GRANT_FRAMES_MAX *V2_PER_FRAME <= GRANT_STATUS_MAX * STATUS_PER_FRAME, "a status for each entry");

static int take_frames(struct hv_domain *domain, mfn_t *frames, unsigned *count, unsigned wanted)
{
    while (*count < wanted) {
        if (share_new(domain, &frames[*count]))
            return -XEN_ENOMEM;
        (*count)++;
    }
    return 0;
}

static unsigned status_frames_for(unsigned nr_frames)
{
    return (unsigned)((nr_frames * V2_PER_FRAME + STATUS_PER_FRAME - 1) / STATUS_PER_FRAME);
}

int grant_grow(struct hv_domain *domain, unsigned nr_frames)
{
    struct domain_grants *grants = &domain->services->grants;

    CHECK(nr_frames <= GRANT_FRAMES_MAX);
    if (grants->version == 2 &&
        take_frames(domain, grants->status_frames, &grants->nr_status_frames, status_frames_for(nr_frames)))
        return -XEN_ENOMEM;
    return take_frames(domain, grants->frames, &grants->nr_frames, nr_frames);
}

static void seed(struct hv_domain *domain, grant_ref_t ref, mfn_t mfn)
{
    struct grant_entry_v1 *table = port_frame_map(domain->services->grants.frames[0]);

    /* A number that does not fit cannot be granted by version 1. */
    if (!mfn_is_none(mfn) && mfn.v <= UINT32_MAX)
        table[ref] = (struct grant_entry_v1){GTF_permit_access, BACKEND, (uint32_t)mfn.v};
}

int grant_create(struct hv_domain *domain, mfn_t console, mfn_t store)
{
    domain->services->grants = (struct domain_grants){.version = 1};
    if (grant_grow(domain, 1))
        return -XEN_ENOMEM;
    seed(domain, GNTTAB_RESERVED_CONSOLE, console);
    seed(domain, GNTTAB_RESERVED_XENSTORE, store);
    return 0;
}

void grant_destroy(struct hv_domain *domain)
{
    domain->services->grants = (struct domain_grants){.version = 1};
}

/* Convert the reserved entries, from a copy, since the guest may write to the table meanwhile. */
static void convert_reserved(void *table, unsigned from)
{
    struct grant_entry_v1 v1[GNTTAB_NR_RESERVED_ENTRIES];
    struct grant_entry_v2 v2[GNTTAB_NR_RESERVED_ENTRIES];

    memcpy(v1, table, sizeof(v1));
    memcpy(v2, table, sizeof(v2));
    for (unsigned i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (from == 1)
            v2[i] = (struct grant_entry_v2){v1[i].flags, v1[i].domid, 0, 0, v1[i].frame};
        else if (v2[i].frame <= UINT32_MAX && (v2[i].flags & GTF_type_mask) == GTF_permit_access)
            v1[i] = (struct grant_entry_v1){v2[i].flags, v2[i].domid, (uint32_t)v2[i].frame};
        else
            v1[i] = (struct grant_entry_v1){GTF_invalid, 0, 0};
    }
    memset(table, 0, PAGE_SIZE);
    memcpy(table, from == 1 ? (const void *)v2 : v1, from == 1 ? sizeof(v2) : sizeof(v1));
}

int grant_set_version(struct hv_domain *domain, unsigned version)
{
    struct domain_grants *grants = &domain->services->grants;

    if (version == grants->version)
        return 0;
    for (unsigned i = 0; i < grants->nr_status_frames; i++) {
        if (domain_shared_is_mapped(&domain->engine, grants->status_frames[i]))
            return -XEN_EBUSY;
    }
    if (version == 2 &&
        take_frames(domain, grants->status_frames, &grants->nr_status_frames, status_frames_for(grants->nr_frames)))
        return -XEN_ENOMEM;
    for (unsigned i = 0; i < grants->nr_frames; i++) {
        if (i == 0)
            convert_reserved(port_frame_map(grants->frames[0]), grants->version);
        else
            port_frame_clear(grants->frames[i]);
    }
    for (unsigned i = 0; i < grants->nr_status_frames; i++)
        port_frame_clear(grants->status_frames[i]);
    grants->version = version;
    return 0;
}
