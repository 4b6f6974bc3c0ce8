/* SPDX-License-Identifier: MIT */
/* Where a packet goes, and what it must be made before the port can take it. */
#include <abi/errno.h>
#include <guest/string.h>
#include <guest/time.h>
#include <backend/checksum.h>
#include <backend/headers.h>
#include <backend/segment.h>
#include <backend/switch.h>

struct vswitch {
    char name[SWITCH_NAME_MAX + 1];
    struct switch_port *ports; /* NULL: there is no such switch */
};

static struct vswitch switches[SWITCHES_MAX];

static struct vswitch *find_or_make(const char *name)
{
    struct vswitch *unused = NULL;

    for (unsigned i = 0; i < SWITCHES_MAX; i++) {
        if (!switches[i].ports)
            unused = unused ? unused : &switches[i];
        else if (!strcmp(switches[i].name, name))
            return &switches[i];
    }
    if (unused)
        memcpy(unused->name, name, strlen(name) + 1);
    return unused;
}

int switch_attach(struct switch_port *port, const char *name)
{
    struct vswitch *home;

    if (!*name || strlen(name) > SWITCH_NAME_MAX)
        return -XEN_EINVAL;
    home = find_or_make(name);
    if (!home)
        return -XEN_ENOSPC;
    port->home = home;
    port->next = home->ports;
    home->ports = port;
    return 0;
}

void switch_detach(struct switch_port *port)
{
    struct switch_port **place;

    if (!port->home)
        return;
    for (place = &port->home->ports; *place != port; place = &(*place)->next)
        continue;
    *place = port->next;
    port->home = NULL;
    for (unsigned i = 0; i < SWITCH_QUEUES; i++)
        queue_clear(&port->queues[i]);
    memset(port->learned, 0, sizeof(port->learned));
}

/* 01:80:c2:00:00:00 to :0f are for the bridge itself and go no further (IEEE 802.1D, 7.12.6). */
static bool is_reserved(const uint8_t *mac)
{
    static const uint8_t reserved[MAC_SIZE] = {0x01, 0x80, 0xc2, 0, 0, 0};

    return !memcmp(mac, reserved, MAC_SIZE - 1) && mac[MAC_SIZE - 1] < 0x10;
}

static struct switch_learned *place_of(struct switch_port *port, const uint8_t *mac)
{
    unsigned mixed = mac[5] ^ (unsigned)mac[4] * 7 ^ (unsigned)mac[3] * 31 ^ (unsigned)mac[2] * 61;

    return &port->learned[mixed % SWITCH_LEARNED];
}

static bool has_learned(struct switch_port *port, const uint8_t *mac, uint64_t now)
{
    struct switch_learned *learned = place_of(port, mac);

    return learned->valid && now - learned->heard <= SWITCH_AGE && !memcmp(learned->mac, mac, MAC_SIZE);
}

/* The address is behind this port from now on, and behind no other. */
static void learn(struct switch_port *port, const uint8_t *mac, uint64_t now)
{
    struct switch_learned *learned = place_of(port, mac);

    for (struct switch_port *other = port->home->ports; other; other = other->next) {
        if (other != port && has_learned(other, mac, now))
            place_of(other, mac)->valid = false;
    }
    memcpy(learned->mac, mac, MAC_SIZE);
    learned->valid = true;
    learned->heard = now;
}

/* The packets of a flow stay in their order. */
static struct packet_queue *queue_of(struct switch_port *port, const struct packet *packet)
{
    return &port->queues[port->nr_queues > 1 ? headers_flow(packet) % port->nr_queues : 0];
}

/*
 * Pages that a queue may have: however many a port has, its owner holds no more than others.  Of several each has half
 * of what is left by the rest, so that none that stands still keeps the rest from receiving.
 */
static unsigned share_of(const struct switch_port *port, const struct packet_queue *queue)
{
    unsigned left = QUEUE_PAGES_MAX + queue->nr_pages;

    for (unsigned i = 0; i < SWITCH_QUEUES; i++)
        left -= port->queues[i].nr_pages;
    return port->nr_queues > 1 ? left / 2 : left;
}

/* Queue a packet that is not to be cut, or that the port cuts itself. */
static void put(struct switch_port *port, struct packet *packet)
{
    struct packet_queue *queue;

    if (packet->gso == PACKET_GSO_NONE && packet->size > port->size_max) {
        port->refused++;
        packet_free(packet);
        return;
    }
    if (!port->takes_blank)
        checksum_finish(packet);
    queue = queue_of(port, packet);
    queue_put(queue, packet, share_of(port, queue));
}

static bool takes_uncut(const struct switch_port *port, const struct packet *packet)
{
    switch (packet->gso) {
    case PACKET_GSO_TCPV4:
        return port->takes_tso4;
    case PACKET_GSO_TCPV6:
        return port->takes_tso6;
    default:
        return true;
    }
}

/* The port has @packet from now on. */
static void deliver(struct switch_port *port, struct packet *packet)
{
    struct packet *list, *next;

    if (takes_uncut(port, packet)) {
        put(port, packet);
        return;
    }
    if (segment_packet(packet, &list))
        port->refused++;
    packet_free(packet);
    for (; list; list = next) {
        next = list->next;
        put(port, list);
    }
}

static bool takes_group(const struct switch_port *port, const uint8_t *to)
{
    return !port->groups || !groups_is_group(to) || groups_has(port->groups, to);
}

/* To all who take it but where it came from: each has a copy, the last one the packet. */
static void flood(struct switch_port *from, const uint8_t *mac, struct packet *packet)
{
    struct switch_port *to = NULL;

    for (struct switch_port *port = from->home->ports; port; port = port->next) {
        struct packet *copy;

        if (port == from || !takes_group(port, mac))
            continue;
        if (to) {
            copy = packet_copy(packet);
            if (copy)
                deliver(to, copy);
            else
                to->refused++;
        }
        to = port;
    }
    if (to)
        deliver(to, packet);
    else
        packet_free(packet);
}

static void forward(struct switch_port *from, const uint8_t *to, struct packet *packet, uint64_t now)
{
    for (struct switch_port *port = from->home->ports; port; port = port->next) {
        if (!has_learned(port, to, now))
            continue;
        if (port == from)
            packet_free(packet);
        else
            deliver(port, packet);
        return;
    }
    flood(from, to, packet);
}

void switch_input(struct switch_port *port, struct packet *packet)
{
    uint8_t macs[2 * MAC_SIZE], *to = macs, *from = macs + MAC_SIZE;
    uint64_t now = time_now();

    if (!packet_read(packet, 0, macs, sizeof(macs)) || groups_is_shared(from) || is_reserved(to)) {
        packet_free(packet);
        return;
    }
    learn(port, from, now);
    if (groups_is_shared(to))
        flood(port, to, packet);
    else
        forward(port, to, packet, now);
}
