/* SPDX-License-Identifier: MIT */
/*
 * Where the headers of a packet are: Ethernet, up to two VLAN tags, IPv4 or IPv6 with its extension headers, TCP or
 * UDP.  All of it is what somebody sent, so nothing is believed but what lies within the packet.
 */
#pragma once

#include <backend/packet.h>

#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u

#define IPV6_HEADER  40u
#define TCP_CHECKSUM 16u /* where it is in TCP's header */

/* Offsets are from the start of the packet. */
struct headers {
    unsigned version;   /* of IP: 4 or 6 */
    unsigned ip;        /* IP's header */
    unsigned transport; /* TCP's or UDP's header, whose fixed part lies before end */
    unsigned end;       /* of the IP packet, by its own length; at most packet->size */
    unsigned protocol;  /* PROTOCOL_TCP or PROTOCOL_UDP */
    unsigned data;      /* behind the TCP or UDP header with its options; at most end */
};

/* A number in the order of bytes of the network. */
static inline unsigned get_be16(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static inline uint32_t get_be32(const uint8_t *bytes)
{
    return (uint32_t)get_be16(bytes) << 16 | get_be16(bytes + 2);
}

static inline void put_be16(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t *bytes, uint32_t value)
{
    put_be16(bytes, value >> 16);
    put_be16(bytes + 2, value & 0xffff);
}

/*
 * Find the headers of @packet.  -XEN_EINVAL: it is no TCP or UDP over IP, it is a fragment of IP's, its lengths
 * contradict each other or the packet, or it has more extension headers than anybody needs.
 */
int __must_check headers_find(const struct packet *packet, struct headers *headers);

/*
 * A number that the packets of one flow have in common: by addresses and ports of IP where headers_find() finds them,
 * else by the Ethernet addresses.  Whoever sends can choose which flows fall on the same number.
 */
uint32_t headers_flow(const struct packet *packet);
