/* SPDX-License-Identifier: MIT */
/*
 * A batch as in the other direction: pages are taken off the ring, all copies are made by one call, and each slot is
 * answered in its place.
 */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <guest/address.h>
#include <guest/grant.h>
#include <backend/netrx.h>

/* Each page of the guest's begins a copy, and so does each fragment. */
#define COPIES_OF_PACKET (PACKET_SIZE_MAX / PAGE_SIZE + 1 + PACKET_FRAGMENTS)
#define COPIES           (COPIES_OF_PACKET + 64u)

/* What one slot is answered by, and which copies must have been made for it. */
struct answer {
    union {
        uint32_t words[2];
        struct netif_rx_response response;
        struct netif_extra_info extra;
    };
    bool is_extra;
    unsigned first_copy, nr_copies;
};

union slot {
    uint32_t words[2];
    struct netif_rx_request request;
};

static struct answer answers[NETIF_RING_SLOTS];
static unsigned nr_answers;
static struct gnttab_copy copies[COPIES];
static unsigned nr_copies;

static struct netif_rx_request take_request(struct netring *ring)
{
    const struct netif_rx_ring *page = (const struct netif_rx_ring *)ring->head;
    union slot slot;

    netring_copy_out(slot.words, (const volatile uint32_t *)&page->slots[netring_slot(ring->taken++)],
                     sizeof(slot.words));
    return slot.request;
}

static unsigned pages_of(const struct packet *packet)
{
    return (packet->size + PAGE_SIZE - 1) / PAGE_SIZE;
}

static unsigned slots_of(const struct packet *packet)
{
    return pages_of(packet) + (packet->gso != PACKET_GSO_NONE);
}

/* Copy the @size bytes at @offset of the packet to the page that is lent as @gref. */
static void add_copies(const struct packet *packet, unsigned offset, unsigned size, unsigned domain, grant_ref_t gref)
{
    for (unsigned done = 0; done < size;) {
        unsigned part = size - done;
        const uint8_t *from = packet_at(packet, offset + done, &part);

        copies[nr_copies++] = (struct gnttab_copy){
            .source = {.u.gmfn = virt_to_mfn(from).v,
                       .domid = DOMID_SELF,
                       .offset = (uint16_t)((uint64_t)from % PAGE_SIZE)},
            .dest = {.u.ref = gref, .domid = (uint16_t)domain, .offset = (uint16_t)done},
            .len = (uint16_t)part,
            .flags = GNTCOPY_dest_gref,
        };
        done += part;
    }
}

static unsigned flags_of(const struct packet *packet)
{
    unsigned flags = packet->gso != PACKET_GSO_NONE ? NETRXF_extra_info : 0;

    if (packet->checksum_blank)
        return flags | NETRXF_csum_blank | NETRXF_data_validated;
    return packet->checksum_good ? flags | NETRXF_data_validated : flags;
}

/* The slot behind the first one says how the packet is to be cut; the page that was posted there stays unused. */
static void add_extra(struct netring *ring, const struct packet *packet)
{
    struct answer *answer = &answers[nr_answers++];

    (void)take_request(ring);
    *answer = (struct answer){
        .is_extra = true,
        .extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
                  .u.gso = {.size = packet->gso_size,
                            .type =
                                packet->gso == PACKET_GSO_TCPV4 ? XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6}},
    };
}

/* Take slots for all of @packet. */
static void add_packet(struct netring *ring, unsigned domain, const struct packet *packet)
{
    for (unsigned offset = 0; offset < packet->size; offset += PAGE_SIZE) {
        unsigned left = packet->size - offset, size = left < PAGE_SIZE ? left : PAGE_SIZE;
        unsigned flags = (offset ? 0 : flags_of(packet)) | (size < left ? NETRXF_more_data : 0);
        struct netif_rx_request request = take_request(ring);
        struct answer *answer = &answers[nr_answers++];

        *answer = (struct answer){
            .response = {.id = request.id, .flags = (uint16_t)flags, .status = (int16_t)size},
            .first_copy = nr_copies,
        };
        add_copies(packet, offset, size, domain, request.gref);
        answer->nr_copies = nr_copies - answer->first_copy;
        if (!offset && packet->gso != PACKET_GSO_NONE)
            add_extra(ring, packet);
    }
}

static bool has_failed(const struct answer *answer)
{
    for (unsigned i = 0; i < answer->nr_copies; i++) {
        if (copies[answer->first_copy + i].status != GNTST_okay)
            return true;
    }
    return false;
}

/* A packet of which a part is missing is an error in all its parts. */
static void settle(struct answer *first, unsigned count)
{
    bool failed = false;

    for (unsigned i = 0; i < count; i++)
        failed = failed || has_failed(&first[i]);
    for (unsigned i = 0; i < count && failed; i++) {
        if (!first[i].is_extra)
            first[i].response.status = NETIF_RSP_ERROR;
    }
}

static void answer_all(struct netring *ring)
{
    struct netif_rx_ring *page = (struct netif_rx_ring *)ring->head;

    for (unsigned i = 0; i < nr_answers; i++) {
        netring_copy_in((volatile uint32_t *)&page->slots[netring_slot(ring->answered)], answers[i].words,
                        sizeof(answers[i].words));
        ring->answered++;
    }
}

int netrx_give(struct netring *ring, unsigned domain, struct packet_queue *queue, bool *notify, bool *more)
{
    struct packet *given = NULL, **end = &given;
    unsigned count, settled = 0;
    int error = netring_count(ring, &count);

    nr_answers = nr_copies = 0;
    while (!error && queue->first && slots_of(queue->first) <= count - nr_answers &&
           nr_copies + COPIES_OF_PACKET <= COPIES) {
        *end = queue_take(queue);
        add_packet(ring, domain, *end);
        end = &(*end)->next;
    }

    grant_copy(copies, nr_copies);
    for (const struct packet *packet = given; packet; packet = packet->next) {
        settle(&answers[settled], slots_of(packet));
        settled += slots_of(packet);
    }
    packet_free_list(given);
    answer_all(ring);
    *notify = netring_publish(ring);
    *more = !error && queue->first && netring_await(ring, slots_of(queue->first));
    return error;
}
