/* SPDX-License-Identifier: MIT */
/* What may wake a vCPU that is blocked: the ports that notify it, or that it polls, and its timers. */
#include <hv/base/print.h>
#include <hv/domain/event.h>
#include <hv/domain/event_table.h>
#include <hv/domain/report.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define PORTS_SHOWN 8u
#define NS_PER_MS   1000000u

/* NULL: there has been no such port. */
static void print_kind(const struct event_channel *channel)
{
    switch (channel ? channel->state : EVENT_FREE) {
    case EVENT_UNBOUND:
        print("not bound to yet, for domain %u", channel->domain);
        break;
    case EVENT_INTERDOMAIN:
        print("domain %u's port %u", channel->domain, channel->other);
        break;
    case EVENT_BACKEND:
        print("the hypervisor");
        break;
    case EVENT_VIRQ:
        print("VIRQ %u", channel->other);
        break;
    case EVENT_IPI:
        print("IPI");
        break;
    case EVENT_PIRQ:
        print("interrupt %u", channel->other);
        break;
    default:
        print("closed");
    }
}

/* A port that is masked wakes nobody who waits for upcalls. */
static void print_port(const struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);

    print(" %u (", port);
    print_kind(channel);
    print("%s%s)", event_is_pending(domain, port) ? ", pending" : "", event_is_masked(domain, port) ? ", masked" : "");
}

static void print_polled(const struct hv_vcpu *vcpu)
{
    const struct report_poll *poll = &vcpu->report.poll;

    print("it polls:");
    for (unsigned i = 0; i < poll->nr_ports && i < PORTS_SHOWN; i++)
        print_port(hv_vcpu_domain(vcpu), poll->ports[i]);
    print("%s\n", poll->nr_ports > PORTS_SHOWN ? " ..." : poll->nr_ports == 0 ? " no port" : "");
}

static bool notifies(const struct hv_vcpu *vcpu, uint32_t port)
{
    const struct event_channel *channel = event_table_find(hv_vcpu_domain(vcpu), port);

    return channel && channel->state > EVENT_RESERVED && channel->vcpu == vcpu->engine.id;
}

static void print_notifying(const struct hv_vcpu *vcpu)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    unsigned shown = 0;

    print("ports that notify it:");
    for (uint32_t port = 0; port < domain->events.nr_known && shown <= PORTS_SHOWN; port++) {
        if (!notifies(vcpu, port))
            continue;
        if (shown++ < PORTS_SHOWN)
            print_port(domain, port);
        else
            print(" ...");
    }
    print("%s\n", shown == 0 ? " none" : "");
}

static unsigned print_timer(const char *name, const struct timer *timer)
{
    uint64_t now = time_now();

    if (!timer->active)
        return 0;
    print("%s in %lu ms", name, timer->deadline > now ? (timer->deadline - now) / NS_PER_MS : 0);
    return 1;
}

/* The refresh of the clock wakes nobody. */
static void print_timers(const struct hv_vcpu *vcpu)
{
    unsigned running = print_timer("its one-shot timer goes off", &vcpu->time.singleshot);

    running += print_timer(running ? ", its periodic timer" : "its periodic timer goes off", &vcpu->time.periodic);
    running += print_timer(running ? ", its poll ends" : "its poll ends", &vcpu->time.poll);
    print(running ? "\n" : "no timer of its own is set\n");
}

void report_wait(const struct hv_vcpu *vcpu)
{
    if (vcpu->run.polling)
        print_polled(vcpu);
    print_notifying(vcpu);
    print_timers(vcpu);
}
