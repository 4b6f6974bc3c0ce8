/* SPDX-License-Identifier: MIT */
/*
 * Things to do at a time: kept in order, woken by the local APIC's timer (hv/time/apic.h).  Each processor has those
 * that it has set, and does them itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>

struct timer {
    uint64_t deadline; /* of time_now() */
    void (*expire)(struct timer *timer);
    struct timer *next;
    bool active;
    unsigned cpu; /* while it is active: the processor that it will expire on */
};

/*
 * Call @timer->expire once time_now() has reached @deadline, from interrupt or idle context, interrupts off, on
 * this processor.  A timer that is active already, here or elsewhere, is moved; a deadline that has passed is reached
 * at once, but never within this call.
 */
void timer_set(struct timer *timer, uint64_t deadline);

/* Nothing happens if @timer is not active.  It may be another processor's. */
void timer_stop(struct timer *timer);

/*
 * Do what is due on this processor, and have its APIC wake it for the next.  A timer is no longer active when its
 * function is called, which may set it again, for later than now.  In the house, which is entered where it has to be.
 */
void timer_run(void);

/*
 * Is something due here that no interrupt has told us of, because they are off?  Asked at preemption points, so that a
 * long hypercall does not hold up timers; cheap.
 */
static inline bool timer_is_due_at(const struct cpu *here)
{
    return here->timer_ticks && asm_read_tsc() >= here->timer_ticks;
}

static inline bool timer_is_due(void)
{
    return timer_is_due_at(cpu_here());
}
