/* SPDX-License-Identifier: MIT */
/*
 * Two domains that talk.  Each waits for what the other does next, or until that one is no more: then its own ports
 * wait for the other one's number, as if that had closed them, and nothing that it does with them is an error.
 */
#include <abi/errno.h>
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guests/tests/channels/channels.h>
#include <guests/tests/lib/test.h>

#define NOBODY    1234u
#define PORTS_MAX 16u /* the other's first ports are among these */
#define CONSOLE   1u  /* a port that each domain has, and offers nobody */
#define TRIES     1000000u

static unsigned peer;

/* The guest's own ports, those that the other one has to do with. */
static evtchn_port_t own[2];
static unsigned nr_own;

static bool is_gone(void)
{
    evtchn_port_t none;

    return bind_interdomain(peer, CONSOLE, &none) == -XEN_ESRCH;
}

/* False: the other one has ended before. */
static bool await(bool (*has_happened)(evtchn_port_t port), evtchn_port_t port)
{
    while (!has_happened(port)) {
        if (is_gone())
            return has_happened(port);
        yield();
    }
    return true;
}

static bool connected(evtchn_port_t port)
{
    return is_connected(port, peer);
}

static bool unbound(evtchn_port_t port)
{
    return is_unbound(port, peer);
}

static void begin_step(unsigned step)
{
    if (guest_option("die", NOBODY) == step)
        guest_shutdown(SHUTDOWN_poweroff);
}

/* Its ports are closed one by one while others run, so each is waited for. */
static void check_alone(void)
{
    for (unsigned i = 0; i < nr_own; i++) {
        for (unsigned tries = 0; !unbound(own[i]) && tries < TRIES; tries++)
            yield();
        test_check(unbound(own[i]), "without the other a port is unbound", "port %u", own[i]);
        test_result("sending on it is no error", event_send(own[i]), 0);
        test_result("it can be closed", event_close(own[i]), 0);
    }
    test_check(is_gone(), "the other is gone", "no");
}

/*
 * ---- The domain that offers.
 */

static bool offer(evtchn_port_t *other)
{
    evtchn_port_t another;
    struct evtchn_status status;

    for (nr_own = 0; nr_own < 2; nr_own++)
        test_need((int)alloc_unbound(DOMID_SELF, peer, &own[nr_own]), "alloc_unbound");
    test_result("a port for nobody", alloc_unbound(DOMID_SELF, NOBODY, &another), 0);
    test_equal("ports are the lowest free ones", another, own[0] + 2);
    begin_step(0);
    if (!await(connected, own[0]))
        return false;
    test_check(!take_event(own[0]), "the end that is bound to has no event", "it has");
    (void)status_of(DOMID_SELF, own[0], &status);
    *other = status.u.interdomain.port;
    begin_step(1);
    test_result("send", event_send(own[0]), 0);
    return await(take_event, own[0]);
}

static bool offer_close(evtchn_port_t other)
{
    if (!await(unbound, own[1]))
        return false;
    test_result("send to one that was closed", event_send(own[1]), 0);
    begin_step(2);
    test_result("close", event_close(own[0]), 0);
    nr_own = 1, own[0] = own[1];
    /* The other end waits for this domain now: it can be bound to from here. */
    if (bind_interdomain(peer, other, &own[1]))
        return false;
    nr_own = 2;
    test_check(take_event(own[1]), "the new end has an event at once", "no");
    begin_step(3);
    test_result("send from it", event_send(own[1]), 0);
    return true;
}

void channels_offer(void)
{
    evtchn_port_t other;

    peer = (unsigned)guest_option("peer", NOBODY);
    if (offer(&other) && offer_close(other)) {
        while (!is_gone())
            yield();
    }
    check_alone();
}

/*
 * ---- The domain that binds.
 */

/* The lowest port of the other one's that is offered. */
static bool bind_lowest(evtchn_port_t *remote)
{
    for (;;) {
        for (*remote = 1; *remote < PORTS_MAX; ++*remote) {
            if (bind_interdomain(peer, *remote, &own[0]) == 0)
                return true;
        }
        if (is_gone())
            return false;
        yield();
    }
}

static bool bind(evtchn_port_t *remote)
{
    evtchn_port_t none;

    begin_step(0);
    if (!bind_lowest(remote))
        return false;
    nr_own = 1;
    test_check(take_event(own[0]), "the end that binds has an event at once", "no");
    begin_step(1);
    if (!await(take_event, own[0]))
        return false;
    test_check(bind_interdomain(peer, *remote, &none) < 0, "a port that is connected cannot be bound to", "it can");
    test_check(bind_interdomain(peer, *remote + 2, &none) < 0, "nor one for another", "it can");
    begin_step(2);
    return true;
}

static bool answer(evtchn_port_t remote)
{
    if (bind_interdomain(peer, remote + 1, &own[1]))
        return false;
    test_result("close", event_close(own[1]), 0);
    test_result("send", event_send(own[0]), 0);
    /* The other one closes its end, binds to this one in turn, and sends: the event is the first one since. */
    if (!await(take_event, own[0]))
        return false;
    test_ok("connected again, from the other end");
    begin_step(3);
    return true;
}

void channels_bind(void)
{
    evtchn_port_t remote;

    peer = (unsigned)guest_option("peer", NOBODY);
    if (!bind(&remote) || !answer(remote))
        check_alone();
}
