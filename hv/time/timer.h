/* SPDX-License-Identifier: MIT */
/* Things to do at a time: kept in order, woken by the local APIC's timer (hv/time/apic.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct timer {
    uint64_t deadline; /* of time_now() */
    void (*expire)(struct timer *timer);
    struct timer *next;
    bool active;
};

/*
 * Call @timer->expire once time_now() has reached @deadline, from interrupt or idle context, interrupts off.  A timer
 * that is active already is moved; a deadline that has passed is reached at once, but never within this call.
 */
void timer_set(struct timer *timer, uint64_t deadline);

/* Nothing happens if @timer is not active. */
void timer_stop(struct timer *timer);

/*
 * Do what is due, and have the APIC wake us for the next.  A timer is no longer active when its function is called,
 * which may set it again, for later than now.
 */
void timer_run(void);

/*
 * Is something due that no interrupt has told us of, because they are off?  Asked at preemption points, so that a long
 * hypercall does not hold up timers; cheap.
 */
bool timer_is_due(void);
