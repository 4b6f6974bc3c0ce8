/* SPDX-License-Identifier: MIT */
/*
 * Packets that wait for one taker, bounded in pages and in time by dropping: a taker that stands still holds a share
 * of the pools and no more, and none of it for long.
 */
#pragma once

#include <backend/packet.h>

/* A taker has so many pages at most, and a queue at most as many as half of those that are free, whoever holds more. */
#define QUEUE_PAGES_MAX 256u

/* When nothing has been taken for so many nanoseconds, all that waits is dropped with the next arrival. */
#define QUEUE_STALL UINT64_C(10000000000)

struct packet_queue {
    struct packet *first, *last;
    unsigned nr_pages;
    uint64_t moved; /* when the first one became the first */
    uint64_t dropped;
};

/* Append @packet, which is the queue's from then on, or drop it.  @most: pages that its taker may have in it. */
void queue_put(struct packet_queue *queue, struct packet *packet, unsigned most);

/* Take the first packet, which is the caller's; there is one: queue->first. */
struct packet *queue_take(struct packet_queue *queue);

/* Drop all. */
void queue_clear(struct packet_queue *queue);
