/* SPDX-License-Identifier: MIT */
/*
 * Network cards of the machine, as their driver offers them to whoever joins them to a switch.
 */
#pragma once

#include <backend/packet.h>

struct nic {
    uint8_t mac[MAC_SIZE];
    bool link_up;

    /*
     * What nic_send() takes: packets with a blank checksum; packets to be cut, as PACKET_GSO_TCPV4 or _TCPV6.
     * A card that can do the second can do the first.
     */
    bool can_checksum, can_tso4, can_tso6;

    /*
     * For the owner to set, NULL at first: called from nic_poll() for each packet that came in, which is the owner's
     * from then on.  Without an owner packets are dropped.  The packet is at least 14 bytes long; everything else in it
     * is whatever somebody sent, and its csum_start and csum_offset lie within it where checksum_blank is set.
     */
    void (*receive)(struct nic *nic, struct packet *packet);
    void *owner;
};

/* Find all cards and start them; packet_init() comes first.  The driver keeps packets of the pool for what comes in. */
void nic_init(void);

/* The card of this address, NULL where there is none.  It stays the driver's. */
struct nic *nic_find(const uint8_t mac[MAC_SIZE]);

/*
 * Send @packet, at least 14 bytes long, which the card can take by its flags above.  On 0 the driver has it and frees
 * it when it is sent, or lost.  -XEN_EAGAIN: no room now; the packet is the caller's, to be sent again after a
 * nic_poll().  -XEN_EIO: the card has failed; the packet is the caller's.
 */
int __must_check nic_send(struct nic *nic, struct packet *packet);

/*
 * Take back what is sent, pass on what came in: a bounded number of packets.  The main loop calls this after events.
 * True: something came in, or there may be more to do.
 */
bool nic_poll(void);

/* Tell the cards of what they were given.  Without this they may never look at it. */
void nic_kick(void);
