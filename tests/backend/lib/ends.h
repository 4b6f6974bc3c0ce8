/* SPDX-License-Identifier: MIT */
/* Pages and ports of front ends, as a back end maps and binds them: all is accounted for, and each port bound once. */
#pragma once

#include <guest/event.h>
#include <guest/grant.h>

#define ENDS_LOCAL 1000u /* the back end's port is the front end's and that */
#define ENDS_PORTS 100u  /* front ends' are below that */

extern unsigned ends_mapped, ends_bound; /* as of now */

/* The test's: the memory that front end lends by these references, in a row; NULL: it does not. */
void *ends_find_pages(unsigned domain, const grant_ref_t *refs, unsigned count);

/* The test's: has that front end this port, below ENDS_PORTS, for a back end to bind? */
bool ends_has_port(unsigned domain, evtchn_port_t port);

/* The test's: its front end has an event by that port of its own. */
void ends_tell(evtchn_port_t port);

/* A front end sends an event by that port of its own.  False: no back end has bound it. */
bool ends_send(evtchn_port_t port);
