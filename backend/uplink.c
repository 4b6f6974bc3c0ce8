/* SPDX-License-Identifier: MIT */
/* Between nic.h and switch.h. */
#include <abi/errno.h>
#include <guest/string.h>
#include <backend/checksum.h>
#include <backend/segment.h>
#include <backend/switch.h>
#include <backend/uplink.h>
#include <backend/work.h>

/* What goes onto the wire: 1500 bytes, the header, and a VLAN tag. */
#define WIRE_MAX 1518u

struct uplink {
    struct nic *nic; /* NULL: unused */
    char name[SWITCH_NAME_MAX + 1];
    struct switch_port port;
    struct packet *held; /* taken from the port, and not yet from us */
};

static struct uplink uplinks[UPLINKS_MAX];

/* The rest of the back end relies on what a packet says of itself; a card's word is not enough for that. */
static void receive(struct nic *nic, struct packet *packet)
{
    struct uplink *uplink = nic->owner;

    if (packet->checksum_blank && checksum_locate(packet))
        checksum_finish(packet);
    if (packet->gso != PACKET_GSO_NONE && !segment_possible(packet))
        packet_free(packet);
    else
        switch_input(&uplink->port, packet);
}

static int join(struct uplink *uplink, struct nic *nic, const char *name)
{
    int error;

    *uplink = (struct uplink){.port = {.takes_blank = nic->can_checksum,
                                       .takes_tso4 = nic->can_checksum && nic->can_tso4,
                                       .takes_tso6 = nic->can_checksum && nic->can_tso6,
                                       .size_max = WIRE_MAX}};
    error = switch_attach(&uplink->port, name);
    if (error)
        return error;
    memcpy(uplink->name, name, strlen(name) + 1);
    uplink->nic = nic;
    nic->owner = uplink;
    nic->receive = receive;
    return 0;
}

int uplink_join(const uint8_t mac[MAC_SIZE], const char *name)
{
    struct nic *nic = nic_find(mac);
    const struct uplink *owner = nic ? nic->owner : NULL;

    if (!nic)
        return -XEN_ENODEV;
    if (owner)
        return strcmp(owner->name, name) ? -XEN_EBUSY : 0;
    for (unsigned i = 0; i < UPLINKS_MAX; i++) {
        if (!uplinks[i].nic)
            return join(&uplinks[i], nic, name);
    }
    return -XEN_ENOSPC;
}

/* A packet for which the card has no room stays in hand until it has; one that it cannot send any more is lost. */
static void send(struct uplink *uplink)
{
    while (uplink->held || uplink->port.queues[0].first) {
        int error;

        if (!uplink->held)
            uplink->held = queue_take(&uplink->port.queues[0]);
        error = nic_send(uplink->nic, uplink->held);
        if (error == -XEN_EAGAIN)
            return;
        if (error)
            packet_free(uplink->held);
        uplink->held = NULL;
    }
}

/* Last come the cards, which look at what they were given only when they are told. */
void uplink_turn(void)
{
    if (nic_poll())
        work_again();
    for (unsigned i = 0; i < UPLINKS_MAX; i++) {
        if (uplinks[i].nic)
            send(&uplinks[i]);
    }
    nic_kick();
}
