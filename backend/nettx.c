/* SPDX-License-Identifier: MIT */
/*
 * A batch has three steps: frames are collected from the ring, their bytes are copied out of the guest's pages by one
 * call, and all slots are answered.  What stands in a slot is copied when it is collected and not looked at again.
 */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <guest/address.h>
#include <guest/grant.h>
#include <guest/string.h>
#include <backend/checksum.h>
#include <backend/nettx.h>
#include <backend/segment.h>

/* Each part begins a copy, and so does each page of the packet but the first. */
#define COPIES_OF_FRAME (NETTX_PARTS + PACKET_SIZE_MAX / PAGE_SIZE)
#define COPIES          (COPIES_OF_FRAME + 64u)

struct part {
    grant_ref_t gref;
    unsigned offset, size;
};

/* A frame by its slots.  status is that of all its requests, the first answer is answers[first_answer]. */
struct frame {
    struct part parts[NETTX_PARTS];
    unsigned nr_parts, nr_slots, size, flags;
    unsigned gso_type, gso_size;
    bool has_gso, is_control, adds; /* is_control: adds or removes a group, and sends nothing */
    uint8_t group[MAC_SIZE];
    unsigned first_answer;
    int16_t status;

    struct packet *packet;
    unsigned first_copy, nr_copies;
};

union slot {
    uint32_t words[3];
    struct netif_tx_request request;
    struct netif_extra_info extra;
};

union answer {
    uint32_t word;
    struct netif_tx_response response;
};

static struct frame frames[NETTX_FRAMES];
static unsigned nr_frames;
static union answer answers[NETIF_RING_SLOTS];
static unsigned nr_answers;
static struct gnttab_copy copies[COPIES];
static unsigned nr_copies;

/* Slot number @which behind those that are taken. */
static union slot copy_slot(const struct netring *ring, unsigned which)
{
    const struct netif_tx_ring *page = (const struct netif_tx_ring *)ring->head;
    union slot slot;

    netring_copy_out(slot.words, (const volatile uint32_t *)&page->slots[netring_slot(ring->taken + which)],
                     sizeof(slot.words));
    return slot;
}

static void add_answer(struct frame *frame, unsigned id, int16_t status)
{
    answers[frame->first_answer + frame->nr_slots++].response =
        (struct netif_tx_response){.id = (uint16_t)id, .status = status};
}

static void add_request(struct frame *frame, const struct netif_tx_request *request)
{
    add_answer(frame, request->id, NETIF_RSP_OKAY);
    if (frame->nr_parts == NETTX_PARTS) {
        frame->status = NETIF_RSP_ERROR;
        return;
    }
    frame->parts[frame->nr_parts++] =
        (struct part){.gref = request->gref, .offset = request->offset, .size = request->size};
}

static void add_extra(struct frame *frame, const struct netif_extra_info *extra)
{
    add_answer(frame, 0, NETIF_RSP_NULL);
    switch (extra->type) {
    case XEN_NETIF_EXTRA_TYPE_GSO:
        if (frame->has_gso)
            frame->status = NETIF_RSP_ERROR;
        frame->has_gso = true;
        frame->gso_type = extra->u.gso.type;
        frame->gso_size = extra->u.gso.size;
        break;
    case XEN_NETIF_EXTRA_TYPE_MCAST_ADD:
    case XEN_NETIF_EXTRA_TYPE_MCAST_DEL:
        if (frame->is_control)
            frame->status = NETIF_RSP_ERROR;
        frame->is_control = true;
        frame->adds = extra->type == XEN_NETIF_EXTRA_TYPE_MCAST_ADD;
        memcpy(frame->group, extra->u.mcast.addr, MAC_SIZE);
        break;
    case XEN_NETIF_EXTRA_TYPE_HASH:
        break;
    default:
        frame->status = NETIF_RSP_ERROR;
        break;
    }
}

/* Read all slots of the next frame, of the @count that wait.  -XEN_EAGAIN: there are more of it to come. */
static int collect_slots(const struct netring *ring, unsigned count, struct frame *frame)
{
    union slot slot;
    bool more;

    if (!count)
        return -XEN_EAGAIN;
    slot = copy_slot(ring, 0);
    frame->size = slot.request.size;
    frame->flags = slot.request.flags;
    add_request(frame, &slot.request);

    for (more = frame->flags & NETTXF_extra_info; more; more = slot.extra.flags & XEN_NETIF_EXTRA_FLAG_MORE) {
        if (frame->nr_slots == count)
            return -XEN_EAGAIN;
        slot = copy_slot(ring, frame->nr_slots);
        add_extra(frame, &slot.extra);
    }
    for (more = frame->flags & NETTXF_more_data; more; more = slot.request.flags & NETTXF_more_data) {
        if (frame->nr_slots == count)
            return -XEN_EAGAIN;
        slot = copy_slot(ring, frame->nr_slots);
        add_request(frame, &slot.request);
    }
    return 0;
}

/* The size of the first request is that of the frame: what the others do not have is the first part's. */
static bool parts_are_right(struct frame *frame)
{
    unsigned rest = 0;

    for (unsigned i = 1; i < frame->nr_parts; i++)
        rest += frame->parts[i].size;
    if (frame->size < ETHERNET_HEADER || rest > frame->size)
        return false;
    frame->parts[0].size = frame->size - rest;
    for (unsigned i = 0; i < frame->nr_parts; i++) {
        if (frame->parts[i].offset + frame->parts[i].size > PAGE_SIZE)
            return false;
    }
    return true;
}

static void add_copy(struct frame *frame, unsigned domain, grant_ref_t gref, unsigned offset, uint8_t *to,
                     unsigned size)
{
    copies[frame->first_copy + frame->nr_copies++] = (struct gnttab_copy){
        .source = {.u.ref = gref, .domid = (uint16_t)domain, .offset = (uint16_t)offset},
        .dest = {.u.gmfn = virt_to_mfn(to).v, .domid = DOMID_SELF, .offset = (uint16_t)((uint64_t)to % PAGE_SIZE)},
        .len = (uint16_t)size,
        .flags = GNTCOPY_source_gref,
    };
}

/* Copies of all parts to where the packet has their bytes. */
static void add_copies(struct frame *frame, unsigned domain)
{
    unsigned at = 0;

    for (const struct part *part = frame->parts; part < frame->parts + frame->nr_parts; part++) {
        for (unsigned done = 0; done < part->size;) {
            unsigned size = part->size - done;
            uint8_t *to = packet_at(frame->packet, at, &size);

            add_copy(frame, domain, part->gref, part->offset + done, to, size);
            done += size;
            at += size;
        }
    }
}

static void change_groups(struct frame *frame, struct groups *groups)
{
    if (!frame->adds)
        groups_remove(groups, frame->group);
    else if (groups_add(groups, frame->group))
        frame->status = NETIF_RSP_ERROR;
}

/* Collect the next frame, and what is to be copied of it.  As collect_slots(). */
static int collect(struct netring *ring, unsigned domain, unsigned count, struct groups *groups, struct frame *frame)
{
    int error;

    *frame = (struct frame){.first_answer = nr_answers, .first_copy = nr_copies};
    error = collect_slots(ring, count, frame);
    if (error)
        return error;
    ring->taken += frame->nr_slots;
    nr_answers += frame->nr_slots;
    nr_frames++;

    if (frame->is_control && !frame->status)
        change_groups(frame, groups);
    if (frame->status || frame->is_control)
        return 0;
    if (!parts_are_right(frame)) {
        frame->status = NETIF_RSP_ERROR;
        return 0;
    }
    frame->packet = packet_alloc();
    if (!frame->packet || packet_extend(frame->packet, frame->size)) {
        frame->status = NETIF_RSP_DROPPED;
        return 0;
    }
    add_copies(frame, domain);
    nr_copies += frame->nr_copies;
    return 0;
}

/* What the front end says of the packet, as far as its bytes bear it out. */
static bool describe(struct packet *packet, const struct frame *frame)
{
    packet->checksum_blank = frame->flags & NETTXF_csum_blank;
    packet->checksum_good = frame->flags & NETTXF_data_validated;
    if (packet->checksum_blank && checksum_locate(packet))
        return false;
    if (!frame->has_gso || frame->gso_type == XEN_NETIF_GSO_TYPE_NONE)
        return true;
    if (frame->gso_type != XEN_NETIF_GSO_TYPE_TCPV4 && frame->gso_type != XEN_NETIF_GSO_TYPE_TCPV6)
        return false;
    packet->gso = frame->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? PACKET_GSO_TCPV4 : PACKET_GSO_TCPV6;
    packet->gso_size = (uint16_t)frame->gso_size;
    return segment_possible(packet);
}

/* Every copy has been made, and the frame is what it is said to be. */
static bool is_good(const struct frame *frame)
{
    for (unsigned i = 0; i < frame->nr_copies; i++) {
        if (copies[frame->first_copy + i].status != GNTST_okay)
            return false;
    }
    return describe(frame->packet, frame);
}

/* Settle each frame, and append the good ones to *@end. */
static void finish(struct packet **end)
{
    for (struct frame *frame = frames; frame < frames + nr_frames; frame++) {
        if (frame->packet && !frame->status && !is_good(frame))
            frame->status = NETIF_RSP_ERROR;
        if (frame->packet && frame->status) {
            packet_free(frame->packet);
        } else if (frame->packet) {
            *end = frame->packet;
            end = &frame->packet->next;
        }
        for (unsigned i = 0; i < frame->nr_slots; i++) {
            struct netif_tx_response *response = &answers[frame->first_answer + i].response;

            if (response->status != NETIF_RSP_NULL)
                response->status = frame->status;
        }
    }
}

static void answer(struct netring *ring)
{
    struct netif_tx_ring *page = (struct netif_tx_ring *)ring->head;

    for (unsigned i = 0; i < nr_answers; i++) {
        netring_copy_in((volatile uint32_t *)&page->slots[netring_slot(ring->answered)], &answers[i].word,
                        sizeof(answers[i].word));
        ring->answered++;
    }
}

int nettx_take(struct netring *ring, unsigned domain, unsigned max, struct groups *groups, struct packet **list,
               bool *notify, bool *more)
{
    unsigned count = 0;
    int error;

    nr_frames = nr_answers = nr_copies = 0;
    *list = NULL;
    *more = false;
    error = netring_count(ring, &count);
    while (!error && nr_frames < max && nr_copies + COPIES_OF_FRAME <= COPIES)
        error = collect(ring, domain, count - nr_answers, groups, &frames[nr_frames]);

    grant_copy(copies, nr_copies);
    finish(list);
    answer(ring);
    *notify = netring_publish(ring);

    if (error == -XEN_EAGAIN && count - nr_answers < NETIF_RING_SLOTS) {
        *more = netring_await(ring, count - nr_answers + 1);
        return 0;
    }
    *more = !error;
    return error ? -XEN_EINVAL : 0;
}
