/* SPDX-License-Identifier: MIT */
/* Event channels, the two-level kind: abi/event.h.  Hypervisor code runs on one processor with interrupts off. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/event.h>
#include <engine/types.h>

struct hv_domain;
struct hv_vcpu;

#define EVENT_PORTS_MAX  4096u /* of a 64-bit guest; a 32-bit one has 1024 */
#define EVENT_PAGE_PORTS 256u  /* their channels come by the page: hv/domain/event_table.h */
#define EVENT_PAGES_MAX  (EVENT_PORTS_MAX / EVENT_PAGE_PORTS)
#define EVENT_VIRQS      24u

/* Called when the guest sends to a port whose other end is the hypervisor: a console, the xenstore. */
typedef void event_listener(struct hv_domain *domain);

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

/* The channels of EVENT_PAGE_PORTS ports. */
struct event_page {
    struct event_channel *channels; /* NULL: no port that high has been in use */
    unsigned open;                  /* so many of the ports are in use */
};

struct domain_events {
    struct event_page *pages; /* EVENT_PAGES_MAX of them; NULL: the domain has no ports, or none any more */
    uint32_t nr_known;        /* ports below have been in use, and have their channel in these */
    bool closing;             /* all ports are being closed, or have been for good: none is opened or connected */
};

struct vcpu_events {
    /* The port that each VIRQ of this vCPU is bound to; 0: none.  Those of the domain are vCPU 0's. */
    uint16_t virq_ports[EVENT_VIRQS];
};

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

/* Is @port pending? */
bool event_is_pending(const struct hv_domain *domain, uint32_t port);

/*
 * ---- For hv/service/event_channel.c, which says what becomes of channels.
 */

/* Make @port, which is open, pending: abi/event.h. */
void event_raise_port(const struct hv_domain *domain, uint32_t port);

/* @port is not pending any more. */
void event_forget(struct hv_domain *domain, uint32_t port);

/* EVTCHNOP_unmask; errors are those of abi/event.h.  What guests have in place of a port that is closed stays. */
int __must_check event_unmask(struct hv_domain *domain, uint32_t port);

/* Does each vCPU have a VIRQ @virq of its own? */
bool event_virq_is_of_vcpu(uint32_t virq);
