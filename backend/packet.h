/* SPDX-License-Identifier: MIT */
/*
 * Packets of the back end: an Ethernet frame in fragments, each in a page of the back end's own, and what is known
 * about its checksum and its segmentation.
 *
 * Packets and pages come from two bounded pools that packet_init() fills: nothing is allocated later.  A packet has
 * one holder at a time, and its pages belong to it: whoever passes a packet on has it no more.
 */
#pragma once

#include <guest/types.h>

/* 65535 bytes fill 16 pages; one fragment more for a header apart, one for a start inside a page. */
#define PACKET_FRAGMENTS 18u
#define PACKET_SIZE_MAX  65535u

#define PACKET_PAGES 3072u
#define PACKETS      PACKET_PAGES /* a packet has a page at least, so that pages run out first */

/* What a frame begins with: two addresses and a type. */
#define MAC_SIZE        6u
#define ETHERNET_HEADER 14u

/* @size bytes at @page + @offset; they do not leave the page, and are at least one. */
struct packet_fragment {
    uint8_t *page; /* a page of the pool, aligned */
    uint16_t offset, size;
};

/* A packet larger than the wire takes is cut into TCP segments of gso_size bytes of data by whoever sends it there. */
enum packet_gso { PACKET_GSO_NONE, PACKET_GSO_TCPV4, PACKET_GSO_TCPV6 };

struct packet {
    struct packet *next; /* for the holder's lists */
    struct packet_fragment fragments[PACKET_FRAGMENTS];
    unsigned nr_fragments;
    uint32_t size; /* of all fragments */

    /*
     * checksum_blank: the field at csum_start + csum_offset holds the sum of the pseudo-header only, to be completed
     * by the sum from csum_start on, as virtio's VIRTIO_NET_HDR_F_NEEDS_CSUM says.  checksum_good: TCP's or UDP's
     * checksum has been verified, or needs no check.  Both set is the same as the first alone.
     */
    bool checksum_blank, checksum_good;
    uint16_t csum_start, csum_offset;

    enum packet_gso gso;
    uint16_t gso_size; /* not 0 where gso is not PACKET_GSO_NONE; then checksum_blank is set as well */
};

/* Fill the pools from the free pages of the kernel; once, at the start. */
void packet_init(void);

/* An empty packet, NULL where there is none.  It is the caller's. */
struct packet *packet_alloc(void);

/* Give the packet back, and its pages. */
void packet_free(struct packet *packet);

/* The same for all that are linked by next. */
void packet_free_list(struct packet *list);

/* A page of the pool, with whatever was in it; NULL where there is none.  It is the caller's. */
uint8_t *packet_page_alloc(void);
void packet_page_free(uint8_t *page);

/*
 * Append @size bytes, 1 to PAGE_SIZE, that are at @page + @offset.  On 0 the page is the packet's.
 * -XEN_ENOSPC: as many fragments as a packet can have, or more bytes than PACKET_SIZE_MAX; the page is the caller's.
 */
int __must_check packet_append(struct packet *packet, uint8_t *page, unsigned offset, unsigned size);

/* Append room for @size bytes in pages of the pool.  -XEN_ENOMEM, -XEN_ENOSPC: then the packet is as it was. */
int __must_check packet_extend(struct packet *packet, unsigned size);

/*
 * The byte at @offset, which is below packet->size.  *@size says how many bytes from there on are wanted, and receives
 * how many of them lie in a row.
 */
uint8_t *packet_at(const struct packet *packet, unsigned offset, unsigned *size);

/* Copy @size bytes at @offset of the packet.  false: they are not all in it, and nothing has been copied. */
bool __must_check packet_read(const struct packet *packet, unsigned offset, void *to, unsigned size);
bool __must_check packet_write(struct packet *packet, unsigned offset, const void *from, unsigned size);

/* Copy @size bytes at @offset of @from to those at @at of @to; both packets have them. */
void packet_copy_bytes(struct packet *to, unsigned at, const struct packet *from, unsigned offset, unsigned size);

/* Another packet with the same bytes and properties, which is the caller's; NULL where the pools have no room. */
struct packet *packet_copy(const struct packet *packet);

/* How much of the pools is left. */
unsigned packet_pages_free(void);
unsigned packet_count_free(void);
