/* SPDX-License-Identifier: MIT */
/* Cutting a packet into TCP segments, where whoever takes it cannot do that itself. */
#pragma once

#include <backend/headers.h>

/* So many segments come of one packet at most: 64 KiB in parts of 512 bytes. */
#define SEGMENTS_MAX 128u

/*
 * May a packet with this gso and gso_size go on its way?  Its headers are what gso says, there is data behind them, it
 * is cut into SEGMENTS_MAX at most, and its checksum is blank where TCP has it.
 */
bool segment_possible(const struct packet *packet);

/*
 * Cut @packet, for which segment_possible() holds, into segments with complete checksums: *@list receives them in
 * order, linked by next.  They are the caller's; @packet stays the caller's.
 * -XEN_ENOMEM: the pools have no room; there is no list.
 */
int __must_check segment_packet(const struct packet *packet, struct packet **list);
