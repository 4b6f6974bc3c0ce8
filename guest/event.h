/* SPDX-License-Identifier: MIT */
/*
 * Event channels: ports, handlers, the event mask of each vCPU.  A port is of vCPU 0, but for IPIs.
 */
#pragma once

#include <abi/event.h>
#include <guest/types.h>

/* Runs with events masked; the port's pending bit is clear already. */
typedef void event_handler(evtchn_port_t port);

/* The handler for who looks for itself at what there is to do, once it is awake. */
static inline void event_only_wakes(evtchn_port_t port)
{
    (void)port;
}

/* Deliver events to handlers from now on.  trap_init() comes first. */
void event_init(void);

/* The handler of @port; an event without one is counted and dropped. */
void event_set_handler(evtchn_port_t port, event_handler *handler);

/*
 * A port for a virtual interrupt, for an IPI to the calling vCPU, for a domain to bind to.  0, or the call's error, as
 * below.
 */
int __must_check event_bind_virq(unsigned virq, event_handler *handler, evtchn_port_t *port);
int __must_check event_bind_ipi(event_handler *handler, evtchn_port_t *port);
int __must_check event_alloc_unbound(unsigned domain, event_handler *handler, evtchn_port_t *port);

/*
 * A port that is connected with @remote of @domain's, which waits for this domain.  It is pending at once, so that the
 * handler runs for what was sent before.  -XEN_EINVAL: nobody waits there.  -XEN_ESRCH: no such domain.
 */
int __must_check event_bind_interdomain(unsigned domain, evtchn_port_t remote, event_handler *handler,
                                        evtchn_port_t *port);

/* A port for a device interrupt of the domain's.  @flags are of enum bind_pirq_flags. */
int __must_check event_bind_pirq(unsigned pirq, unsigned flags, event_handler *handler, evtchn_port_t *port);

int __must_check event_send(evtchn_port_t port);

/* The port's handler goes first: the number may come back at once as another's. */
int __must_check event_close(evtchn_port_t port);

/* One port's own mask bit, and whether an event is pending there. */
void event_mask(evtchn_port_t port);
void event_unmask(evtchn_port_t port);
bool event_pending(evtchn_port_t port);
void event_clear(evtchn_port_t port);

/* Delivery to the vCPU: what cli and sti are on bare hardware.  Enabling delivers what is pending. */
void event_disable(void);
void event_enable(void);
bool event_enabled(void);

/*
 * Sleep until an event is pending on @port, which stays so, or until @deadline in system time; others may be delivered
 * meanwhile.  The port has been masked since before the caller found that there is nothing to do: an upcall would take
 * the event away before the sleep.
 */
void event_poll(evtchn_port_t port, uint64_t deadline);

/* Deliver events and sleep until there was one, all in one step.  Events are enabled afterwards. */
void event_wait(void);

/* Number of upcalls, and of events without handler, since the start; of several vCPUs at once some go uncounted. */
extern uint64_t event_upcalls, event_strays;
