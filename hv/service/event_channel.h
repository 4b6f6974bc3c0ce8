/* SPDX-License-Identifier: MIT */
/*
 * What guests do to event channels, one operation each: hv/call/call_event.c decodes them.  Errors are those of
 * abi/event.h.
 */
#pragma once

#include <engine/types.h>
#include <hv/domain/event.h>

/* Give @domain its channels, none in use.  -XEN_ENOMEM. */
int __must_check event_create(struct hv_domain *domain);

/* Close all of them, for good, and give back their memory; nothing happens where there is none. */
void event_destroy(struct hv_domain *domain);

/*
 * A channel between the guest and the hypervisor, in the state of an interdomain channel whose other end is domain 0;
 * notifies vCPU 0.  -XEN_ENOSPC: no port is free.
 */
int __must_check event_open_backend(struct hv_domain *domain, event_listener *listener, uint32_t *port);

/* Each of the first five takes a free port, the lowest. */
int __must_check event_alloc_unbound(struct hv_domain *domain, domid_t remote, uint32_t *port);
int __must_check event_bind_interdomain(struct hv_domain *domain, struct hv_domain *remote, uint32_t remote_port,
                                        uint32_t *port);
int __must_check event_bind_virq(struct hv_domain *domain, uint32_t virq, uint32_t vcpu, uint32_t *port);
int __must_check event_bind_ipi(struct hv_domain *domain, uint32_t vcpu, uint32_t *port);
int __must_check event_bind_pirq(struct hv_domain *domain, uint32_t pirq, uint32_t *port);
int __must_check event_close(struct hv_domain *domain, uint32_t port);
int __must_check event_send(struct hv_domain *domain, uint32_t port);
int __must_check event_bind_vcpu(struct hv_domain *domain, uint32_t port, uint32_t vcpu);

/*
 * Close all ports of @domain, know of none any more, and go back to bits.  Preemptible: the caller has entered the
 * domain, and where a guest asks, that guest's (domain_enter()).  Meanwhile none is opened, by nobody: -XEN_EBUSY, as
 * for a second reset.
 */
int __must_check event_reset(struct hv_domain *domain);

/* Fill in the results of @status, for its port. */
int __must_check event_status(const struct hv_domain *domain, struct evtchn_status *status);
