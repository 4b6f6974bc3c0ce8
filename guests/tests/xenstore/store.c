/* SPDX-License-Identifier: MIT */
/* The ring by hand: bytes in and out, messages around them, events kept apart from replies. */
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/xenstore/store.h>

#define PATIENCE   UINT64_C(5000000000)
#define EVENTS_MAX 8u

static struct xenstore_domain_interface *ring;
static uint32_t next_id = 1;
static struct reply events[EVENTS_MAX];
static unsigned nr_events;

bool store_init(void)
{
    if ((guest.start->flags & SIF_INITDOMAIN) || !guest.start->store_evtchn)
        return false;
    ring = mfn_to_virt(MFN(guest.start->store_mfn));
    return ring;
}

static void notify(void)
{
    (void)!event_send(guest.start->store_evtchn);
}

static bool put(const void *bytes, uint32_t size)
{
    const char *next = bytes;
    uint64_t end = time_now() + PATIENCE;

    while (size) {
        uint32_t producer = ring->req_prod;

        if (producer - READ_ONCE(ring->req_cons) == XENSTORE_RING_SIZE) {
            notify();
            (void)hypercall_sched_op(SCHEDOP_yield, NULL);
            if (time_now() > end)
                return false;
            continue;
        }
        ring->req[MASK_XENSTORE_IDX(producer)] = *next++;
        barrier();
        WRITE_ONCE(ring->req_prod, producer + 1);
        size--;
    }
    notify();
    return true;
}

static bool get(void *bytes, uint32_t size)
{
    char *next = bytes;
    uint64_t end = time_now() + PATIENCE;

    while (size) {
        uint32_t consumer = ring->rsp_cons;

        if (consumer == READ_ONCE(ring->rsp_prod)) {
            notify();
            (void)hypercall_sched_op(SCHEDOP_yield, NULL);
            if (time_now() > end)
                return false;
            continue;
        }
        *next++ = ring->rsp[MASK_XENSTORE_IDX(consumer)];
        barrier();
        WRITE_ONCE(ring->rsp_cons, consumer + 1);
        size--;
    }
    return true;
}

static bool get_message(struct reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    return get(&reply->head, sizeof(reply->head)) && reply->head.len <= XENSTORE_PAYLOAD_MAX &&
           get(reply->text, reply->head.len);
}

static bool wait_for_reply(uint32_t id, struct reply *reply)
{
    while (get_message(reply)) {
        if (reply->head.type != XS_WATCH_EVENT) {
            notify();
            return reply->head.req_id == id;
        }
        if (nr_events < EVENTS_MAX)
            events[nr_events++] = *reply;
    }
    return false;
}

bool store_call(uint32_t type, uint32_t transaction, const void *payload, uint32_t size, struct reply *reply)
{
    struct xsd_sockmsg head = {.type = type, .req_id = next_id++, .tx_id = transaction, .len = size};

    return put(&head, sizeof(head)) && put(payload, size) && wait_for_reply(head.req_id, reply);
}

bool store_path(uint32_t type, uint32_t transaction, const char *path, struct reply *reply)
{
    return store_call(type, transaction, path, (uint32_t)strlen(path) + 1, reply);
}

bool store_pair(uint32_t type, uint32_t transaction, const char *path, const char *value, uint32_t value_size,
                struct reply *reply)
{
    static char payload[XENSTORE_PAYLOAD_MAX];
    uint32_t length = (uint32_t)strlen(path) + 1;

    memcpy(payload, path, length);
    memcpy(payload + length, value, value_size);
    return store_call(type, transaction, payload, length + value_size, reply);
}

bool store_event(struct reply *event)
{
    if (nr_events) {
        *event = events[0];
        nr_events--;
        memmove(&events[0], &events[1], nr_events * sizeof(events[0]));
        return true;
    }
    return get_message(event) && event->head.type == XS_WATCH_EVENT;
}
