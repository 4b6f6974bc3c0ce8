/* SPDX-License-Identifier: MIT */
/*
 * The back end's side of a block ring, in the layout of either width.
 *
 * What the front end writes is read here and nowhere else: its index is checked, a slot is copied once, and the
 * indices of this side are kept apart from those that it can write.
 */
#pragma once

#include <abi/blkif.h>
#include <guest/types.h>

enum blkring_layout { BLKRING_64, BLKRING_32 };

struct blkring {
    struct sring_head *shared; /* mapped, with the slots behind it */
    enum blkring_layout layout;
    uint32_t nr_slots;
    uint32_t req_cons;   /* requests taken */
    uint32_t rsp_prod;   /* responses put */
    uint32_t rsp_pushed; /* those of them that the front end has been shown */
};

/* A request as both layouts have it.  Which members mean something depends on the operation. */
struct blkring_request {
    uint8_t operation;
    uint8_t nr_segments;  /* as written, maybe more than there can be */
    uint8_t indirect_op;  /* BLKIF_OP_INDIRECT */
    uint8_t discard_flag; /* BLKIF_OP_DISCARD */
    uint16_t nr_indirect; /* BLKIF_OP_INDIRECT: as written */
    uint64_t id;
    uint64_t sector;
    uint64_t nr_sectors; /* BLKIF_OP_DISCARD */
    struct blkif_request_segment segments[BLKIF_MAX_SEGMENTS_PER_REQUEST];
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};

/*
 * A ring in @nr_pages pages, a power of two, that are mapped from @pages on: fresh, or as an earlier life of this
 * domain has left it, with the requests that it has not answered still to be taken.  -XEN_EIO: that one ended while it
 * put answers over requests, so that nobody knows which are left.
 */
int __must_check blkring_init(struct blkring *ring, void *pages, unsigned nr_pages, enum blkring_layout layout);

/*
 * 1: *@request is the next one.  0: there is none.  -XEN_EINVAL: the front end's index cannot be; the ring is done for.
 */
int __must_check blkring_take(struct blkring *ring, struct blkring_request *request);

/* Ask for an event with the next request.  True: there is one already, which nobody will tell of. */
bool blkring_ask(struct blkring *ring);

/* Put a response to a request that was taken, one for each. */
void blkring_respond(struct blkring *ring, uint64_t id, uint8_t operation, int16_t status);

/* Show the front end the responses.  True: it wants an event. */
bool blkring_push(struct blkring *ring);
