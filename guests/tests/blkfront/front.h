/* SPDX-License-Identifier: MIT */
/* A block front end: one disk, its ring, requests by hand and so of any content. */
#pragma once

#include <abi/blkif.h>
#include <guest/types.h>
#include <guests/tests/lib/device.h>

#define FRONT_PAGES    16u /* that are lent for data */
#define FRONT_SLOTS    32u /* of a ring of one page; one of several has as many for each */
#define RING_ORDER_MAX 4u

struct front {
    struct device device;
    struct device ring_keys; /* the same, but that keys of the ring are in a directory of it if there are several */
    struct sring_head *ring; /* pages of its own, in use as far as the order says, the slots behind the head */
    grant_ref_t ring_refs[1u << RING_ORDER_MAX];
    unsigned nr_slots;
    uint32_t port;
    uint32_t producer, consumer; /* of requests put, of responses taken */
    uint8_t *pages[FRONT_PAGES];
    grant_ref_t refs[FRONT_PAGES]; /* lent to be written */
    grant_ref_t readonly_refs[FRONT_PAGES];
    uint64_t sectors, sector_size, info; /* as the back end says, once connected */
};

/* Find the back end of device/vbd/@id, and lend the pages. */
void front_init(struct front *front, const char *id);

/* The same of ring @which of several, which another `struct front` each is for. */
void front_init_queue(struct front *front, const char *id, unsigned which);

/*
 * With a fresh ring of 2 to the @order pages: write the keys, and wait until the back end is in @wanted.  False: it
 * does not get there.
 */
bool front_connect(struct front *front, unsigned order, unsigned wanted);

/* The first half of it: the ring and the keys, without a word of states. */
void front_prepare(struct front *front, unsigned order);

/* By way of the states to where a new connect can begin. */
bool front_close(struct front *front);

/* The next request's slot, zeroed, with an id; front_send() shows the back end all that were put. */
struct blkif_request *front_put(struct front *front, uint8_t operation, uint64_t sector);
void front_add(struct front *front, struct blkif_request *request, unsigned page, unsigned first, unsigned last);
void front_send(struct front *front);

/* The next response, if there is one; or waited for, and false: none comes. */
bool front_poll(struct front *front, struct blkif_response *response);
bool front_take(struct front *front, struct blkif_response *response);

/* One request of whole pages from pages[0] on, and its status; 99: there is no response. */
int front_do(struct front *front, uint8_t operation, uint64_t sector, unsigned nr_pages);

/* A disk by several rings, good and hostile: queues.c.  It is not connected, before and afterwards. */
void be_queued(const char *id, uint64_t seed);

/* What a front end may not do, by @seed: hostile.c.  Both are connected, and are again afterwards. */
void be_hostile(struct front *writable, struct front *readonly, uint64_t seed);

/* A disk that is used all the time, over reboots and ends of the back end: steady.c. */
void be_steady(struct front *front, unsigned rounds);
