/* SPDX-License-Identifier: MIT */
/*
 * The Internet checksum of a packet (RFC 1071): where a sender left TCP's or UDP's to whoever sends it on, and that
 * one cannot take it so.
 */
#pragma once

#include <backend/headers.h>

/*
 * The sum, folded to 16 bits and not complemented, of @size bytes at @offset, which the packet has.  Words begin at
 * @offset; a last odd byte is followed by a zero.
 */
unsigned checksum_sum(const struct packet *packet, unsigned offset, unsigned size);

/* The sum of the pseudo-header of TCP or UDP for @size bytes from its header on. */
unsigned checksum_pseudo(const struct packet *packet, const struct headers *headers, unsigned size);

/*
 * @packet, whose checksum is blank by a front end's word, receives csum_start and csum_offset.
 * -XEN_EINVAL: it is nothing that has such a checksum; nothing has changed.
 */
int __must_check checksum_locate(struct packet *packet);

/* Complete the checksum of @packet if it is blank; it is good then.  csum_start and csum_offset are within it. */
void checksum_finish(struct packet *packet);
