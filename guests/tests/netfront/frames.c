/* SPDX-License-Identifier: MIT */
/* In order: numbers; frames of any kind; IP; the user network. */
#include <guest/string.h>
#include <guests/tests/netfront/frames.h>

#define PROTOCOL_UDP 17u
#define PROTOCOL_TCP 6u
#define IP_HEADER    20u
#define TRANSPORT    (IP_START + IP_HEADER)

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* 10.0.2.2 is the gateway of QEMU's user network, 10.0.2.15 whoever asks it. */
#define GATEWAY UINT32_C(0x0a000202)
#define HERE    UINT32_C(0x0a00020f)
#define THERE   UINT32_C(0x0a000210)

/*
 * ---- Numbers.
 */

unsigned frame_get16(const uint8_t *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

uint32_t frame_get32(const uint8_t *at)
{
    return (uint32_t)frame_get16(at) << 16 | frame_get16(at + 2);
}

void frame_put16(uint8_t *at, unsigned number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

void frame_put32(uint8_t *at, uint32_t number)
{
    frame_put16(at, number >> 16);
    frame_put16(at + 2, number & 0xffff);
}

static unsigned sum_of(const uint8_t *bytes, unsigned size, uint64_t sum)
{
    for (unsigned i = 0; i < size; i++)
        sum += i % 2 ? bytes[i] : (unsigned)bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned)sum;
}

/*
 * ---- Frames.
 */

unsigned frame_type(const struct net_frame *frame)
{
    return frame->size < ETHERNET ? 0 : frame_get16(frame->bytes + 12);
}

void frame_begin(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned type)
{
    memcpy(frame->bytes, to, 6);
    memcpy(frame->bytes + 6, from, 6);
    frame_put16(frame->bytes + 12, type);
    frame->size = ETHERNET;
    frame->flags = frame->gso_type = frame->gso_size = 0;
}

static uint8_t byte_at(unsigned place)
{
    return (uint8_t)(place * 7 + place / 251);
}

void frame_fill(struct net_frame *frame, unsigned at, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        frame->bytes[at + i] = byte_at(i);
    frame->size = at + size;
}

bool frame_is_filled(const uint8_t *bytes, unsigned size, unsigned first)
{
    for (unsigned i = 0; i < size; i++) {
        if (bytes[i] != byte_at(first + i))
            return false;
    }
    return true;
}

/*
 * ---- IP.
 */

static unsigned pseudo_sum(const uint8_t *ip, unsigned size)
{
    return sum_of(ip + 12, 8, (uint64_t)ip[9] + size);
}

unsigned frame_sum(const uint8_t *bytes, unsigned size)
{
    unsigned rest = size - TRANSPORT;

    return sum_of(bytes + TRANSPORT, rest, pseudo_sum(bytes + IP_START, rest));
}

static void make_ip(struct net_frame *frame, unsigned protocol, uint32_t from, uint32_t to)
{
    uint8_t *ip = frame->bytes + IP_START;

    memset(ip, 0, IP_HEADER);
    ip[0] = 0x45;
    frame_put16(ip + 2, frame->size - IP_START);
    ip[8] = 64; /* hops */
    ip[9] = (uint8_t)protocol;
    frame_put32(ip + 12, from);
    frame_put32(ip + 16, to);
    frame_put16(ip + 10, ~sum_of(ip, IP_HEADER, 0) & 0xffff);
}

/* The frame has its data; the header of the transport is @size bytes, with its checksum at @place. */
static void finish_ip(struct net_frame *frame, unsigned protocol, uint32_t from, uint32_t to, unsigned place)
{
    make_ip(frame, protocol, from, to);
    frame_put16(frame->bytes + TRANSPORT + place, pseudo_sum(frame->bytes + IP_START, frame->size - TRANSPORT));
    frame->flags = NETTXF_csum_blank | NETTXF_data_validated;
}

static void make_udp_header(struct net_frame *frame, unsigned from, unsigned to)
{
    uint8_t *udp = frame->bytes + TRANSPORT;

    frame_put16(udp, from);
    frame_put16(udp + 2, to);
    frame_put16(udp + 4, frame->size - TRANSPORT);
}

void frame_make_udp(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned size)
{
    frame_begin(frame, to, from, TYPE_IP);
    frame_fill(frame, UDP_DATA, size);
    make_udp_header(frame, 1000, 2000);
    finish_ip(frame, PROTOCOL_UDP, HERE, THERE, 6);
}

void frame_make_tcp(struct net_frame *frame, const uint8_t *to, const uint8_t *from, unsigned size)
{
    uint8_t *tcp = frame->bytes + TRANSPORT;

    frame_begin(frame, to, from, TYPE_IP);
    frame_fill(frame, TCP_DATA, size);
    memset(tcp, 0, TCP_DATA - TRANSPORT);
    frame_put16(tcp, 1000);
    frame_put16(tcp + 2, 2000);
    tcp[12] = 5 << 4;
    tcp[13] = 0x18; /* PSH, ACK */
    finish_ip(frame, PROTOCOL_TCP, HERE, THERE, 16);
}

/*
 * ---- The user network.
 */

void frame_make_arp(struct net_frame *frame, const uint8_t *from)
{
    static const uint8_t request[] = {0, 1, 8, 0, 6, 4, 0, 1};
    uint8_t *arp = frame->bytes + ETHERNET;

    frame_begin(frame, everybody, from, TYPE_ARP);
    frame->size = 60;
    memset(arp, 0, frame->size - ETHERNET);
    memcpy(arp, request, sizeof(request));
    memcpy(arp + 8, from, 6);
    frame_put32(arp + 14, HERE);
    frame_put32(arp + 24, GATEWAY);
}

bool frame_answers_arp(const struct net_frame *frame)
{
    const uint8_t *arp = frame->bytes + ETHERNET;

    return frame_type(frame) == TYPE_ARP && frame->size >= ETHERNET + 28 && frame_get16(arp + 6) == 2 &&
           frame_get32(arp + 14) == GATEWAY;
}

/* RFC 2131: what a client says first. */
void frame_make_dhcp(struct net_frame *frame, const uint8_t *from)
{
    static const uint8_t options[] = {0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255};
    uint8_t *dhcp = frame->bytes + UDP_DATA;

    frame_begin(frame, everybody, from, TYPE_IP);
    memset(dhcp, 0, 300);
    frame->size = UDP_DATA + 300;
    dhcp[0] = dhcp[1] = 1;
    dhcp[2] = 6;
    memcpy(dhcp + 4, "xid1", 4);
    memcpy(dhcp + 28, from, 6);
    memcpy(dhcp + 236, options, sizeof(options));
    make_udp_header(frame, 68, 67);
    finish_ip(frame, PROTOCOL_UDP, 0, UINT32_MAX, 6);
}

bool frame_answers_dhcp(const struct net_frame *frame, const uint8_t *to)
{
    const uint8_t *dhcp = frame->bytes + UDP_DATA;

    return frame_type(frame) == TYPE_IP && frame->size > UDP_DATA + 240 &&
           frame_get16(frame->bytes + TRANSPORT + 2) == 68 && dhcp[0] == 2 && !memcmp(dhcp + 4, "xid1", 4) &&
           !memcmp(dhcp + 28, to, 6);
}
