/* SPDX-License-Identifier: MIT */
/* Frames that a domain and the hypervisor share. */
#pragma once

#include <hv/domain/domain.h>

/*
 * A zeroed frame, beyond the domain's reservation, that the hypervisor shares with it: the guest may map it writable
 * and can do nothing else with it.  It goes with the domain.  -XEN_ENOMEM.
 */
int __must_check share_new(struct hv_domain *domain, mfn_t *mfn);
