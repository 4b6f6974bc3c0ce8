/* SPDX-License-Identifier: MIT */
/* The kernel's memory as the pools of packets take it, on the host. */
#pragma once

#include <backend/packet.h>

/* Fill the pools, once in a program. */
void pool_start(void);

/* Nothing of the pools is in anybody's hands: for the end of each test. */
void pool_assert_full(void);

/* Hold all pages but @left until the next call, which may ask for all to be left. */
void pool_leave(unsigned left);

/* A packet that holds @size bytes of @bytes in fragments of random size and place. */
struct packet *pool_make_packet(const uint8_t *bytes, unsigned size);

/* The same in as few fragments as there can be. */
struct packet *pool_make_dense(const uint8_t *bytes, unsigned size);
