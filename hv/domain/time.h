/* SPDX-License-Identifier: MIT */
/*
 * Time: the clock made of the TSC, what of it guests see (struct vcpu_time_info, the wall clock), and the vCPUs'
 * timers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/time/timer.h>

#define WATCHDOGS 2u /* of a domain */

struct hv_domain;
struct hv_vcpu;

struct vcpu_time {
    struct timer refresh;              /* of what the guest sees of the clock */
    struct timer singleshot;           /* VCPUOP_set_singleshot_timer, set_timer_op: raises VIRQ_TIMER */
    struct timer periodic;             /* VCPUOP_set_periodic_timer: the same */
    struct timer poll;                 /* the timeout of SCHEDOP_poll */
    struct timer watchdogs[WATCHDOGS]; /* of vCPU 0: the domain's, SCHEDOP_watchdog */
    uint64_t period;                   /* ns; 0: off */
    uint64_t area;                     /* of VCPUOP_register_vcpu_time_memory_area; 0: none */
    uint32_t version;                  /* of the last refresh */
};

/*
 * Calibrate the TSC and read the wall clock, once.  Ends with EXIT_UNSUPPORTED and the reason on a machine that has
 * nothing to measure by.
 */
void time_init(void);

/* Nanoseconds since time_init(): never goes back. */
uint64_t time_now(void);

/* The ticks of the TSC in @ns nanoseconds; UINT64_MAX if they are more than that. */
uint64_t time_to_ticks(uint64_t ns);
/* What the TSC will say in @ns nanoseconds; UINT64_MAX if it never will. */
uint64_t time_ticks_in(uint64_t ns);

uint64_t time_tsc_khz(void);

/*
 * Set up and stop @vcpu's timers.  From time_create() on the clock in its vcpu_info is right, and refreshed once a
 * second, because guests wait for its version to change; vcpu->info is there.
 */
void time_create(struct hv_vcpu *vcpu);
void time_stop(struct hv_vcpu *vcpu);

/*
 * Write what @vcpu's guest sees of the clock into its vcpu_info, with the version counted up as abi/shared.h says, and
 * into the registered area if it can be reached: if @vcpu runs, in kernel mode.  Called when the vCPU starts, is
 * switched to, and gets another vcpu_info.
 */
void time_update_vcpu(struct hv_vcpu *vcpu);

/* Raise VIRQ_TIMER on @vcpu at @deadline, at once if that has passed; each call replaces the one before. */
void time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline);
void time_stop_singleshot(struct hv_vcpu *vcpu);

/* Raise it every @period nanoseconds, at most INT64_MAX, from now on; 0: no more. */
void time_set_periodic(struct hv_vcpu *vcpu, uint64_t period);

/* Wake @vcpu at @deadline, once. */
void time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline);
void time_stop_poll(struct hv_vcpu *vcpu);

/*
 * Let watchdog @id of @domain, below WATCHDOGS, end it with SHUTDOWN_watchdog in @seconds; 0: stop it.
 */
void time_set_watchdog(struct hv_domain *domain, unsigned id, uint32_t seconds);
bool time_has_watchdog(const struct hv_domain *domain, unsigned id);

/* Write the wall clock into @domain's shared_info. */
void time_update_wallclock(struct hv_domain *domain);

/*
 * It was @seconds and @nanoseconds since 1970 UTC when time_now() was @at; domains hear of it by
 * time_update_wallclock() only.  -XEN_EINVAL: more than 10^9 - 1 nanoseconds.
 */
int __must_check time_set_wallclock(uint64_t seconds, uint64_t nanoseconds, uint64_t at);

/* ---- For time_init(): wallclock.c, calibrate.c. */

/* Read the machine's clock. */
void wallclock_init(void);

/* The frequency of the TSC in hertz; 0: there is nothing to measure it by. */
uint64_t calibrate_tsc(void);
