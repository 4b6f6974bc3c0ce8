/* SPDX-License-Identifier: MIT */
/* What guests do to have event words in place of bits: hv/domain/event_fifo.h.  Errors are those of abi/event.h. */
#pragma once

#include <engine/types.h>
#include <hv/domain/event.h>

/* Preemptible: the caller has entered the domain (domain_enter()). */
int __must_check event_init_control(struct hv_domain *domain, uint32_t vcpu, mfn_t frame, uint32_t offset);

int __must_check event_expand_array(struct hv_domain *domain, mfn_t frame);
int __must_check event_set_priority(struct hv_domain *domain, uint32_t port, uint32_t priority);
