/* SPDX-License-Identifier: MIT */
/*
 * What guests do to event channels, one operation each: hv/call/call_event.c decodes them.  Errors are those of
 * abi/event.h.
 */
#pragma once

#include <engine/types.h>
#include <hv/domain/event.h>

enum event_state {
    EVENT_FREE,
    EVENT_RESERVED,    /* port 0: never used */
    EVENT_UNBOUND,     /* waits for @domain to bind to it */
    EVENT_INTERDOMAIN, /* connected with port @other of @domain */
    EVENT_BACKEND,     /* connected with the hypervisor, which @listener speaks for */
    EVENT_VIRQ,        /* virtual interrupt @other of @vcpu, or of the domain */
    EVENT_IPI,
};

struct event_channel {
    uint8_t state; /* enum event_state */
    uint8_t vcpu;  /* that is notified */
    uint16_t domain;
    uint32_t other;
    event_listener *listener;
};

/* Each of the first four takes a free port, the lowest. */
int __must_check event_alloc_unbound(struct hv_domain *domain, domid_t remote, uint32_t *port);
int __must_check event_bind_interdomain(struct hv_domain *domain, struct hv_domain *remote, uint32_t remote_port,
                                        uint32_t *port);
int __must_check event_bind_virq(struct hv_domain *domain, uint32_t virq, uint32_t vcpu, uint32_t *port);
int __must_check event_bind_ipi(struct hv_domain *domain, uint32_t vcpu, uint32_t *port);
int __must_check event_close(struct hv_domain *domain, uint32_t port);
int __must_check event_send(struct hv_domain *domain, uint32_t port);
int __must_check event_bind_vcpu(struct hv_domain *domain, uint32_t port, uint32_t vcpu);
int __must_check event_unmask(struct hv_domain *domain, uint32_t port);
void event_reset(struct hv_domain *domain);

/* Fill in the results of @status, for its port. */
int __must_check event_status(const struct hv_domain *domain, struct evtchn_status *status);

/* ---- Between hv/service/event_channel.c and hv/domain/event.c. */

/* Make @port, which is open, pending: abi/event.h. */
void event_raise_port(const struct hv_domain *domain, uint32_t port);

/* @port is not pending any more. */
void event_forget(struct hv_domain *domain, uint32_t port);

/* Does each vCPU have a VIRQ @virq of its own? */
bool event_virq_is_of_vcpu(uint32_t virq);
