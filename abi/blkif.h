/* SPDX-License-Identifier: MIT */
/*
 * Disks: the ring between a block front end and its back end.
 */
#ifndef ABI_BLKIF_H
#define ABI_BLKIF_H

#include "grant.h"
#include "ring.h"
#include "types.h"

/*
 * `incontents 700 blkif Disks: the block ring
 * `
 * ` One or more pages that the front end lends to the back end: the head, [ring], and behind it as many slots as fit,
 * ` rounded down to a power of two, each of the size of a struct blkif_request. {slots}
 * ` The front end puts requests into slots, in order, and the back end responses, struct blkif_response, in any order;
 * ` each takes the place of a request that has been read. {responses}
 * ` To an indirect request it tells the operation that was indirect. {indirect}
 * `
 * ` Which layout the slots have says the front end's key `protocol`, one of enum blkif_protocol:
 * ` XEN_IO_PROTO_ABI_X86_64, or for the compat_ structures XEN_IO_PROTO_ABI_X86_32. {layouts}
 * ` Sectors have 512 bytes, and segments lie within a page of 4096; enum blkif_limits says how many of them a request
 * ` has. {segments}
 * `
 * ` Where the back end has `multi-queue-max-queues`, there may be as many rings for one disk, all of the same layout and
 * ` size: the front end's `multi-queue-num-queues` says how many, and `ring-ref`, `ring-ref0` and so on and
 * ` `event-channel` of each are in `queue-0`, `queue-1` and so on; of a single one they are where the others are.
 * ` {queues}
 */
/* ` enum blkif_protocol { */
#define XEN_IO_PROTO_ABI_X86_64 "x86_64-abi"
#define XEN_IO_PROTO_ABI_X86_32 "x86_32-abi"
/* ` } */

/* ` enum blkif_limits { */
#define BLKIF_MAX_SEGMENTS_PER_REQUEST       11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8
/* ` } */

/* ` enum blkif_op { // BLKIF_OP_* => struct blkif_request */
#define BLKIF_OP_READ            0
#define BLKIF_OP_WRITE           1
#define BLKIF_OP_WRITE_BARRIER   2 /* in order with the requests before and behind it; where feature-barrier is 1 */
#define BLKIF_OP_FLUSH_DISKCACHE 3 /* what was written before is to last; where feature-flush-cache is 1 */
#define BLKIF_OP_DISCARD         5 /* => struct blkif_request_discard; where feature-discard is 1 */
#define BLKIF_OP_INDIRECT        6 /* => struct blkif_request_indirect; where feature-max-indirect-segments is there */
/* ` } */

/* ` enum blkif_rsp { */
#define BLKIF_RSP_EOPNOTSUPP (-2)
#define BLKIF_RSP_ERROR      (-1)
#define BLKIF_RSP_OKAY       0
/* ` } */

/* Sectors of a page that is lent; also what the pages of an indirect request consist of. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect; /* 0 to 7 */
    uint8_t last_sect;  /* the last one that is meant */
    uint16_t _gap0;
};

struct blkif_request {
    uint8_t operation; /* => enum blkif_op */
    uint8_t nr_segments;
    uint16_t handle;
    uint32_t _gap0;
    uint64_t id; /* chosen by the front end, repeated in the response */
    uint64_t sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};

struct compat_blkif_request {
    uint8_t operation; /* => enum blkif_op */
    uint8_t nr_segments;
    uint16_t handle;
    compat_u64 id;
    compat_u64 sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};

struct blkif_request_discard {
    uint8_t operation; /* BLKIF_OP_DISCARD, => enum blkif_op */
    uint8_t flag;      /* => enum blkif_discard_flags */
    uint16_t handle;
    uint32_t _gap0;
    uint64_t id;
    uint64_t sector_number;
    uint64_t nr_sectors;
};

struct compat_blkif_request_discard {
    uint8_t operation; /* BLKIF_OP_DISCARD, => enum blkif_op */
    uint8_t flag;      /* => enum blkif_discard_flags */
    uint16_t handle;
    compat_u64 id;
    compat_u64 sector_number;
    compat_u64 nr_sectors;
};

/* ` enum blkif_discard_flags { */
#define BLKIF_DISCARD_SECURE (1 << 0) /* so that nobody can read it ever after */
/* ` } */

struct blkif_request_indirect {
    uint8_t operation;    /* BLKIF_OP_INDIRECT, => enum blkif_op */
    uint8_t indirect_op;  /* BLKIF_OP_READ or BLKIF_OP_WRITE, => enum blkif_op */
    uint16_t nr_segments; /* in all pages */
    uint32_t _gap0;
    uint64_t id;
    uint64_t sector_number;
    uint16_t handle;
    uint16_t _gap1;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST]; /* pages of struct blkif_request_segment */
    uint32_t _gap2;
};

struct compat_blkif_request_indirect {
    uint8_t operation;    /* BLKIF_OP_INDIRECT, => enum blkif_op */
    uint8_t indirect_op;  /* BLKIF_OP_READ or BLKIF_OP_WRITE, => enum blkif_op */
    uint16_t nr_segments; /* in all pages */
    compat_u64 id;
    compat_u64 sector_number;
    uint16_t handle;
    uint16_t _gap0;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
    compat_u64 pad; /* not used */
};

/* In a slot of the size of a request. */
struct blkif_response {
    uint64_t id;
    uint8_t operation; /* of the request; of an indirect one, its indirect_op; => enum blkif_op */
    uint8_t _gap0;
    int16_t status; /* => enum blkif_rsp */
    uint32_t _gap1;
};

struct compat_blkif_response {
    compat_u64 id;
    uint8_t operation; /* of the request; of an indirect one, its indirect_op; => enum blkif_op */
    uint8_t _gap0;
    int16_t status; /* => enum blkif_rsp */
};

/*
 * ` The back end's key `info` is a sum of enum vdisk.
 */
/* ` enum vdisk { */
#define VDISK_CDROM     1
#define VDISK_REMOVABLE 2
#define VDISK_READONLY  4
/* ` } */

#endif /* ABI_BLKIF_H */
