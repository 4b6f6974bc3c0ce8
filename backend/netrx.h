/* SPDX-License-Identifier: MIT */
/* From packets to the ring on which a guest receives: into the pages that its front end has posted. */
#pragma once

#include <backend/netring.h>
#include <backend/queue.h>

/*
 * Copy packets of @queue, one after the other, to @domain, as far as its front end has posted pages, and for a turn's
 * share.  *@notify: it is to be told.  *@more: there are packets and pages for another turn.
 *
 * A packet takes a page for every PAGE_SIZE bytes, and one slot more if it has a gso.  One whose copy fails is answered
 * by NETIF_RSP_ERROR and lost.
 *
 * 0, or -XEN_EINVAL: the ring is not in order and is not to be looked at any more; *@notify holds even then.
 */
int __must_check netrx_give(struct netring *ring, unsigned domain, struct packet_queue *queue, bool *notify,
                            bool *more);
