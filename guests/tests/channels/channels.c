/* SPDX-License-Identifier: MIT */
/*
 * Event channels between domains, which tests/several/run.sh starts together:
 *
 *   role=0 peer=N [die=STEP]   offers ports to domain N and talks with it
 *   role=1 peer=N [die=STEP]   the domain that they are offered to
 *   role=2 domains=N           tries to get at the ports of all domains up to N, with none of which it has to do
 *   role=3 peer=N              may name others, and makes and closes ports of domain N
 *   role=4                     that domain
 *
 * Who is to die ends at the beginning of that step of its own, and the other one sees what is left.
 */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guests/tests/channels/channels.h>
#include <guests/tests/lib/test.h>

long alloc_unbound(unsigned domain, unsigned remote, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound alloc = {.dom = (uint16_t)domain, .remote_dom = (uint16_t)remote};
    long result = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

    *port = alloc.port;
    return result;
}

long bind_interdomain(unsigned remote, evtchn_port_t remote_port, evtchn_port_t *port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = (uint16_t)remote, .remote_port = remote_port};
    long result = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    *port = bind.local_port;
    return result;
}

long status_of(unsigned domain, evtchn_port_t port, struct evtchn_status *status)
{
    *status = (struct evtchn_status){.dom = (uint16_t)domain, .port = port};
    return hypercall_event_channel_op(EVTCHNOP_status, status);
}

long reset_domain(unsigned domain)
{
    return hypercall_event_channel_op(EVTCHNOP_reset, &(struct evtchn_reset){(uint16_t)domain});
}

bool is_unbound(evtchn_port_t port, unsigned domain)
{
    struct evtchn_status status;

    return status_of(DOMID_SELF, port, &status) == 0 && status.status == EVTCHNSTAT_unbound &&
           status.u.unbound.dom == domain;
}

bool is_connected(evtchn_port_t port, unsigned domain)
{
    struct evtchn_status status;

    return status_of(DOMID_SELF, port, &status) == 0 && status.status == EVTCHNSTAT_interdomain &&
           status.u.interdomain.dom == domain;
}

bool take_event(evtchn_port_t port)
{
    bool pending = event_pending(port);

    if (pending)
        event_clear(port);
    return pending;
}

void yield(void)
{
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
}

void test_main(void)
{
    static void (*const roles[])(void) = {channels_offer, channels_bind, channels_guess, channels_rule, channels_obey};
    uint64_t role = guest_option("role", ARRAY_SIZE(roles));

    if (role >= ARRAY_SIZE(roles))
        test_skip("alone there is nobody to talk to: tests/several");
    roles[role]();
}
