/* SPDX-License-Identifier: MIT */
/* From the ring on which a guest sends to packets: frames are put together of slots, and copied. */
#pragma once

#include <backend/groups.h>
#include <backend/netring.h>
#include <backend/packet.h>

/* A frame has its bytes in so many slots at most; those of netif_extra_info come on top. */
#define NETTX_PARTS 18u

/* A turn takes so many frames at most. */
#define NETTX_FRAMES 32u

/*
 * Take up to @max frames, NETTX_FRAMES at most, off the ring of @domain, and answer them: *@list receives the good ones
 * as packets in order, linked by next, which are the caller's and as switch_input() wants them.  What frames say of
 * groups is done to @groups; such a frame has nothing to send, and says one thing.  *@notify: the front
 * end is to be told of the answers.  *@more: there may be more to take at once.
 *
 * A frame that is wrong in itself is answered by NETIF_RSP_ERROR, one for which there is no memory by _DROPPED.  Frames
 * of which slots are missing stay until these come.
 *
 * 0, or -XEN_EINVAL: the ring is not in order and is not to be looked at any more; *@list and *@notify hold even then.
 */
int __must_check nettx_take(struct netring *ring, unsigned domain, unsigned max, struct groups *groups,
                            struct packet **list, bool *notify, bool *more);
