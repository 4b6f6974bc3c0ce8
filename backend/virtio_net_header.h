/* SPDX-License-Identifier: MIT */
/* What stands before each packet of a virtio card (virtio 1.x, section 5.1.6), and what it says of the packet. */
#pragma once

#include <backend/packet.h>

struct virtio_net_header {
    uint8_t flags;
    uint8_t gso_type;
    uint16_t hdr_len;
    uint16_t gso_size;
    uint16_t csum_start;
    uint16_t csum_offset;
    uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_header) == 12, "virtio_net_header");

/* The header for @packet on its way to the card. */
struct virtio_net_header virtio_net_header_of(const struct packet *packet);

/*
 * @packet, whose bytes are complete, came in with @header: a copy that the card cannot change.  False: the header says
 * what cannot be of such a packet, or what the driver has not agreed to.
 */
bool __must_check virtio_net_header_apply(const struct virtio_net_header *header, struct packet *packet);
