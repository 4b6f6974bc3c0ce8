/* SPDX-License-Identifier: MIT */
/* Messages as they are, and events kept apart from replies. */
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/xenstore/store.h>

#define PATIENCE   UINT64_C(5000000000)
#define EVENTS_MAX 8u

static uint32_t next_id = 1;
static struct xenstore_message events[EVENTS_MAX];
static unsigned nr_events;

bool store_init(void)
{
    return xenstore_init() == 0;
}

static bool get_message(struct xenstore_message *reply)
{
    uint64_t deadline = time_now() + PATIENCE;
    const struct xenstore_message *message;

    do {
        if (xenstore_ring_receive(&message))
            return false;
    } while (!message && xenstore_ring_wait(deadline) == 0);
    if (!message)
        return false;
    *reply = *message;
    return true;
}

static bool wait_for_reply(uint32_t id, struct xenstore_message *reply)
{
    while (get_message(reply)) {
        if (reply->head.type != XS_WATCH_EVENT)
            return reply->head.req_id == id;
        if (nr_events < EVENTS_MAX)
            events[nr_events++] = *reply;
    }
    return false;
}

bool store_call(uint32_t type, uint32_t transaction, const void *payload, uint32_t size, struct xenstore_message *reply)
{
    struct xsd_sockmsg head = {.type = type, .req_id = next_id++, .tx_id = transaction, .len = size};
    uint64_t deadline = time_now() + PATIENCE;

    return xenstore_ring_send(&head, sizeof(head), deadline) == 0 && xenstore_ring_send(payload, size, deadline) == 0 &&
           wait_for_reply(head.req_id, reply);
}
bool store_path(uint32_t type, uint32_t transaction, const char *path, struct xenstore_message *reply)
{
    return store_call(type, transaction, path, (uint32_t)strlen(path) + 1, reply);
}

bool store_pair(uint32_t type, uint32_t transaction, const char *path, const char *value, uint32_t value_size,
                struct xenstore_message *reply)
{
    static char payload[XENSTORE_PAYLOAD_MAX];
    uint32_t length = (uint32_t)strlen(path) + 1;

    memcpy(payload, path, length);
    memcpy(payload + length, value, value_size);
    return store_call(type, transaction, payload, length + value_size, reply);
}

bool store_event(struct xenstore_message *event)
{
    if (nr_events) {
        *event = events[0];
        nr_events--;
        memmove(&events[0], &events[1], nr_events * sizeof(events[0]));
        return true;
    }
    return get_message(event) && event->head.type == XS_WATCH_EVENT;
}
