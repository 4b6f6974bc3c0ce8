/* SPDX-License-Identifier: MIT */
/*
 * What the rings of disks and networks begin with.
 */
#ifndef ABI_RING_H
#define ABI_RING_H

#include "types.h"

/*
 * `incontents 690 ring The head of a ring
 * `
 * ` The first page of a ring begins with its head, and the slots follow.  The indexes count slots, and wrap at 2 to the
 * ` 32; slot i is element i modulo their number. {indexes}
 * `
 * ` Who has changed a prod raises an event if it has passed what the other one wrote into the event index. {events}
 * ` Both prods begin as 0, both event indexes as 1.
 */
struct sring_head {
    uint32_t req_prod;  /* written by the front end */
    uint32_t req_event; /* written by the back end: raise an event when req_prod reaches it */
    uint32_t rsp_prod;  /* written by the back end */
    uint32_t rsp_event; /* written by the front end */
    uint8_t _gap0[48];
};

#endif /* ABI_RING_H */
