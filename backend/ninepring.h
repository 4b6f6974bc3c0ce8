/* SPDX-License-Identifier: MIT */
/*
 * The back end's side of a ring of 9P messages: two streams of bytes.
 *
 * What the front end writes is read here and nowhere else: its indexes are checked, a message is copied once, and what
 * has been checked of it is what is in the copy.
 *
 * A request keeps its place in the ring until it has been answered, and those before it, too: so that who serves the
 * ring after this domain's end finds there what it has to answer.
 */
#pragma once

#include <abi/9pfs.h>
#include <backend/ninep.h>

#define NINEPRING_ENTRIES 4u /* requests under way */

/* A request under way: of so many bytes, which has been answered or not. */
struct ninepring_entry {
    uint32_t size;
    bool is_done;
};

struct ninepring {
    struct xen_9pfs_data_intf *shared;
    uint8_t *in, *out;
    uint32_t size; /* bytes of each of both, a power of two */
    uint32_t in_prod, out_cons;
    uint32_t taken; /* bytes that have been read; from out_cons to here are the entries, by their count */
    uint32_t first, next;
    struct ninepring_entry entries[NINEPRING_ENTRIES];
};

/*
 * A ring as it is found, fresh or left by an earlier life of this domain: @shared, and the 2 to the @order pages @data
 * are mapped.
 */
void ninepring_init(struct ninepring *ring, struct xen_9pfs_data_intf *shared, void *data, unsigned order);

/*
 * 1: *@size bytes are the next message, in @message, which has room for @most, and *@entry is its number.  0: there is
 * none as a whole.  NINEPRING_ENTRIES are under way at most, which the caller sees to.
 * -XEN_EINVAL: the front end's index cannot be, or its next message is shorter than a header or longer than @most or
 * the ring; the ring is done for.
 */
int __must_check ninepring_take(struct ninepring *ring, uint8_t *message, uint32_t most, uint32_t *size,
                                uint32_t *entry);

/* The request with that number has been answered. */
void ninepring_retire(struct ninepring *ring, uint32_t entry);

/*
 * 1: the front end has the message of @size bytes.  0: there is no room yet.  -XEN_EINVAL: the front end's index cannot
 * be, or the message is longer than the ring; the ring is done for.
 */
int __must_check ninepring_put(struct ninepring *ring, const uint8_t *message, uint32_t size);
