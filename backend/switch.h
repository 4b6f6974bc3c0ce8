/* SPDX-License-Identifier: MIT */
/*
 * Learning switches, each with a name, that join the guests' interfaces and the machine's network cards.
 *
 * They do what a plain bridge does (IEEE 802.1D) without a spanning tree: a packet goes to the port where its
 * destination was last heard of, or to all but the one it came from, and such as do not want the group that it is to.
 * Nothing is known about who owns an address: a
 * port that sends with the address of another takes its packets over, as on any such bridge.  But what a port makes
 * the switch remember takes room from nobody else.
 */
#pragma once

#include <backend/groups.h>
#include <backend/queue.h>

#define SWITCHES_MAX    16u
#define SWITCH_QUEUES   4u /* of a port */
#define SWITCH_NAME_MAX 31u

/* An address that has been silent for so many nanoseconds is forgotten. */
#define SWITCH_AGE UINT64_C(300000000000)

/* So many addresses are remembered for each port; of two that fall on one place the later stays. */
#define SWITCH_LEARNED 64u

struct switch_learned {
    uint8_t mac[MAC_SIZE];
    bool valid;
    uint64_t heard;
};

/* Memory of the owner; all zero before the first switch_attach(), but for the members that the owner sets. */
struct switch_port {
    /* The owner's: what it takes.  A port that takes packets to be cut takes blank checksums. */
    bool takes_blank, takes_tso4, takes_tso6;
    unsigned size_max; /* of a packet that is not to be cut, with the Ethernet header */

    const struct groups *groups; /* whose packets it takes, and no other groups'; NULL: all */

    unsigned nr_queues; /* in use, to which packets are given by their flow; 0 is 1 */

    /* What waits for the owner, who takes it. */
    struct packet_queue queues[SWITCH_QUEUES];

    /* The switch's. */
    struct vswitch *home;
    struct switch_port *next;
    struct switch_learned learned[SWITCH_LEARNED];
    uint64_t refused; /* packets that the port could not take, or for which there was no memory */
};

/*
 * Join the port to the switch called @name, which is made if need be.  0, or the port is as it was:
 * -XEN_EINVAL the name is empty or too long, -XEN_ENOSPC there are too many switches.
 */
int __must_check switch_attach(struct switch_port *port, const char *name);

/* Leave the switch, which ends with its last port; what waits is dropped.  Nothing for a port that has none. */
void switch_detach(struct switch_port *port);

/*
 * @packet, which has come in at @port, goes where it belongs: the switch has it from now on.  Its checksum and its gso
 * are what the rest of the back end may rely on: csum_start and csum_offset within it, segment_possible().
 */
void switch_input(struct switch_port *port, struct packet *packet);
