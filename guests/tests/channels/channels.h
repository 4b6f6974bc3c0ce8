/* SPDX-License-Identifier: MIT */
/* Calls on event channels of several domains; results are those of the calls. */
#pragma once

#include <abi/event.h>
#include <abi/mmu.h>
#include <guest/types.h>

/* The roles: see channels.c. */
void channels_offer(void);
void channels_bind(void);
void channels_guess(void);
void channels_rule(void);
void channels_obey(void);

long alloc_unbound(unsigned domain, unsigned remote, evtchn_port_t *port);
long bind_interdomain(unsigned remote, evtchn_port_t remote_port, evtchn_port_t *port);
long status_of(unsigned domain, evtchn_port_t port, struct evtchn_status *status);
long reset_domain(unsigned domain);

/* Is @port of the guest's own in that state, its other end, if it has one, being @domain's? */
bool is_unbound(evtchn_port_t port, unsigned domain);
bool is_connected(evtchn_port_t port, unsigned domain);

/* Was an event pending there?  It is not any more. */
bool take_event(evtchn_port_t port);

void yield(void);
