/* SPDX-License-Identifier: MIT */
/* What the roles have in common; each is a guest with interfaces on the same network. */
#pragma once

#include <guests/tests/netfront/frames.h>
#include <guests/tests/netfront/net.h>

#define SECOND UINT64_C(1000000000)

#define TYPE_DONE 0x88b7u /* to the bystander: nothing hostile comes from here any more; and its answer */
#define TYPE_TO   0x88b9u /* to the mirror: it answers to the address at the beginning of the data */
#define TYPE_END  0x88b8u /* to the mirror: its own end has come; mirrored first */

/* What a mirrored frame has before what it was: flags, and gso_type and gso_size, of the reception. */
#define SEEN_FLAGS    ETHERNET
#define SEEN_GSO_TYPE (ETHERNET + 2)
#define SEEN_GSO_SIZE (ETHERNET + 4)
#define SEEN_HEAD     (ETHERNET + 8)

/* The address of interface @id of domain @number: tests/several gives them so. */
struct mac {
    uint8_t bytes[6];
};
struct mac mac_of(unsigned number, unsigned id);
struct mac mirror_of(unsigned id);

/* Send @frame, and wait up to @patience for what the mirror says of it, or of a part of it.  False: nothing. */
bool ask(struct net *net, const struct net_frame *frame, struct net_frame *answer, uint64_t patience);

/* A frame for interface @id of the mirror, with @size bytes of data, and whether this is what it says of it. */
void make_question(const struct net *net, struct net_frame *frame, unsigned id, unsigned size);
bool is_answer(const struct net_frame *frame, const struct net_frame *answer);

/* End the mirror. */
bool end_mirror(struct net *net);

/* The roles. */
void be_mirror(void);    /* two interfaces: what they receive they send back */
void be_visitor(void);   /* each way to send to the mirror, and to the machine's card */
void be_bystander(void); /* exchanges frames with the mirror until those that are hostile are done */
void be_hostile(void);   /* by seed */
