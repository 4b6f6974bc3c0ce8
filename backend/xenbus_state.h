/* SPDX-License-Identifier: MIT */
/* The states that both ends of a device show each other in the xenstore, and what a back end makes of them. */
#pragma once

#include <guest/types.h>

/* As in the node `state`; one that is absent, or holds no such number, is XENBUS_UNKNOWN. */
enum xenbus_state {
    XENBUS_UNKNOWN,
    XENBUS_INITIALISING, /* as it was made */
    XENBUS_INIT_WAIT,    /* a back end: what it offers can be read */
    XENBUS_INITIALISED,  /* a front end: so can its ring and its port */
    XENBUS_CONNECTED,
    XENBUS_CLOSING,
    XENBUS_CLOSED,
    XENBUS_RECONFIGURING,
    XENBUS_RECONFIGURED,
    XENBUS_STATES,
};

/* What is to become of a device. */
enum xenbus_wish {
    XENBUS_SERVE,
    XENBUS_LEAVE,  /* to be closed; a front end that is connected with another life of the back end is told so */
    XENBUS_REFUSE, /* to be closed, whatever the front end may wait for */
};

/* May the front end ask for something, having its rings, and not having been told that it is over? */
bool xenbus_asks(enum xenbus_state front);

/*
 * The state that a back end in @own goes to next, @own if it stays: XENBUS_INITIALISING, INIT_WAIT, CONNECTED, CLOSING
 * or CLOSED.  @front is anything that the front end may have written, in any order.  A device that is closed is offered
 * anew once the front end begins anew.
 *
 * The caller goes from CLOSING to CLOSED only when nothing of the front end's is in use any more.
 */
enum xenbus_state xenbus_next(enum xenbus_state own, enum xenbus_state front, enum xenbus_wish wish);
