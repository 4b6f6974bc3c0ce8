/* SPDX-License-Identifier: MIT */
/*
 * Zombies: domains that are released but for frames that other domains still map.  Of each nothing is left but its
 * number, its frames and the structure, which the engine needs to see when the last of them comes back.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/time/timer.h>

struct hv_domain;

struct zombie {
    struct timer patience; /* first: its function is given that */
    bool overdue;
    struct hv_domain *next;
};

/* @domain, which is released, is one from now on; it belongs to this file until zombie_take() returns it empty. */
void zombie_add(struct hv_domain *domain);

/* The number of @domain, a zombie, is wanted: if it is not empty in @ns, zombie_take() returns it once all the same. */
void zombie_wait(struct hv_domain *domain, uint64_t ns);

/* Has the last frame of one come back?  Asked for each frame that comes to the pool. */
bool zombie_is_empty(void);

/*
 * One that has no frame any more, which is the caller's again: hv_domain_bury().  Or one that has been waited for as
 * long as that, which stays a zombie.  NULL: there is none.
 */
struct hv_domain *zombie_take(void);
