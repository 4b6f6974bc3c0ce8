/* SPDX-License-Identifier: MIT */
/*
 * Event channels of both forms: abi/event.h.  They are the house's (hv/cpu/house.h); the words that a guest sees are
 * changed by atomic operations, since it writes them meanwhile.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <abi/event.h>
#include <engine/types.h>

struct hv_domain;
struct hv_vcpu;

#define EVENT_PORTS_MAX  131072u /* with event words; with bits fewer: event_ports() */
#define EVENT_PAGE_PORTS 256u    /* their channels come by the page: hv/domain/event_table.h */
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
    EVENT_PIRQ, /* interrupt @other of a device: hv/device/pirq.h */
};

struct event_channel {
    uint8_t state; /* enum event_state */
    uint8_t vcpu;  /* that is notified */
    uint16_t domain;
    /* Of event words: hv/domain/event_fifo.h. */
    uint8_t priority;
    bool raised;    /* an event is pending, and there is no word yet that could say so */
    uint16_t queue; /* of which vCPU and priority it was put on last; outlives the channel, as its word does */
    union {
        uint32_t other;
        event_listener *listener;
    };
};
_Static_assert(sizeof(struct event_channel) == 16, "a page of 256");

struct event_fifo;

/* The channels of EVENT_PAGE_PORTS ports. */
struct event_page {
    struct event_channel *channels; /* NULL: no port that high has been in use */
    unsigned open;                  /* so many of the ports are in use */
};

struct domain_events {
    struct event_page *pages; /* EVENT_PAGES_MAX of them; NULL: the domain has no ports, or none any more */
    uint32_t nr_known;        /* ports below have been in use, and have their channel in these */
    struct event_fifo *fifo;  /* NULL: the domain has bits, not words */
    bool closing;             /* all ports are being closed, or have been for good: none is opened or connected */
};

/* Where the queues of a vCPU are, in memory that the guest can write, and where they end by the hypervisor's count. */
struct event_queues {
    struct evtchn_fifo_control_block *control; /* NULL: the vCPU has none, yet */
    mfn_t frame;                               /* held, of @control */
    uint32_t tails[EVTCHN_FIFO_MAX_QUEUES];    /* the port that each was given last; 0: none */
};

struct vcpu_events {
    /* The port that each VIRQ of this vCPU is bound to; 0: none.  Those of the domain are vCPU 0's. */
    uint32_t virq_ports[EVENT_VIRQS];
    struct event_queues queues;
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

/* Is @port pending?  Is it masked?  A port that there is not is neither. */
bool event_is_pending(const struct hv_domain *domain, uint32_t port);
bool event_is_masked(const struct hv_domain *domain, uint32_t port);

/*
 * ---- For hv/service/event_channel.c, which says what becomes of channels.
 */

/* Make @port, which is open, pending: abi/event.h. */
void event_raise_port(struct hv_domain *domain, uint32_t port);

/* @port has got its event word, or a vCPU whose queues are there: what is pending is delivered now. */
void event_catch_up(struct hv_domain *domain, uint32_t port);

/* @port is not pending any more. */
void event_forget(struct hv_domain *domain, uint32_t port);

/* EVTCHNOP_unmask; errors are those of abi/event.h.  What guests have in place of a port that is closed stays. */
int __must_check event_unmask(struct hv_domain *domain, uint32_t port);

/* Does each vCPU have a VIRQ @virq of its own? */
bool event_virq_is_of_vcpu(uint32_t virq);
