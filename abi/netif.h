/* SPDX-License-Identifier: MIT */
/*
 * Networks: the rings between a network front end and its back end.
 */
#ifndef ABI_NETIF_H
#define ABI_NETIF_H

#include "grant.h"
#include "ring.h"
#include "types.h"

/*
 * `incontents 710 netif Networks: the rings for sending and receiving
 * `
 * ` Two pages that the front end lends to the back end, a struct netif_tx_ring to send by and a struct netif_rx_ring to
 * ` receive by; both are the same for 32-bit and 64-bit front ends, begin with the head, [ring], and have
 * ` NETIF_RING_SLOTS slots, enum netif_limits.
 * `
 * ` To send, the front end puts a request with the first part of a frame, as many struct netif_extra_info as its flags
 * ` say, and requests with the other parts.  The size of the first request is that of the whole frame, the size of each
 * ` other one that of its part. {send}
 * ` Each slot is answered; those of extras by NETIF_RSP_NULL. {answers}
 * ` A frame may have 18 parts. {parts}
 * `
 * ` To receive, the front end puts requests with empty pages.  Each is answered in its own slot, with a part of a frame
 * ` and how large that is, or with an extra behind the first part. {receive}
 * `
 * ` Where the back end has `multi-queue-max-queues`, there may be as many such pairs of pages: the front end's
 * ` `multi-queue-num-queues` says how many, and those keys that are of one pair are in `queue-0`, `queue-1` and so on;
 * ` of a single one they are where the others are. {queues}
 * ` Where the back end has `feature-multicast-control`, a front end that connects with `request-multicast-control` = 1
 * ` receives of packets to a group's address those alone whose group it has named, by an extra of the type
 * ` XEN_NETIF_EXTRA_TYPE_MCAST_ADD; such a frame sends nothing. {groups}
 */
/* ` enum netif_limits { */
#define NETIF_RING_SLOTS 256
/* ` } */

struct netif_tx_request {
    grant_ref_t gref;
    uint16_t offset; /* in the page */
    uint16_t flags;  /* => enum nettx_flags */
    uint16_t id;     /* chosen by the front end, repeated in the response */
    uint16_t size;
};

/* ` enum nettx_flags { */
#define NETTXF_csum_blank     (1U << 0) /* the checksum of TCP or UDP is that of the pseudo-header only */
#define NETTXF_data_validated (1U << 1) /* that checksum needs no check */
#define NETTXF_more_data      (1U << 2) /* the frame has another part */
#define NETTXF_extra_info     (1U << 3) /* extras follow; of a frame's first request only */
/* ` } */

struct netif_tx_response {
    uint16_t id;
    int16_t status; /* => enum netif_rsp */
};

/* ` enum netif_rsp { */
#define NETIF_RSP_DROPPED (-2)
#define NETIF_RSP_ERROR   (-1)
#define NETIF_RSP_OKAY    0
#define NETIF_RSP_NULL    1
/* ` } */

struct netif_rx_request {
    uint16_t id;
    uint16_t pad;
    grant_ref_t gref;
};

struct netif_rx_response {
    uint16_t id;
    uint16_t offset; /* of the data in the page */
    uint16_t flags;  /* => enum netrx_flags */
    int16_t status;  /* number of bytes, or => enum netif_rsp if negative */
};

/* ` enum netrx_flags { */
#define NETRXF_data_validated (1U << 0)
#define NETRXF_csum_blank     (1U << 1)
#define NETRXF_more_data      (1U << 2)
#define NETRXF_extra_info     (1U << 3)
/* ` } */

struct netif_extra_info {
    uint8_t type;  /* => enum netif_extra_type */
    uint8_t flags; /* => enum netif_extra_flags */
    union {
        struct {
            uint16_t size; /* of the data of each segment that the frame is to be cut into */
            uint8_t type;  /* => enum netif_gso_type */
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6];
        } mcast;
    } u;
};

/* ` enum netif_extra_type { */
#define XEN_NETIF_EXTRA_TYPE_GSO       1
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD 2
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL 3
#define XEN_NETIF_EXTRA_TYPE_HASH      4
/* ` } */

/* ` enum netif_extra_flags { */
#define XEN_NETIF_EXTRA_FLAG_MORE (1U << 0) /* another one follows */
/* ` } */

/* ` enum netif_gso_type { */
#define XEN_NETIF_GSO_TYPE_NONE  0
#define XEN_NETIF_GSO_TYPE_TCPV4 1
#define XEN_NETIF_GSO_TYPE_TCPV6 2
/* ` } */

union netif_tx_slot {
    struct netif_tx_request request;
    struct netif_tx_response response;
    struct netif_extra_info extra;
};

struct netif_tx_ring {
    struct sring_head head;
    union netif_tx_slot slots[NETIF_RING_SLOTS];
};

union netif_rx_slot {
    struct netif_rx_request request;
    struct netif_rx_response response;
    struct netif_extra_info extra;
};

struct netif_rx_ring {
    struct sring_head head;
    union netif_rx_slot slots[NETIF_RING_SLOTS];
};

#endif /* ABI_NETIF_H */
