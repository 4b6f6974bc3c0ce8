/* SPDX-License-Identifier: MIT */
/* Time as a vCPU has it: what its guest sees of the clock (struct vcpu_time_info), and its timers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
    bool is_updated;                   /* at this moment: by one processor at a time */
    bool is_behind;                    /* the area: it could not be reached at the last refresh */
};

/*
 * Set up and stop @vcpu's timers.  From vcpu_time_create() on the clock in its vcpu_info is right, and refreshed once a
 * second, because guests wait for its version to change; vcpu->info is there.
 */
void vcpu_time_create(struct hv_vcpu *vcpu);
void vcpu_time_stop(struct hv_vcpu *vcpu);

/*
 * Write what @vcpu's guest sees of the clock into its vcpu_info, with the version counted up as abi/shared.h says, and
 * into the registered area if it can be reached: if @vcpu runs, in kernel mode.  Called when the vCPU starts.
 */
void vcpu_time_update(struct hv_vcpu *vcpu);

/*
 * The same, for when the guest looks somewhere else from now on: at another vcpu_info, or another area.  Another
 * processor that is at it may be at the place before, and is awaited.  Interrupts are off, as in every hypercall.
 */
void vcpu_time_move(struct hv_vcpu *vcpu);

/* @vcpu has come to this processor: the same, if the area has missed a refresh and can be reached now. */
void vcpu_time_arrive(struct hv_vcpu *vcpu);

/* Raise VIRQ_TIMER on @vcpu at @deadline, at once if that has passed; each call replaces the one before. */
void vcpu_time_set_singleshot(struct hv_vcpu *vcpu, uint64_t deadline);
void vcpu_time_stop_singleshot(struct hv_vcpu *vcpu);

/* Raise it every @period nanoseconds, at most INT64_MAX, from now on; 0: no more. */
void vcpu_time_set_periodic(struct hv_vcpu *vcpu, uint64_t period);

/* Wake @vcpu at @deadline, once. */
void vcpu_time_set_poll(struct hv_vcpu *vcpu, uint64_t deadline);
void vcpu_time_stop_poll(struct hv_vcpu *vcpu);

/*
 * Let watchdog @id of @domain, below WATCHDOGS, end it with SHUTDOWN_watchdog in @seconds; 0: stop it.
 */
void vcpu_time_set_watchdog(struct hv_domain *domain, unsigned id, uint32_t seconds);
bool vcpu_time_has_watchdog(const struct hv_domain *domain, unsigned id);
