/* SPDX-License-Identifier: MIT */
/* A network front end: one interface, its two rings, frames in and out; a test may write there by hand, too. */
#pragma once

#include <abi/netif.h>
#include <guest/event.h>
#include <guest/types.h>
#include <guests/tests/lib/device.h>

#define NET_PARTS   18u /* pages to send from, one for each part of a frame */
#define NET_BUFFERS 64u /* pages to receive into */
#define NET_MAX     65535u
#define NO_ANSWER   99

/* What an interface connects with. */
#define NET_SPLIT    (1u << 0) /* a port for each direction */
#define NET_SG       (1u << 1)
#define NET_TSO      (1u << 2)
#define NET_NO_BLANK (1u << 3) /* checksums have to be complete */
#define NET_GROUPS   (1u << 4) /* no multicast but that of groups that are named */

struct net {
    struct device device;
    struct device ring_keys; /* the same, but that keys of the rings are in a directory of it if there are several */
    uint8_t mac[6];
    unsigned features;
    struct netif_tx_ring *tx;
    struct netif_rx_ring *rx;
    grant_ref_t tx_ref, rx_ref;
    evtchn_port_t tx_port, rx_port; /* the same without NET_SPLIT */
    uint32_t tx_produced, tx_consumed, rx_produced, rx_consumed;
    uint8_t *parts[NET_PARTS], *buffers[NET_BUFFERS];
    grant_ref_t part_refs[NET_PARTS], buffer_refs[NET_BUFFERS]; /* lent to be read, to be written */
    unsigned errors;                                            /* receptions that the back end says have failed */
};

/* A frame in one piece, and what a ring says of it. */
struct net_frame {
    uint8_t *bytes; /* NET_MAX of them */
    unsigned size;
    unsigned flags; /* to send: NETTXF_csum_blank; received: NETRXF_csum_blank, NETRXF_data_validated */
    unsigned gso_type, gso_size;
};

/* Memory for one. */
struct net_frame net_frame_alloc(void);

/* Find the interface device/vif/@id, and lend the pages. */
void net_init(struct net *net, unsigned id);

/* The same of the pair of rings @which of several, which another `struct net` each is for. */
void net_init_queue(struct net *net, unsigned id, unsigned which);

/* Connect all of @count; each has been initialised by net_init_queue(), in this order.  False: they do not connect. */
bool net_connect_queues(struct net *queues, unsigned count, unsigned features);

/* With fresh rings and all buffers posted: write the keys, and wait for the back end.  False: it does not connect. */
bool net_connect(struct net *net, unsigned features);

/* The two halves of it: keys and rings, without a word of states. */
void net_prepare(struct net *net, unsigned features);
void net_release(struct net *net);

/* By way of the states to where a new net_connect() can begin. */
bool net_close(struct net *net);

/* Send the frame in parts of @part bytes.  What it is answered by, the same for each part; NO_ANSWER: not at all. */
int net_send(struct net *net, const struct net_frame *frame, unsigned part);

/* Name a group, or name it no more.  As net_send(). */
int net_name_group(struct net *net, const uint8_t *mac, bool add);

/* The next frame, waited for until @deadline.  False: there is none. */
bool net_receive(struct net *net, struct net_frame *frame, uint64_t deadline);
