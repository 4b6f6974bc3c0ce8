/* SPDX-License-Identifier: MIT */
/* In order: the start; connecting; sending; receiving.  The back end is not believed, either. */
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/netfront/net.h>

/*
 * ---- The start.
 */

struct net_frame net_frame_alloc(void)
{
    return (struct net_frame){.bytes = pages_alloc(NET_MAX / PAGE_SIZE + 1)};
}

static unsigned hex(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static void read_mac(struct net *net)
{
    char path[96], text[18];

    (void)print_to(path, sizeof(path), "%s/mac", net->device.front);
    test_need(xenstore_read(0, path, text, sizeof(text)), "mac");
    for (unsigned i = 0; i < sizeof(net->mac); i++)
        net->mac[i] = (uint8_t)(hex(text[3 * i]) << 4 | hex(text[3 * i + 1]));
}

static void *lend(struct net *net, unsigned flags, grant_ref_t *ref)
{
    void *page = page_alloc();

    test_need(grant_access(net->device.back_domain, page, flags, ref), "a grant");
    return page;
}

void net_init(struct net *net, unsigned id)
{
    char name[12];

    memset(net, 0, sizeof(*net));
    (void)print_to(name, sizeof(name), "%u", id);
    device_find(&net->device, "vif", name);
    net->ring_keys = net->device;
    read_mac(net);
    net->tx = lend(net, 0, &net->tx_ref);
    net->rx = lend(net, 0, &net->rx_ref);
    for (unsigned i = 0; i < NET_PARTS; i++)
        net->parts[i] = lend(net, GTF_readonly, &net->part_refs[i]);
    for (unsigned i = 0; i < NET_BUFFERS; i++)
        net->buffers[i] = lend(net, 0, &net->buffer_refs[i]);
}

void net_init_queue(struct net *net, unsigned id, unsigned which)
{
    net_init(net, id);
    (void)print_to(net->ring_keys.front, sizeof(net->ring_keys.front), "%s/queue-%u", net->device.front, which);
}

/*
 * ---- Connecting.
 */

/* Its events are waited for, never delivered. */
static evtchn_port_t make_port(const struct device *device)
{
    evtchn_port_t port;

    test_need(event_alloc_unbound(device->back_domain, NULL, &port), "a port");
    event_mask(port);
    return port;
}

/* The buffer of a slot is always the same. */
static void post(struct net *net)
{
    unsigned which = net->rx_produced % NET_BUFFERS;

    net->rx->slots[net->rx_produced % NETIF_RING_SLOTS].request =
        (struct netif_rx_request){.id = (uint16_t)net->rx_produced, .gref = net->buffer_refs[which]};
    net->rx_produced++;
}

static void publish_buffers(struct net *net)
{
    __atomic_store_n(&net->rx->head.req_prod, net->rx_produced, __ATOMIC_SEQ_CST);
    test_need(event_send(net->rx_port), "send");
}

static void begin_rings(struct net *net)
{
    memset(net->tx, 0, PAGE_SIZE);
    memset(net->rx, 0, PAGE_SIZE);
    net->tx->head.req_event = net->tx->head.rsp_event = 1;
    net->rx->head.req_event = net->rx->head.rsp_event = 1;
    net->tx_produced = net->tx_consumed = net->rx_produced = net->rx_consumed = 0;
    for (unsigned i = 0; i < NET_BUFFERS; i++)
        post(net);
    net->rx->head.req_prod = net->rx_produced;
}

static void write_ports(const struct net *net)
{
    const struct device *device = &net->ring_keys;
    bool split = net->features & NET_SPLIT;

    if (split) {
        device_write_number(device, "event-channel-tx", net->tx_port);
        device_write_number(device, "event-channel-rx", net->rx_port);
        device_remove(device, "event-channel");
    } else {
        device_write_number(device, "event-channel", net->tx_port);
        device_remove(device, "event-channel-tx");
        device_remove(device, "event-channel-rx");
    }
}

void net_prepare(struct net *net, unsigned features)
{
    const struct device *device = &net->device;

    net->features = features;
    begin_rings(net);
    net->tx_port = net->rx_port = make_port(device);
    if (features & NET_SPLIT)
        net->rx_port = make_port(device);
    write_ports(net);
    device_write_number(&net->ring_keys, "tx-ring-ref", net->tx_ref);
    device_write_number(&net->ring_keys, "rx-ring-ref", net->rx_ref);
    device_write_number(device, "request-rx-copy", 1);
    device_write_number(device, "feature-rx-notify", 1);
    device_write_number(device, "feature-sg", !!(features & NET_SG));
    device_write_number(device, "feature-gso-tcpv4", !!(features & NET_TSO));
    device_write_number(device, "feature-ipv6-csum-offload", !(features & NET_NO_BLANK));
    device_write_number(device, "feature-no-csum-offload", !!(features & NET_NO_BLANK));
    device_write_number(device, "request-multicast-control", !!(features & NET_GROUPS));
}

void net_release(struct net *net)
{
    test_need(event_close(net->tx_port), "close");
    if (net->rx_port != net->tx_port)
        test_need(event_close(net->rx_port), "close");
}

bool net_connect(struct net *net, unsigned features)
{
    net_prepare(net, features);
    device_set_state(&net->device, 4);
    return device_await_state(&net->device, 4);
}

bool net_connect_queues(struct net *queues, unsigned count, unsigned features)
{
    for (unsigned i = 0; i < count; i++)
        net_prepare(&queues[i], features);
    device_write_number(&queues->device, "multi-queue-num-queues", count);
    device_set_state(&queues->device, 4);
    return device_await_state(&queues->device, 4);
}

bool net_close(struct net *net)
{
    bool good = device_close(&net->device);

    net_release(net);
    return good;
}

/*
 * ---- Sending.
 */

static union netif_tx_slot *tx_slot(struct net *net)
{
    return &net->tx->slots[net->tx_produced++ % NETIF_RING_SLOTS];
}

static void put_extra(struct net *net, const struct net_frame *frame)
{
    tx_slot(net)->extra = (struct netif_extra_info){
        .type = XEN_NETIF_EXTRA_TYPE_GSO,
        .u.gso = {.size = (uint16_t)frame->gso_size, .type = (uint8_t)frame->gso_type},
    };
}

/* The first part's request has the size of all. */
static void put_frame(struct net *net, const struct net_frame *frame, unsigned part)
{
    for (unsigned at = 0, i = 0; at < frame->size; at += part, i++) {
        unsigned left = frame->size - at, size = left < part ? left : part;
        unsigned flags = (at ? 0 : frame->flags) | (size < left ? NETTXF_more_data : 0);

        if (!at && frame->gso_type)
            flags |= NETTXF_extra_info;
        memcpy(net->parts[i], frame->bytes + at, size);
        tx_slot(net)->request = (struct netif_tx_request){.gref = net->part_refs[i],
                                                          .flags = (uint16_t)flags,
                                                          .id = (uint16_t)i,
                                                          .size = (uint16_t)(at ? size : frame->size)};
        if (!at && frame->gso_type)
            put_extra(net, frame);
    }
}

static bool await_answers(struct net *net)
{
    uint64_t end = time_now() + DEVICE_PATIENCE;

    for (;;) {
        event_clear(net->tx_port);
        if (__atomic_load_n(&net->tx->head.rsp_prod, __ATOMIC_SEQ_CST) == net->tx_produced)
            return true;
        if (time_now() > end)
            return false;
        event_poll(net->tx_port, end);
    }
}

/* Show what has been put, and wait for what it is answered by. */
static int send_put(struct net *net)
{
    int status = NO_ANSWER;

    net->tx->head.rsp_event = net->tx_produced; /* one event for all of it */
    __atomic_store_n(&net->tx->head.req_prod, net->tx_produced, __ATOMIC_SEQ_CST);
    test_need(event_send(net->tx_port), "send");
    if (!await_answers(net))
        return NO_ANSWER;
    while (net->tx_consumed != net->tx_produced) {
        int answer = net->tx->slots[net->tx_consumed++ % NETIF_RING_SLOTS].response.status;

        if (answer == NETIF_RSP_NULL)
            continue;
        if (status != NO_ANSWER && answer != status)
            test_error("parts of a frame are answered by %d and %d", status, answer);
        status = answer;
    }
    return status;
}

int net_send(struct net *net, const struct net_frame *frame, unsigned part)
{
    put_frame(net, frame, part);
    return send_put(net);
}

int net_name_group(struct net *net, const uint8_t *mac, bool add)
{
    struct netif_extra_info extra = {.type = add ? XEN_NETIF_EXTRA_TYPE_MCAST_ADD : XEN_NETIF_EXTRA_TYPE_MCAST_DEL};

    memcpy(extra.u.mcast.addr, mac, sizeof(extra.u.mcast.addr));
    tx_slot(net)->request = (struct netif_tx_request){.flags = NETTXF_extra_info};
    tx_slot(net)->extra = extra;
    return send_put(net);
}

/*
 * ---- Receiving.
 */

/* The slot of the next response, with its buffer. */
static union netif_rx_slot rx_take(struct net *net, const uint8_t **buffer)
{
    uint32_t index = net->rx_consumed++;

    *buffer = net->buffers[index % NET_BUFFERS];
    return net->rx->slots[index % NETIF_RING_SLOTS];
}

/* Append what one response has.  False: the back end could not. */
static bool take_part(struct net_frame *frame, const struct netif_rx_response *response, const uint8_t *buffer,
                      uint16_t id)
{
    if (response->id != id)
        test_error("response %u to request %u", response->id, id);
    if (response->status < 0)
        return false;
    if (response->offset + response->status > (int)PAGE_SIZE || frame->size + (unsigned)response->status > NET_MAX)
        test_error("a response of %d bytes at %u, behind %u", response->status, response->offset, frame->size);
    memcpy(frame->bytes + frame->size, buffer + response->offset, (size_t)response->status);
    frame->size += (unsigned)response->status;
    return true;
}

static void take_extra(struct net *net, struct net_frame *frame)
{
    const uint8_t *unused;
    struct netif_extra_info extra = rx_take(net, &unused).extra;

    if (extra.type != XEN_NETIF_EXTRA_TYPE_GSO || extra.flags)
        test_error("an extra of type %u with flags %u", extra.type, extra.flags);
    frame->gso_type = extra.u.gso.type;
    frame->gso_size = extra.u.gso.size;
}

/* A whole frame, of which the first response is there, and so are the others. */
static bool take_frame(struct net *net, struct net_frame *frame)
{
    bool more, good = true;

    frame->size = frame->flags = frame->gso_type = frame->gso_size = 0;
    do {
        const uint8_t *buffer;
        uint16_t id = (uint16_t)net->rx_consumed;
        struct netif_rx_response response = rx_take(net, &buffer).response;

        frame->flags |= response.flags;
        good = take_part(frame, &response, buffer, id) && good;
        if (response.flags & NETRXF_extra_info)
            take_extra(net, frame);
        more = response.flags & NETRXF_more_data;
    } while (more);
    net->errors += !good;
    return good;
}

static bool await_response(struct net *net, uint64_t deadline)
{
    for (;;) {
        event_clear(net->rx_port);
        if (__atomic_load_n(&net->rx->head.rsp_prod, __ATOMIC_SEQ_CST) != net->rx_consumed)
            return true;
        if (time_now() > deadline)
            return false;
        event_poll(net->rx_port, deadline);
    }
}

bool net_receive(struct net *net, struct net_frame *frame, uint64_t deadline)
{
    for (;;) {
        bool good;

        if (!await_response(net, deadline))
            return false;
        good = take_frame(net, frame);
        while (net->rx_produced - net->rx_consumed < NET_BUFFERS)
            post(net);
        WRITE_ONCE(net->rx->head.rsp_event, net->rx_consumed + 1);
        publish_buffers(net);
        if (good)
            return true;
    }
}
