/* SPDX-License-Identifier: MIT */
/*
 * A second vCPU, which sleeps, is woken, does a job, and sleeps again: whatever the first is in the middle of then, it
 * has to give way.
 */
#pragma once

#include <guest/types.h>

/* What it does when it is awake: no library function that keeps a state of its own. */
typedef void other_job(void);

/* Start it, idle.  False where the guest has one vCPU only. */
bool other_start(void);

/* It does @job from now on, until it is told another; with NULL nothing.  Returns when the one before is over. */
void other_do(other_job *job);

/* For a job: sleep, so that the first vCPU gets on. */
void other_sleep(void);

/* The first vCPU says when it is in the middle of something: what is measured is measured then. */
void other_mark(bool inside);

/* How late it was woken at worst since the last call, in nanoseconds; and how often it was. */
uint64_t other_latest(unsigned *wakes);
