/* SPDX-License-Identifier: MIT */
/* The time of day, as domains see it. */
#pragma once

#include <stdint.h>

#include <engine/types.h>

struct hv_domain;

/* Read the machine's clock, once. */
void wallclock_init(void);

/* Write the wall clock into @domain's shared_info. */
void wallclock_update(struct hv_domain *domain);

/*
 * It was @seconds and @nanoseconds since 1970 UTC when time_now() was @at; domains hear of it by wallclock_update()
 * only.  -XEN_EINVAL: more than 10^9 - 1 nanoseconds.
 */
int __must_check wallclock_set(uint64_t seconds, uint64_t nanoseconds, uint64_t at);
