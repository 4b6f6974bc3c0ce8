/* SPDX-License-Identifier: MIT */
/*
 * The house's lock: over everything of hv/ that has no lock of its own, and is not one vCPU's or one processor's alone.
 * docs/locking.md says what that is, and which ways from a guest go without it.
 *
 * Who has it may let others run: it is dropped for as long as the vCPU, or the roof's work, is not on the processor.
 * So what was so before a yield need not be so behind it.
 */
#pragma once

#include <hv/cpu/lock.h>

#pragma GCC visibility push(hidden)
extern struct lock house_lock;
#pragma GCC visibility pop

static inline bool house_is_mine(void)
{
    return lock_is_mine(&house_lock);
}

static inline void house_enter(void)
{
    lock_take(&house_lock);
}

static inline void house_leave(void)
{
    lock_drop(&house_lock);
}

/* For what is called with it and without: returns whether it was taken here, which house_leave_if() wants to hear. */
static inline bool house_enter_if_out(void)
{
    if (house_is_mine())
        return false;
    house_enter();
    return true;
}

static inline void house_leave_if(bool entered)
{
    if (entered)
        house_leave();
}

/*
 * Around what gives the processor to others: out of the house, whoever is in it, and back in.  No other lock is held
 * then.  Behind house_step_out() this may go on at another processor.
 */
bool house_step_out(void);
void house_step_in(bool was_in);
