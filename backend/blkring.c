/* SPDX-License-Identifier: MIT */
/* Slots of both layouts are copied into a private one, and then read there. */
#include <abi/errno.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/blkring.h>

/* The forms of a slot of each layout. */
union slot {
    uint8_t operation;
    struct blkif_request wide;
    struct blkif_request_discard wide_discard;
    struct blkif_request_indirect wide_indirect;
    struct compat_blkif_request narrow;
    struct compat_blkif_request_discard narrow_discard;
    struct compat_blkif_request_indirect narrow_indirect;
};

static size_t stride(const struct blkring *ring)
{
    return ring->layout == BLKRING_32 ? sizeof(struct compat_blkif_request) : sizeof(struct blkif_request);
}

static char *slot_at(const struct blkring *ring, uint32_t index)
{
    return (char *)(ring->shared + 1) + (index & (ring->nr_slots - 1)) * stride(ring);
}

/*
 * In the part of the head that is the back end's: the index up to which slots may hold responses that the front end has
 * not been shown.  It is for this domain's next life, and is believed no more than anything else there.
 */
static uint32_t *begun(const struct blkring *ring)
{
    return (uint32_t *)(void *)ring->shared->_gap0;
}
_Static_assert(offsetof(struct sring_head, _gap0) % sizeof(uint32_t) == 0, "begun()");

int blkring_init(struct blkring *ring, void *pages, unsigned nr_pages, enum blkring_layout layout)
{
    uint32_t index, unanswered, unshown;
    size_t fit;

    *ring = (struct blkring){.shared = pages, .layout = layout, .nr_slots = 1};
    fit = (nr_pages * PAGE_SIZE - sizeof(*ring->shared)) / stride(ring);
    while (ring->nr_slots * 2 <= fit)
        ring->nr_slots *= 2;
    index = READ_ONCE(ring->shared->rsp_prod);
    unanswered = READ_ONCE(ring->shared->req_prod) - index;
    unshown = READ_ONCE(*begun(ring)) - index;
    ring->req_cons = ring->rsp_prod = ring->rsp_pushed = index;
    return unshown && unshown <= unanswered ? -XEN_EIO : 0;
}

/* The same for both widths: @slot is one of union slot's forms, of which the names of members agree. */
#define TAKE_REQUEST(request, slot)                                            \
    do {                                                                       \
        (request)->nr_segments = (slot)->nr_segments;                          \
        (request)->id = (slot)->id;                                            \
        (request)->sector = (slot)->sector_number;                             \
        memcpy((request)->segments, (slot)->seg, sizeof((request)->segments)); \
    } while (0)

#define TAKE_DISCARD(request, slot)                 \
    do {                                            \
        (request)->discard_flag = (slot)->flag;     \
        (request)->id = (slot)->id;                 \
        (request)->sector = (slot)->sector_number;  \
        (request)->nr_sectors = (slot)->nr_sectors; \
    } while (0)

#define TAKE_INDIRECT(request, slot)                                                                  \
    do {                                                                                              \
        (request)->indirect_op = (slot)->indirect_op;                                                 \
        (request)->nr_indirect = (slot)->nr_segments;                                                 \
        (request)->id = (slot)->id;                                                                   \
        (request)->sector = (slot)->sector_number;                                                    \
        memcpy((request)->indirect_grefs, (slot)->indirect_grefs, sizeof((request)->indirect_grefs)); \
    } while (0)

static void take_wide(const union slot *slot, struct blkring_request *request)
{
    if (slot->operation == BLKIF_OP_DISCARD)
        TAKE_DISCARD(request, &slot->wide_discard);
    else if (slot->operation == BLKIF_OP_INDIRECT)
        TAKE_INDIRECT(request, &slot->wide_indirect);
    else
        TAKE_REQUEST(request, &slot->wide);
}

static void take_narrow(const union slot *slot, struct blkring_request *request)
{
    if (slot->operation == BLKIF_OP_DISCARD)
        TAKE_DISCARD(request, &slot->narrow_discard);
    else if (slot->operation == BLKIF_OP_INDIRECT)
        TAKE_INDIRECT(request, &slot->narrow_indirect);
    else
        TAKE_REQUEST(request, &slot->narrow);
}

/*
 * The front end may have as many requests in the ring as there are slots, counted from the last response it has seen.
 */
int blkring_take(struct blkring *ring, struct blkring_request *request)
{
    uint32_t producer = READ_ONCE(ring->shared->req_prod);
    union slot slot = {0};

    if (producer - ring->rsp_pushed > ring->nr_slots || producer - ring->rsp_pushed < ring->req_cons - ring->rsp_pushed)
        return -XEN_EINVAL;
    if (producer == ring->req_cons)
        return 0;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(&slot, slot_at(ring, ring->req_cons), stride(ring));
    barrier(); /* so that nothing below is read out of the ring again */
    ring->req_cons++;
    *request = (struct blkring_request){.operation = slot.operation};
    if (ring->layout == BLKRING_32)
        take_narrow(&slot, request);
    else
        take_wide(&slot, request);
    return 1;
}

bool blkring_ask(struct blkring *ring)
{
    WRITE_ONCE(ring->shared->req_event, ring->req_cons + 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return READ_ONCE(ring->shared->req_prod) != ring->req_cons;
}

void blkring_respond(struct blkring *ring, uint64_t id, uint8_t operation, int16_t status)
{
    struct blkif_response wide = {.id = id, .operation = operation, .status = status};
    struct compat_blkif_response narrow = {.id = id, .operation = operation, .status = status};
    char *slot = slot_at(ring, ring->rsp_prod++);

    WRITE_ONCE(*begun(ring), ring->rsp_prod);
    barrier(); /* before the slot is written */
    if (ring->layout == BLKRING_32)
        memcpy(slot, &narrow, sizeof(narrow));
    else
        memcpy(slot, &wide, sizeof(wide));
}

bool blkring_push(struct blkring *ring)
{
    uint32_t new_responses = ring->rsp_prod - ring->rsp_pushed;

    __atomic_store_n(&ring->shared->rsp_prod, ring->rsp_prod, __ATOMIC_RELEASE);
    ring->rsp_pushed = ring->rsp_prod;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return ring->rsp_prod - READ_ONCE(ring->shared->rsp_event) < new_responses;
}
