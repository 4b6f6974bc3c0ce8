/* SPDX-License-Identifier: MIT */
/* A front end: frames in slots of a ring, as the tests want them. */
#pragma once

#include <abi/netif.h>
#include <backend/netring.h>
#include <tests/backend/lib/lender.h>

#define FRONT_SLOTS_MAX 32u

/* A slot to be written: an extra, or a request for @size bytes at @offset of page @ref. */
struct front_slot {
    bool is_extra;
    struct netif_extra_info extra;
    grant_ref_t ref;
    unsigned offset, size;
    uint16_t id, flags; /* of a request; NETTXF_more_data and NETTXF_extra_info are set as the shape needs them */
};

struct front_tx {
    struct netif_tx_ring page;
    struct netring ring; /* the back end's */
    uint32_t produced, consumed;
    uint32_t announced; /* how far the back end has been told, or need not be */
    grant_ref_t next_ref;
    uint16_t next_id;
};

void front_tx_start(struct front_tx *front, uint32_t index);

/* Publish @count slots as one frame, chained as they stand: the extras behind the first. */
void front_tx_put(struct front_tx *front, const struct front_slot *slots, unsigned count);

/*
 * A frame of @size bytes in parts of random size and place, of which there are @nr_parts, with @flags and, unless
 * @gso_type is 0, with an extra.  Gives how many slots it has.
 */
unsigned front_tx_send(struct front_tx *front, const uint8_t *bytes, unsigned size, unsigned nr_parts, unsigned flags,
                       unsigned gso_type, unsigned gso_size);

/* The status of the next answer, whose id must be that of the request in its slot, NETIF_RSP_NULL's excepted. */
int front_tx_answer(struct front_tx *front);

struct front_rx {
    struct netif_rx_ring page;
    struct netring ring;
    uint32_t produced, consumed, announced;
    struct netif_rx_request posted[NETIF_RING_SLOTS]; /* by slot */
};

void front_rx_start(struct front_rx *front, uint32_t index);

/* Post @count pages, each of its own. */
void front_rx_post(struct front_rx *front, unsigned count);

/* Does the back end want an event of what @head shows beyond *@announced?  That is moved forward. */
bool front_announce(const struct sring_head *head, uint32_t *announced);

/*
 * Take the next packet that has arrived.  Its size, with its bytes in @bytes, or the negative status of its parts,
 * which all have it; 0: there is none.  *@first receives the first response, *@gso what came with it, or zeroes.
 */
int front_rx_take(struct front_rx *front, uint8_t *bytes, struct netif_rx_response *first,
                  struct netif_extra_info *gso);
