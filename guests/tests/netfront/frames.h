/* SPDX-License-Identifier: MIT */
/* Frames of Ethernet, made and looked at. */
#pragma once

#include <guest/types.h>
#include <guests/tests/netfront/net.h>

#define ETHERNET 14u
#define IP_START ETHERNET
#define UDP_DATA 42u /* where the data are, behind headers without options */
#define TCP_DATA 54u

#define TYPE_IP   0x0800u
#define TYPE_ARP  0x0806u
#define TYPE_ASK  0x88b5u /* to be mirrored; both are for experiments, IEEE 802 */
#define TYPE_SEEN 0x88b6u /* what has been mirrored */

/* Numbers in the order of bytes of the network. */
unsigned frame_get16(const uint8_t *at);
uint32_t frame_get32(const uint8_t *at);
void frame_put16(uint8_t *at, unsigned number);
void frame_put32(uint8_t *at, uint32_t number);

unsigned frame_type(const struct net_frame *frame);

/* Make the head of a frame, and nothing else of it. */
void frame_begin(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned type);

/* @size bytes of data at @at, and the frame ends there; are they those of byte @first on? */
void frame_fill(struct net_frame *frame, unsigned at, unsigned size);
bool frame_is_filled(const uint8_t *bytes, unsigned size, unsigned first);

/* UDP or TCP over IP, with data and a blank checksum: that of the pseudo-header only. */
void frame_make_udp(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned size);
void frame_make_tcp(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned size);

/* The sum of the pseudo-header and of all behind IP's header: 0xffff if the checksum is complete. */
unsigned frame_sum(const uint8_t *bytes, unsigned size);

/* A request for the address of the user network's gateway, and whether this answers it. */
void frame_make_arp(struct net_frame *frame, const uint8_t *from);
bool frame_answers_arp(const struct net_frame *frame);

/* A request for an address, whose UDP checksum is blank, and whether this answers it. */
void frame_make_dhcp(struct net_frame *frame, const uint8_t *from);
bool frame_answers_dhcp(const struct net_frame *frame, const uint8_t *to);
