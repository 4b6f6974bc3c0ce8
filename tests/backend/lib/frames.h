/* SPDX-License-Identifier: MIT */
/* Ethernet frames with TCP or UDP in them, and their checksums by a plain loop over the bytes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct frame {
    uint8_t bytes[65535];
    unsigned size;
    unsigned version, protocol, tags; /* as asked for */
    unsigned ip, transport, data;     /* where things are */
};

/*
 * A frame with @size bytes of random data, random options, and for IPv6 random extension headers; the checksum of TCP
 * or UDP is that of the pseudo-header only, as from a front end that leaves the rest to others.
 */
void frame_make(struct frame *frame, unsigned version, unsigned protocol, unsigned tags, unsigned size);

/* What the field of the checksum must hold when it is complete. */
unsigned frame_checksum(const struct frame *frame);

/* Are IP's lengths and checksum and that of TCP or UDP right in the frame at @bytes, made like @like? */
bool frame_is_right(const struct frame *like, const uint8_t *bytes, unsigned size);
