/* SPDX-License-Identifier: MIT */
/*
 * Locks between processors, fair ones.  Interrupts are off while one is held or waited for, and nothing yields with one
 * held.  docs/locking.md says what each protects.
 *
 * The order in which they are taken stands here alone, and lock_take() holds everybody to it, in every build: whoever
 * holds one takes only such as come later.  So no two processors ever wait for each other.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/ticket.h>

/* Outermost first; of one rank by ascending number. */
enum lock_rank {
    LOCK_NONE,
    LOCK_HOUSE,    /* everything of hv/ that has no lock of its own */
    LOCK_DOMAIN,   /* by domain id: the engine's port_lock() */
    LOCK_SCHED,    /* who runs where */
    LOCK_TIMERS,   /* one list at a time */
    LOCK_REFUSALS, /* from here on each is taken for a few steps, and says beside its name what it takes inside */
    LOCK_HEAP,     /* the three behind it */
    LOCK_PAGING,
    LOCK_POOL,
    LOCK_LEAF, /* nothing at all inside */
    LOCK_RANKS,
};

struct lock {
    struct ticket ticket;
    uint32_t order;     /* LOCK_ORDER() */
    uint32_t resting;   /* so many of those that wait have halted, or are about to */
    struct lock *outer; /* of who holds it: what was taken last before; NULL: nothing is held besides */
};

#define LOCK_ORDER(rank, number) ((uint32_t)(rank) << 24 | (number)) /* a number below 2^24 */
#define LOCK_INIT(rank, number)               \
    {                                         \
        .order = LOCK_ORDER((rank), (number)) \
    }

/*
 * Returns with @lock held by this processor, which holds none of its rank and number or behind it.  While it waits it
 * answers what other processors ask of it: translations may be forgotten and roots loaded anew.
 */
void lock_take(struct lock *lock);

/*
 * This processor holds @lock; in whatever order those that it holds are dropped.  With the last one it answers what it
 * has been asked meanwhile.
 */
void lock_drop(struct lock *lock);

/* Does this processor hold @lock, any lock of @rank, or any at all? */
bool lock_is_mine(const struct lock *lock);
bool lock_rank_is_held(enum lock_rank rank);
bool lock_any_is_held(void);

/*
 * Whoever waits for a lock calls it again and again, interrupts off: answers what others ask of this processor, who may
 * have what it waits for.  Whoever has dropped its last one calls it too, if it has been asked.  A way up, to
 * hv/domain: no lock is taken, and nothing waited for.
 */
void lock_waits(void);
