/* SPDX-License-Identifier: MIT */
/*
 * 9P messages (9P2000.L), as far as somebody between client and server has to know them: how large one is, and what
 * sizes it names.
 */
#pragma once

#include <guest/types.h>

#define NINEP_HEADER 7u /* size (4 bytes), type, tag (2): what each message begins with */

/* What the message says that its size is.  It has NINEP_HEADER bytes at least, or 4. */
uint32_t ninep_size(const uint8_t *message);

/*
 * See that the request of @size bytes, NINEP_HEADER at least, in private memory, makes no server read behind its end or
 * write a reply of more than *@msize bytes: what it asks for beyond that is made less.  One that begins a session is
 * made to agree on @most bytes at most, and *@msize becomes what it agrees on.
 * 0, or -XEN_EINVAL: it is larger than *@msize, or too short for what it is.
 */
int __must_check ninep_check(uint8_t *request, uint32_t size, uint32_t most, uint32_t *msize);
