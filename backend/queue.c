/* SPDX-License-Identifier: MIT */
/* A list with two bounds. */
#include <guest/time.h>
#include <backend/queue.h>

static bool has_room(const struct packet_queue *queue, const struct packet *packet, unsigned most)
{
    unsigned half = packet_pages_free() / 2;

    return queue->nr_pages + packet->nr_fragments <= (half < most ? half : most);
}

void queue_put(struct packet_queue *queue, struct packet *packet, unsigned most)
{
    uint64_t now = time_now();

    if (queue->first && now - queue->moved > QUEUE_STALL)
        queue_clear(queue);
    if (!has_room(queue, packet, most)) {
        queue->dropped++;
        packet_free(packet);
        return;
    }
    packet->next = NULL;
    if (queue->first) {
        queue->last->next = packet;
    } else {
        queue->first = packet;
        queue->moved = now;
    }
    queue->last = packet;
    queue->nr_pages += packet->nr_fragments;
}

struct packet *queue_take(struct packet_queue *queue)
{
    struct packet *packet = queue->first;

    queue->first = packet->next;
    queue->nr_pages -= packet->nr_fragments;
    queue->moved = time_now();
    packet->next = NULL;
    return packet;
}

void queue_clear(struct packet_queue *queue)
{
    while (queue->first) {
        packet_free(queue_take(queue));
        queue->dropped++;
    }
}
