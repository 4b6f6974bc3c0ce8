/* SPDX-License-Identifier: MIT */
/* The making and the release of a domain. */
#pragma once

#include <hv/domain/domain.h>

/*
 * Make a domain of @id with @nr_vcpus vCPUs (1 to VCPUS_MAX), none of which runs, no memory, and its shared_info.
 * NULL: there is not enough memory.  The caller fills it and starts a vCPU (hv/domain/sched.h).
 */
struct hv_domain *hv_domain_create(struct machine *machine, unsigned id, enum width width, uint64_t max_frames,
                                   unsigned nr_vcpus);

/*
 * Give back all that the domain has, none of whose vCPUs will run any more.  Called outside any vCPU.  True: every
 * frame is back and every count was zero; otherwise what is left has been reported.
 */
bool hv_domain_release(struct hv_domain *domain);
