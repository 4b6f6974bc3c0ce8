/* SPDX-License-Identifier: MIT */
/* What a front end does with its side of the rings, by the public description of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <guest/types.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/front.h>

static uint16_t ids[NETIF_RING_SLOTS]; /* of the requests in a ring, by slot */

static void ring_start(struct netring *ring, void *page, uint32_t index)
{
    netring_init(ring, page);
    ring->taken = ring->answered = ring->published = index;
    ring->head->req_prod = ring->head->rsp_prod = index;
    ring->head->req_event = ring->head->rsp_event = index + 1;
}

bool front_announce(const struct sring_head *head, uint32_t *announced)
{
    uint32_t new = head->req_prod - *announced;

    *announced = head->req_prod;
    return head->req_prod - head->req_event < new;
}

void front_tx_start(struct front_tx *front, uint32_t index)
{
    memset(front, 0, sizeof(*front));
    ring_start(&front->ring, &front->page, index);
    front->produced = front->consumed = front->announced = index;
    front->next_ref = LENDER_FIRST_REF;
}

void front_tx_put(struct front_tx *front, const struct front_slot *slots, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct front_slot *slot = &slots[i];
        union netif_tx_slot *to = &front->page.slots[netring_slot(front->produced + i)];

        if (slot->is_extra) {
            to->extra = slot->extra;
            continue;
        }
        ids[netring_slot(front->produced + i)] = slot->id;
        to->request = (struct netif_tx_request){.gref = slot->ref,
                                                .offset = (uint16_t)slot->offset,
                                                .size = (uint16_t)slot->size,
                                                .id = slot->id,
                                                .flags = slot->flags};
    }
    front->produced += count;
    front->page.head.req_prod = front->produced;
}

/* How many of @left bytes the next part has: @more parts hold the rest, and have a byte each if there are so many. */
static unsigned part_size(unsigned left, unsigned more)
{
    unsigned spare = left > more ? left - more : 0;
    unsigned least = left > more * PAGE_SIZE ? left - more * PAGE_SIZE : spare ? 1 : 0;
    unsigned most = spare < PAGE_SIZE ? spare : PAGE_SIZE;

    return more ? least + draw_below(most - least + 1) : left;
}

static struct front_slot make_part(struct front_tx *front, const uint8_t *bytes, unsigned size)
{
    struct front_slot slot = {.ref = front->next_ref, .size = size, .id = front->next_id++};

    front->next_ref =
        front->next_ref + 1 < LENDER_FIRST_REF + LENDER_PAGES / 2 ? front->next_ref + 1 : LENDER_FIRST_REF;
    slot.offset = draw_below(PAGE_SIZE - size + 1);
    memcpy(lender_page(slot.ref) + slot.offset, bytes, size);
    return slot;
}

unsigned front_tx_send(struct front_tx *front, const uint8_t *bytes, unsigned size, unsigned nr_parts, unsigned flags,
                       unsigned gso_type, unsigned gso_size)
{
    struct front_slot slots[FRONT_SLOTS_MAX];
    unsigned count = 0, done = 0;

    for (unsigned i = 0; i < nr_parts; i++) {
        unsigned part = part_size(size - done, nr_parts - 1 - i);

        slots[count] = make_part(front, bytes + done, part);
        slots[count].flags = i + 1 < nr_parts ? NETTXF_more_data : 0;
        done += part;
        if (count++ == 0) {
            slots[0].size = size;
            slots[0].flags |= (uint16_t)flags;
            if (gso_type) {
                slots[0].flags |= NETTXF_extra_info;
                slots[count++] =
                    (struct front_slot){.is_extra = true,
                                        .extra = {.type = XEN_NETIF_EXTRA_TYPE_GSO,
                                                  .u.gso = {.size = (uint16_t)gso_size, .type = (uint8_t)gso_type}}};
            }
        }
    }
    front_tx_put(front, slots, count);
    return count;
}

int front_tx_answer(struct front_tx *front)
{
    unsigned slot = netring_slot(front->consumed);
    struct netif_tx_response response = front->page.slots[slot].response;

    assert_int_not_equal(front->consumed, front->page.head.rsp_prod);
    front->consumed++;
    if (response.status != NETIF_RSP_NULL)
        assert_int_equal(response.id, ids[slot]);
    return response.status;
}

void front_rx_start(struct front_rx *front, uint32_t index)
{
    memset(front, 0, sizeof(*front));
    ring_start(&front->ring, &front->page, index);
    front->produced = front->consumed = front->announced = index;
}

void front_rx_post(struct front_rx *front, unsigned count)
{
    assert_true(front->produced + count - front->consumed <= NETIF_RING_SLOTS);
    for (unsigned i = 0; i < count; i++, front->produced++) {
        unsigned slot = netring_slot(front->produced);
        /* Pages of the upper half of the lender's: the lower is for sending. */
        struct netif_rx_request request = {.id = (uint16_t)draw(), .gref = LENDER_FIRST_REF + LENDER_PAGES / 2 + slot};

        memset(lender_page(request.gref), 0xee, PAGE_SIZE);
        front->posted[slot] = request;
        front->page.slots[slot].request = request;
    }
    front->page.head.req_prod = front->produced;
}

/* The next response; what is behind the data in the page is as it was. */
static struct netif_rx_response take_response(struct front_rx *front, uint8_t *bytes)
{
    unsigned slot = netring_slot(front->consumed++);
    struct netif_rx_response response = front->page.slots[slot].response;
    const uint8_t *page = lender_page(front->posted[slot].gref);

    assert_int_equal(response.id, front->posted[slot].id);
    assert_int_equal(response.flags & ~15u, 0);
    if (response.status < 0)
        return response;
    assert_in_range(response.offset + response.status, 1, PAGE_SIZE);
    memcpy(bytes, page + response.offset, (size_t)response.status);
    for (unsigned i = (unsigned)(response.offset + response.status); i < PAGE_SIZE; i++)
        assert_int_equal(page[i], 0xee);
    return response;
}

int front_rx_take(struct front_rx *front, uint8_t *bytes, struct netif_rx_response *first, struct netif_extra_info *gso)
{
    struct netif_rx_response response;
    int size = 0;

    *gso = (struct netif_extra_info){0};
    if (front->consumed == front->page.head.rsp_prod)
        return 0;
    *first = response = take_response(front, bytes);
    if (first->flags & NETRXF_extra_info) {
        *gso = front->page.slots[netring_slot(front->consumed++)].extra;
        assert_int_equal(gso->flags, 0);
    }
    for (;;) {
        assert_int_equal(response.status < 0, first->status < 0);
        size += response.status;
        if (!(response.flags & NETRXF_more_data))
            break;
        assert_int_not_equal(front->consumed, front->page.head.rsp_prod);
        response = take_response(front, bytes + size);
    }
    assert_true((int32_t)(front->page.head.rsp_prod - front->consumed) >= 0);
    return first->status < 0 ? first->status : size;
}
