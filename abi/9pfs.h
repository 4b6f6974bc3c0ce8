/* SPDX-License-Identifier: MIT */
/*
 * Directories of another domain's: the rings that 9P messages pass through.
 */
#ifndef ABI_9PFS_H
#define ABI_9PFS_H

#include "grant.h"
#include "types.h"

/*
 * `incontents 720 9pfs Directories: two streams of 9P messages
 * `
 * ` A ring is one page with a struct xen_9pfs_data_intf, and 2 to the ring_order pages of data, all of which the front
 * ` end lends to the back end.  The first half of the data is a stream of bytes to the front end, "in", the second half
 * ` one to the back end, "out".  The indexes count bytes, and wrap at 2 to the 32; byte i of a stream is at i modulo
 * ` half the size of the data. {layout}
 * ` A prod is written by who sends, a cons by who receives; {writers}
 * ` the other one gets an event for each change.
 * `
 * ` A stream consists of messages, which are 9P's: size (4 bytes, of all of it), type (1), tag (2) and what belongs to
 * ` the type; numbers are little endian. {messages}
 * ` A message need not be there as a whole when its beginning is. {partial}
 */
struct xen_9pfs_data_intf {
    uint32_t in_cons;
    uint32_t in_prod;
    uint8_t _gap0[56];
    uint32_t out_cons;
    uint32_t out_prod;
    uint8_t _gap1[56];
    uint32_t ring_order;
    grant_ref_t ref[]; /* 2 to the ring_order */
};

/* Bytes of each of both streams. */
#define XEN_FLEX_RING_SIZE(order) (1UL << ((order) + 12 - 1))

#endif /* ABI_9PFS_H */
