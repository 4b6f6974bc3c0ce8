/* SPDX-License-Identifier: MIT */
/*
 * Event channels of the one vCPU: ports, handlers, the event mask.
 */
#pragma once

#include <abi/event.h>
#include <guest/types.h>

/* Runs with events masked; the port's pending bit is clear already. */
typedef void event_handler(evtchn_port_t port);

/* Deliver events to handlers from now on.  trap_init() comes first. */
void event_init(void);

/* The handler of @port; an event without one is counted and dropped. */
void event_set_handler(evtchn_port_t port, event_handler *handler);

/* A port for a virtual interrupt, for an IPI to this vCPU, for a domain to bind to.  0, or the call's error. */
int __must_check event_bind_virq(unsigned virq, event_handler *handler, evtchn_port_t *port);
int __must_check event_bind_ipi(event_handler *handler, evtchn_port_t *port);
int __must_check event_alloc_unbound(unsigned domain, event_handler *handler, evtchn_port_t *port);

int __must_check event_send(evtchn_port_t port);
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

/* Deliver events and sleep until there was one, all in one step.  Events are enabled afterwards. */
void event_wait(void);

/* Number of upcalls, and of events without handler, since the start. */
extern uint64_t event_upcalls, event_strays;
