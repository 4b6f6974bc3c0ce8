/* SPDX-License-Identifier: MIT */
/* One decision for each state of the back end's. */
#include <backend/xenbus_state.h>

/* Its ring and its port can be read: some front ends go to CONNECTED before the back end has. */
static bool is_ready(enum xenbus_state front)
{
    return front == XENBUS_INITIALISED || front == XENBUS_CONNECTED;
}

/* It is done, or has vanished. */
static bool is_closed(enum xenbus_state front)
{
    return front == XENBUS_UNKNOWN || front == XENBUS_CLOSED;
}

static bool is_reconfiguring(enum xenbus_state front)
{
    return front == XENBUS_RECONFIGURING || front == XENBUS_RECONFIGURED;
}

static enum xenbus_state next_of_waiting(enum xenbus_state front)
{
    if (is_ready(front))
        return XENBUS_CONNECTED;
    return is_closed(front) || front == XENBUS_CLOSING ? XENBUS_CLOSING : XENBUS_INIT_WAIT;
}

bool xenbus_asks(enum xenbus_state front)
{
    return is_ready(front) || is_reconfiguring(front);
}

/* A front end that begins anew without a word has crashed, and another kernel runs there. */
static enum xenbus_state next_of_connected(enum xenbus_state front)
{
    return xenbus_asks(front) ? XENBUS_CONNECTED : XENBUS_CLOSING;
}

/* It may still be about to close its own end, and waits for CLOSED only then. */
static enum xenbus_state next_of_closing(enum xenbus_state front)
{
    return xenbus_asks(front) || front == XENBUS_CLOSING ? XENBUS_CLOSING : XENBUS_CLOSED;
}

enum xenbus_state xenbus_next(enum xenbus_state own, enum xenbus_state front, enum xenbus_wish wish)
{
    bool wanted = wish == XENBUS_SERVE, left = wish == XENBUS_LEAVE && is_ready(front);

    switch (own) {
    case XENBUS_INITIALISING:
        return wanted || left ? XENBUS_INIT_WAIT : XENBUS_CLOSED;
    case XENBUS_INIT_WAIT:
        return wanted || left ? next_of_waiting(front) : XENBUS_CLOSING;
    case XENBUS_CONNECTED:
        return wanted ? next_of_connected(front) : XENBUS_CLOSING;
    case XENBUS_CLOSING:
        return next_of_closing(front);
    default:
        return wanted && front == XENBUS_INITIALISING ? XENBUS_INIT_WAIT : XENBUS_CLOSED;
    }
}
