/* SPDX-License-Identifier: MIT */
/*
 * Tickets, as at a counter: whoever draws first is served first, so that nobody waits for ever while others come and
 * go.  hv/cpu/lock.h makes locks of them; what is below that room has them as they are.  Pure, and calls nobody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* All zero: nobody is there. */
struct ticket {
    uint32_t next;   /* the number that the next one draws */
    uint32_t served; /* whose turn it is */
};

static inline uint32_t ticket_draw(struct ticket *ticket)
{
    return __atomic_fetch_add(&ticket->next, 1, __ATOMIC_RELAXED);
}

/* Is it the turn of who has drawn @number?  Then what those before have written is seen. */
static inline bool ticket_is_served(const struct ticket *ticket, uint32_t number)
{
    return __atomic_load_n(&ticket->served, __ATOMIC_ACQUIRE) == number;
}

/* By whoever is served: it is the turn of the number that this returns.  A locked instruction, see hv/cpu/wait.h. */
static inline uint32_t ticket_pass_on(struct ticket *ticket)
{
    return __atomic_add_fetch(&ticket->served, 1, __ATOMIC_SEQ_CST);
}

/* Has anybody drawn @number, or one behind it?  Only a number that is served, or has just been, tells. */
static inline bool ticket_is_drawn(const struct ticket *ticket, uint32_t number)
{
    return __atomic_load_n(&ticket->next, __ATOMIC_SEQ_CST) != number;
}
