/* SPDX-License-Identifier: MIT */
/*
 * Zombies: domains that are released but for frames that other domains still map.  Of each nothing is left but its
 * number, its frames and the structure, which the engine needs to see when the last of them comes back.
 */
#pragma once

#include <stdbool.h>

struct hv_domain;

/* @domain, which is released, is one from now on; it belongs to this file until zombie_take_empty(). */
void zombie_add(struct hv_domain *domain);

/* Has the last frame of one come back?  Asked for each frame that comes to the pool. */
bool zombie_is_empty(void);

/* Such a one, which is the caller's again: hv_domain_bury().  NULL: there is none. */
struct hv_domain *zombie_take_empty(void);
