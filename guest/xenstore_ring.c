/* SPDX-License-Identifier: MIT */
/*
 * Bytes out and in, each index of the other end checked; a message is put together from as many pieces as it comes in.
 */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore_ring.h>

static struct xenstore_domain_interface *ring;
static uint32_t seen_rsp_prod, seen_req_cons; /* the other end's indices, as they were at the last look */
static bool broken;
static struct xenstore_message incoming;
static size_t nr_received; /* bytes of it: of the head, then of the text */

int xenstore_ring_init(void)
{
    broken = false;
    nr_received = 0;
    if (!(guest.start->flags & SIF_INITDOMAIN) && guest.start->store_evtchn)
        ring = mfn_to_virt(MFN(guest.start->store_mfn));
    return ring ? 0 : -XEN_ENODEV;
}

evtchn_port_t xenstore_ring_port(void)
{
    return guest.start->store_evtchn;
}

static void notify(void)
{
    (void)!event_send(xenstore_ring_port());
}

static int break_off(int error)
{
    broken = true;
    return error;
}

/* Since the last look of any kind. */
static bool nothing_new(void)
{
    uint32_t rsp_prod = READ_ONCE(ring->rsp_prod), req_cons = READ_ONCE(ring->req_cons);
    bool same = rsp_prod == seen_rsp_prod && req_cons == seen_req_cons;

    seen_rsp_prod = rsp_prod;
    seen_req_cons = req_cons;
    return same;
}

/* The event is left to an upcall: more may have come than what is awaited, and whoever sleeps later must know. */
int xenstore_ring_wait(uint64_t deadline)
{
    evtchn_port_t port = xenstore_ring_port();

    if (time_now() >= deadline)
        return -XEN_ETIMEDOUT;
    event_mask(port);
    if (nothing_new())
        event_poll(port, deadline);
    if (!event_enabled())
        event_clear(port); /* there are no upcalls */
    event_unmask(port);
    return 0;
}

/*
 * ---- Out.
 */

/* Put what there is room for.  The number of bytes, or -XEN_EIO. */
static long put_some(const char *bytes, size_t size)
{
    uint32_t producer = ring->req_prod, filled;
    size_t count = 0;

    seen_req_cons = READ_ONCE(ring->req_cons);
    filled = producer - seen_req_cons;
    if (filled > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    while (count < size && filled + count < XENSTORE_RING_SIZE) {
        ring->req[MASK_XENSTORE_IDX(producer + (uint32_t)count)] = bytes[count];
        count++;
    }
    __atomic_store_n(&ring->req_prod, producer + (uint32_t)count, __ATOMIC_RELEASE);
    if (count)
        notify();
    return (long)count;
}

int xenstore_ring_send(const void *bytes, size_t size, uint64_t deadline)
{
    const char *next = bytes;

    while (size && !broken) {
        long count = put_some(next, size);

        if (count < 0)
            return break_off((int)count);
        next += count;
        size -= (size_t)count;
        if (!count && xenstore_ring_wait(deadline))
            return break_off(-XEN_ETIMEDOUT);
    }
    return broken ? -XEN_EIO : 0;
}

/*
 * ---- In.
 */

/* Take up to @size bytes.  Their number, or -XEN_EIO. */
static long get_some(char *bytes, size_t size)
{
    uint32_t consumer = ring->rsp_cons, filled;
    size_t count = 0;

    seen_rsp_prod = READ_ONCE(ring->rsp_prod);
    filled = seen_rsp_prod - consumer;
    if (filled > XENSTORE_RING_SIZE)
        return -XEN_EIO;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    while (count < size && count < filled) {
        bytes[count] = ring->rsp[MASK_XENSTORE_IDX(consumer + (uint32_t)count)];
        count++;
    }
    __atomic_store_n(&ring->rsp_cons, consumer + (uint32_t)count, __ATOMIC_RELEASE);
    if (count)
        notify();
    return (long)count;
}

/* Receive until @end bytes of the message are there; @part begins at @start of them. */
static int receive_part(void *part, size_t start, size_t end)
{
    while (nr_received < end) {
        long count = get_some((char *)part + (nr_received - start), end - nr_received);

        if (count <= 0)
            return (int)count;
        nr_received += (size_t)count;
    }
    return 0;
}

int xenstore_ring_receive(const struct xenstore_message **message)
{
    const size_t head = sizeof(incoming.head);
    int error = broken ? -XEN_EIO : receive_part(&incoming.head, 0, head);

    *message = NULL;
    if (!error && nr_received >= head && incoming.head.len > XENSTORE_PAYLOAD_MAX)
        error = -XEN_EIO;
    if (!error && nr_received >= head)
        error = receive_part(incoming.text, head, head + incoming.head.len);
    if (error)
        return break_off(error);
    if (nr_received < head || nr_received < head + incoming.head.len)
        return 0;
    nr_received = 0;
    incoming.text[incoming.head.len] = '\0';
    *message = &incoming;
    return 0;
}
