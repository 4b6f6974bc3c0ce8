/* SPDX-License-Identifier: MIT */
/* Event channels, the two-level kind: abi/event.h.  Hypervisor code runs on one processor with interrupts off. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/event.h>
#include <engine/types.h>

struct hv_domain;
struct hv_vcpu;

#define EVENT_PORTS_MAX 4096u /* of a 64-bit guest; a 32-bit one has 1024 */
#define EVENT_VIRQS     24u

struct event_channel; /* hv/service/event_channel.h */

struct domain_events {
    struct event_channel *channels; /* EVENT_PORTS_MAX of them */
};

struct vcpu_events {
    /* The port that each VIRQ of this vCPU is bound to; 0: none.  Those of the domain are vCPU 0's. */
    uint16_t virq_ports[EVENT_VIRQS];
};

/* Called when the guest sends to a port whose other end is the hypervisor: a console, the xenstore. */
typedef void event_listener(struct hv_domain *domain);

/* Give @domain its channels, none in use.  -XEN_ENOMEM. */
int __must_check event_create(struct hv_domain *domain);

/* Close all of them, and give back their memory; nothing happens where there is none. */
void event_destroy(struct hv_domain *domain);

/*
 * A channel between the guest and the hypervisor, in the state of an interdomain channel whose other end is domain 0;
 * notifies vCPU 0.  -XEN_ENOSPC: no port is free.
 */
int __must_check event_open_backend(struct hv_domain *domain, event_listener *listener, uint32_t *port);

/*
 * Make @port pending for the guest, as the notification of a back end in the hypervisor does.  A port of another kind,
 * because the guest has closed it, or none at all: nothing.
 */
void event_notify(struct hv_domain *domain, uint32_t port);

/* Raise VIRQ @virq: on @vcpu if it is one for each vCPU, otherwise on the vCPU that its port notifies. */
void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq);

/* Let the event callback run: clear the mask of @vcpu. */
void event_unmask_upcalls(struct hv_vcpu *vcpu);

/* The vcpu_info of @vcpu has moved (VCPUOP_register_vcpu_info): have the guest look at everything again. */
void event_recheck(struct hv_vcpu *vcpu);

/* How many ports there are, 0 included, which is never used. */
uint32_t event_ports(const struct hv_domain *domain);

/* For SCHEDOP_poll.  Is @port in use, so that it can become pending at all?  Is it pending? */
bool event_is_open(const struct hv_domain *domain, uint32_t port);
bool event_is_pending(const struct hv_domain *domain, uint32_t port);
