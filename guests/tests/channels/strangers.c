/* SPDX-License-Identifier: MIT */
/* One that has nothing to do with the others, and tries; one that may, and the one that it does it to. */
#include <abi/errno.h>
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guests/tests/channels/channels.h>
#include <guests/tests/lib/test.h>

#define NOBODY     1234u
#define PORTS      40u
#define ROUNDS     20u
#define LAST_DOMID 0x7ff6u /* behind the numbers that stand for no domain */

static unsigned tries;

/*
 * ---- The one that guesses.
 */

static bool is_refused(long result)
{
    tries++;
    return result == -XEN_ESRCH || result == -XEN_EPERM || result == -XEN_EINVAL;
}

/* How many answers were wrong. */
static unsigned guess_ports(unsigned domain)
{
    struct evtchn_status status;
    evtchn_port_t none;
    unsigned wrong = 0;

    for (evtchn_port_t port = 0; port < PORTS; port++) {
        wrong += !is_refused(bind_interdomain(domain, port, &none));
        wrong += !is_refused(status_of(domain, port, &status));
    }
    wrong += !is_refused(bind_interdomain(domain, UINT32_MAX, &none));
    wrong += !is_refused(alloc_unbound(domain, domain, &none));
    wrong += !is_refused(reset_domain(domain));
    return wrong;
}

void channels_guess(void)
{
    unsigned domains = (unsigned)guest_option("domains", 0), own = test_own_number(), wrong = 0;

    test_check(own <= domains, "the number of this domain", "%u", own);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned domain = 0; domain <= domains; domain++)
            wrong += domain == own ? 0 : guess_ports(domain);
        for (unsigned domain = DOMID_FIRST_RESERVED + 1; domain < LAST_DOMID; domain++)
            wrong += guess_ports(domain);
        yield();
    }
    test_check(wrong == 0, "nothing of another's can be had", "%u of %u times", wrong, tries);
}

/*
 * ---- The one that may, and the other.
 */

void channels_rule(void)
{
    unsigned peer = (unsigned)guest_option("peer", NOBODY);
    evtchn_port_t remote, own, again;
    struct evtchn_status status;

    test_result("a port of another's for this one", alloc_unbound(peer, DOMID_SELF, &remote), 0);
    test_result("its status", status_of(peer, remote, &status), 0);
    test_equal("unbound", status.status, EVTCHNSTAT_unbound);
    test_result("bind to it", bind_interdomain(peer, remote, &own), 0);
    test_check(take_event(own), "the end that binds has an event at once", "no");
    (void)status_of(peer, remote, &status);
    test_equal("connected", status.status, EVTCHNSTAT_interdomain);
    test_equal("with this one", status.u.interdomain.port, own);
    test_result("send", event_send(own), 0);
    while (!take_event(own))
        yield();
    test_ok("the other has answered");
    test_result("reset of the other", reset_domain(peer), 0);
    test_check(is_unbound(own, peer), "this end is unbound", "no");
    test_result("of a port that was", status_of(peer, remote, &status), -XEN_EINVAL);
    while (bind_interdomain(peer, 1, &again) != -XEN_ESRCH)
        yield();
    test_result("a port of one that has ended", alloc_unbound(peer, DOMID_SELF, &again), -XEN_ESRCH);
    test_result("status of one", status_of(peer, 1, &status), -XEN_ESRCH);
    test_result("reset of one", reset_domain(peer), -XEN_ESRCH);
    test_check(is_unbound(own, peer), "this end is still unbound", "no");
    test_result("sending on it is no error", event_send(own), 0);
    test_result("close", event_close(own), 0);
}

/* After a reset there is no port for the console, either: it ends without a word. */
void channels_obey(void)
{
    evtchn_port_t port = 0;
    struct evtchn_status status;

    test_note("waits");
    while (!port) {
        for (evtchn_port_t i = 1; i < PORTS && !port; i++)
            port = is_connected(i, 0) && event_pending(i) && i != guest.start->console.domU.evtchn &&
                           i != guest.start->store_evtchn
                       ? i
                       : 0;
        yield();
    }
    (void)!event_send(port);
    while (status_of(DOMID_SELF, port, &status) == 0)
        yield();
    (void)hypercall_sched_op(SCHEDOP_shutdown, &(struct sched_shutdown){SHUTDOWN_poweroff});
}
