/* SPDX-License-Identifier: MIT */
/* The hypervisor's clock, made of the TSC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/base/clock.h>

/*
 * Calibrate the TSC, once.  Ends with EXIT_UNSUPPORTED and the reason on a machine that has nothing to measure by.
 */
void time_init(void);

/* Nanoseconds since time_init(): never goes back. */
uint64_t time_now(void);

/* The ticks of the TSC in @ns nanoseconds; UINT64_MAX if they are more than that. */
uint64_t time_to_ticks(uint64_t ns);
/* What the TSC will say in @ns nanoseconds; UINT64_MAX if it never will. */
uint64_t time_ticks_in(uint64_t ns);

uint64_t time_tsc_khz(void);
/* Does the TSC run at one rate, always, on all processors? */
bool time_is_constant(void);

/* The clock at one moment, with what it takes to tell the time from the TSC later. */
struct time_reading {
    uint64_t tsc, now;
    struct clock_scale scale; /* of the TSC's ticks */
};

struct time_reading time_read(void);

/* For time_init(), hv/time/calibrate.c: the frequency of the TSC in hertz; 0: there is nothing to measure it by. */
uint64_t calibrate_tsc(void);
