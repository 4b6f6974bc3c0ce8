/* SPDX-License-Identifier: MIT */
/* System time, time of day, and the vCPU's timer.  All times are nanoseconds. */
#pragma once

#include <abi/shared.h>
#include <guest/event.h>

/* System time now, from the vCPU's own vcpu_time_info. */
uint64_t time_now(void);

/* The same from another place that the hypervisor keeps up to date. */
uint64_t time_from(const struct vcpu_time_info *info);

/* Time of day when system time was 0, since 1970. */
uint64_t time_wallclock(void);

/*
 * Bind VIRQ_TIMER: @handler runs when the timer runs out.  The periodic timer, if any, is stopped.  0, or the call's
 * error.
 */
int __must_check timer_init(event_handler *handler);

/* Raise VIRQ_TIMER at system time @deadline, at once if that is over; replaces the timer set before. */
int __must_check timer_set(uint64_t deadline);
int __must_check timer_stop(void);

/* The port of VIRQ_TIMER; 0 before timer_init(). */
evtchn_port_t timer_port(void);

/* Sleep, with events enabled.  The latter says how much later than @deadline it returns. */
void time_sleep(uint64_t duration);
uint64_t time_sleep_until(uint64_t deadline);
