/* SPDX-License-Identifier: MIT */
/*
 * The frames that nobody owns.  They are handed out scattered, so that who mixes up pfns and mfns
 * notices.
 */
#pragma once

#include <sim/sim.h>

/* All RAM frames below sim->hypervisor_first that are not in @kept (a byte a frame) are in the pool. */
struct sim_pool *pool_create(struct sim *sim, const uint8_t *kept);
void pool_destroy(struct sim_pool *pool);

bool pool_holds(const struct sim_pool *pool, mfn_t mfn);
bool pool_take(struct sim *sim, unsigned order, mfn_t end, mfn_t *first);
void pool_give(struct sim *sim, mfn_t first, unsigned order);
