/* SPDX-License-Identifier: MIT */
/*
 * One ring of a network interface, as its back end keeps it: the indices that count are private, and those that the
 * front end writes are read once and believed as far as the ring allows.
 *
 * Requests are answered in the order in which they were taken, so that the response to each stands in its own slot.
 */
#pragma once

#include <abi/netif.h>
#include <guest/types.h>

struct netring {
    struct sring_head *head; /* shared with the front end */
    uint32_t taken;          /* index of the next request */
    uint32_t answered;       /* index of the next response */
    uint32_t published;      /* index of the first response that the front end has not been told of */
};

/*
 * Begin with a ring that is mapped at @page: fresh, or as an earlier life of this domain has left it, with the requests
 * that it has not answered still to be taken.  If it ended while it put answers over some of these, then what is sent
 * or received by them is lost, as packets may be.
 */
void netring_init(struct netring *ring, void *page);

/*
 * How many requests wait.  -XEN_EINVAL: more than the ring has slots for, counting what is not answered: the front end
 * is not to be served any more.
 */
int __must_check netring_count(const struct netring *ring, unsigned *count);

/* The slot of request or response @index. */
static inline unsigned netring_slot(uint32_t index)
{
    return index % NETIF_RING_SLOTS;
}

/* Copy @size bytes, a multiple of 4, out of and into a slot: each word once, in one access. */
void netring_copy_out(uint32_t *to, const volatile uint32_t *slot, unsigned size);
void netring_copy_in(volatile uint32_t *slot, const uint32_t *from, unsigned size);

/* Publish the responses.  Does the front end want to be told? */
bool __must_check netring_publish(struct netring *ring);

/* Ask the front end to tell when @wanted requests wait, at least one.  Are there as many already? */
bool __must_check netring_await(struct netring *ring, unsigned wanted);
