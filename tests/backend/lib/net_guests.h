/* SPDX-License-Identifier: MIT */
/*
 * Guests with an interface each, and what backend/netback.c stands on: keys, ports and pages of theirs in a program.
 * The guests are on one switch, and all that is mapped and bound is accounted for.
 */
#pragma once

#include <backend/switch.h>
#include <backend/xenbus.h>
#include <tests/backend/lib/ends.h>
#include <tests/backend/lib/front.h>
#include <tests/backend/lib/keys.h>

#define GUESTS     2u
#define QUEUES     4u
#define TX_REF     500u /* of guest n, queue q: TX_REF + n + 10 * q */
#define RX_REF     600u
#define FIRST_PORT 20u /* of guest n, queue q: FIRST_PORT + 2 * n + 10 * q, and the next one */

struct guest_of {
    struct xenbus_device device;
    struct key front[KEYS_MAX], back[KEYS_MAX];
    struct front_tx tx, more_tx[QUEUES - 1]; /* of the first queue, of the others */
    struct front_rx rx, more_rx[QUEUES - 1];
    unsigned told_tx, told_rx;
    unsigned told; /* a bit for each queue */
};

extern struct guest_of net_guests[GUESTS];
extern const struct xenbus_type *net_type; /* the back end's */
extern unsigned net_written, net_failures; /* keys that it has written, front ends that it has found at fault */
extern uint64_t net_now, net_timer;        /* the time, which stands still, and when it wants to be woken */
extern char net_uplink_name[SWITCH_NAME_MAX + 1];
extern uint8_t net_uplink_mac[MAC_SIZE];

/* The rings of a guest's queue. */
struct front_tx *net_guest_tx(struct guest_of *one, unsigned queue);
struct front_rx *net_guest_rx(struct guest_of *one, unsigned queue);

/* The keys of a front end that can do everything, with one queue and a port for each direction; it is new. */
void net_guest_start(unsigned number);

/* Four queues in place of one; those with an odd number have a port for each direction. */
void net_guest_give_queues(unsigned number);

/* All are served from now on. */
void net_guests_connect(void);

/* The events that the back end has asked for, and turns until it wants no more. */
void net_guests_run(void);

/* Does guest 0 connect with its keys?  Then it has a turn and is disconnected; nothing is left either way. */
bool net_guests_try(void);

/* Before each test and after it. */
int net_guests_begin(void **state);
int net_guests_end(void **state);
