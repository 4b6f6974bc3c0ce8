/* SPDX-License-Identifier: MIT */
/*
 * Giving steps to the engine, the way a guest does: structures laid out in guest memory in the
 * guest's width, numbers in registers.
 */
#pragma once

#include <sim/sim.h>
#include <tests/model/lib/oracle.h>
#include <tests/support/guest.h>

/*
 * The pages of one vCPU's scratch area, mapped writable for good: each step of a multicall uses one
 * of the first ones for its structures.  The last one is not mapped, so that an array that lies at
 * the end of the one before is cut.
 */
#define PLACE_LIST  13u /* the entries of a multicall */
#define PLACE_CUT   14u
#define PLACE_NONE  15u
#define PLACE_PAGES GUEST_SCRATCH_PAGES

struct place_area {
    uint64_t vaddr[PLACE_PAGES];
    uint64_t mfn[PLACE_PAGES];
    uint8_t *bytes[PLACE_PAGES]; /* where we can see them */
};

/* The frame, L1 table and indexes of an area, as long as nobody maps something else there. */
void place_find(struct place_area *area, const struct guest *guest, unsigned vcpu);

/*
 * Carry out @count steps of one vCPU, which step_group() has put together; @area is its own.  The
 * vCPU is in kernel mode if they are hypercalls.  Returns 0, or what a multicall as a whole returned.
 */
int64_t perform(struct vcpu *vcpu, const struct place_area *area, const struct step *steps, size_t count,
                struct outcome *outcomes);
