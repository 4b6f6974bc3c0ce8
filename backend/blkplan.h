/* SPDX-License-Identifier: MIT */
/*
 * What a request of a front end's asks for, once it has been found to be within its rights: within the disk, within
 * pages, and not more than is offered.  All of what XSA-142 and XSA-513 were about is here.
 */
#pragma once

#include <backend/blkring.h>
#include <backend/disk.h>

#define BLKPLAN_SEGMENTS 64u /* of an indirect request, as offered by feature-max-indirect-segments */

/* What the front end may do with the disk. */
struct blkplan_rights {
    const struct disk *disk;
    bool read_only, discard;
};

struct blkplan {
    enum disk_operation operation;
    bool flush_after; /* a write that is to last when it is answered */
    bool indirect;    /* the segments are in a page of the front end's, see blkring_request.indirect_grefs[0] */
    uint64_t sector;
    uint64_t nr_sectors;  /* DISK_DISCARD */
    unsigned nr_segments; /* BLKPLAN_SEGMENTS at most */
};

/* BLKIF_RSP_OKAY: *@plan is right but for its segments.  Else how to answer the request. */
int16_t __must_check blkplan_make(const struct blkplan_rights *rights, const struct blkring_request *request,
                                  struct blkplan *plan);

/* BLKIF_RSP_OKAY: the plan's segments, which are private copies, lie in their pages and in the disk. */
int16_t __must_check blkplan_check_segments(const struct blkplan_rights *rights, const struct blkplan *plan,
                                            const struct blkif_request_segment *segments);
