/* SPDX-License-Identifier: MIT */
/*
 * One end of the xenstore's wire: whole messages out and in.  guest/xenstore.h is made of it.
 */
#pragma once

#include <abi/event.h>
#include <abi/io.h>
#include <guest/types.h>

struct xenstore_message {
    struct xsd_sockmsg head;
    char text[XENSTORE_PAYLOAD_MAX + 1]; /* ended by a zero byte that is not part of it */
};

/* Find the ring, in which nothing is under way.  0; -XEN_ENODEV: nobody serves one. */
int __must_check xenstore_ring_init(void);

/* The event channel of the ring. */
evtchn_port_t xenstore_ring_port(void);

/*
 * Send @size bytes, until @deadline in system time.  0; -XEN_ETIMEDOUT, -XEN_EIO: the connection has ended for good,
 * since half a message cannot be taken back, and the other end is not trusted with anything after an index that cannot
 * be or a message that is too long.
 */
int __must_check xenstore_ring_send(const void *bytes, size_t size, uint64_t deadline);

/*
 * Take what there is of the next message.  *@message: it is complete, and stays as it is until the next call; NULL: not
 * yet.  -XEN_EIO as above.
 */
int __must_check xenstore_ring_receive(const struct xenstore_message **message);

/* Sleep until the other end has done something, or until @deadline: -XEN_ETIMEDOUT. */
int __must_check xenstore_ring_wait(uint64_t deadline);
