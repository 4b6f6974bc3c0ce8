/* SPDX-License-Identifier: MIT */
/* The making and the release of a domain. */
#pragma once

#include <abi/layout.h>
#include <hv/domain/domain.h>

/*
 * Of a 32-bit guest: the frames that it names in 32 bits of an address, and all that its M2P has an entry for, which
 * is where its memory lies.
 */
#define FRAMES_END_4G     MFN(UINT64_C(1) << (32 - PAGE_SHIFT))
#define FRAMES_END_COMPAT MFN(COMPAT_MACH2PHYS_NR_ENTRIES)

/*
 * Make a domain of @id with @nr_vcpus vCPUs (1 to VCPUS_MAX), none of which runs, no memory, and its shared_info.
 * NULL: there is not enough memory.  The caller fills it and starts a vCPU (hv/domain/sched.h).  Nobody finds it by its
 * number before hv_domain_publish(), so that while it is being filled others may run; no second one is made meanwhile.
 */
struct hv_domain *hv_domain_create(struct machine *machine, unsigned id, enum width width, uint64_t max_frames,
                                   unsigned nr_vcpus);

/* It is complete: others find it by its number. */
void hv_domain_publish(struct hv_domain *domain);

/*
 * Give back all that the domain has, published or not; its vCPUs, if they ran, are retired.  Called outside any vCPU;
 * others may run meanwhile (hv/domain/sched.h).  True: every frame is back, and the domain is no more.  False: others
 * map frames of it, or a count is wrong; it stays as a zombie until the last of them is back (hv/domain/zombie.h).
 */
bool hv_domain_release(struct hv_domain *domain);

/* The end of a zombie that has no frame any more: its number is free. */
void hv_domain_bury(struct hv_domain *domain);

/* When no domain with a vCPU is left: report each that is still there, and what keeps it.  True: none is. */
bool hv_domain_none_left(const struct machine *machine);
