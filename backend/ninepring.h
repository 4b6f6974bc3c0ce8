/* SPDX-License-Identifier: MIT */
/*
 * The back end's side of a ring of 9P messages: two streams of bytes.
 *
 * What the front end writes is read here and nowhere else: its indexes are checked, a message is copied once, and what
 * has been checked of it is what is in the copy.
 */
#pragma once

#include <abi/9pfs.h>
#include <backend/ninep.h>

struct ninepring {
    struct xen_9pfs_data_intf *shared;
    uint8_t *in, *out;
    uint32_t size; /* bytes of each of both, a power of two */
    uint32_t in_prod, out_cons;
};

/* A fresh ring: @shared, and the 2 to the @order pages @data are mapped. */
void ninepring_init(struct ninepring *ring, struct xen_9pfs_data_intf *shared, void *data, unsigned order);

/*
 * 1: *@size bytes are the next message, in @message, which has room for @most.  0: there is none as a whole.
 * -XEN_EINVAL: the front end's index cannot be, or its next message is shorter than a header or longer than @most or
 * the ring; the ring is done for.
 */
int __must_check ninepring_take(struct ninepring *ring, uint8_t *message, uint32_t most, uint32_t *size);

/*
 * 1: the front end has the message of @size bytes.  0: there is no room yet.  -XEN_EINVAL: the front end's index cannot
 * be, or the message is longer than the ring; the ring is done for.
 */
int __must_check ninepring_put(struct ninepring *ring, const uint8_t *message, uint32_t size);
