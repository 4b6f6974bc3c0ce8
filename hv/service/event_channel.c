/* SPDX-License-Identifier: MIT */
/*
 * Which port is connected with what, in order: channels, from their making to their end; what else guests do with them.
 * None of it is ever read from memory that a guest can write.
 */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/device/pirq.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/domain/event_fifo.h>
#include <hv/domain/event_table.h>
#include <hv/domain/vcpu.h>
#include <hv/service/event_channel.h>

#define BACKEND_DOMAIN 0u /* what a guest takes the hypervisor's end for */

_Static_assert(EVENT_PORTS_MAX == EVTCHN_FIFO_NR_CHANNELS && EVENT_VIRQS == NR_VIRQS, "abi/event.h");
_Static_assert(VCPUS_MAX <= UINT8_MAX && VCPUS_MAX * EVTCHN_FIFO_MAX_QUEUES <= UINT16_MAX, "struct event_channel");

int event_create(struct hv_domain *domain)
{
    return event_table_create(domain);
}

/* The lowest port that is free for a new channel. */
static int find_free(struct hv_domain *domain, uint32_t *port)
{
    if (domain->events.closing)
        return call_refuse(-XEN_EBUSY, WHY_CHANNELS_CLOSING, domain->engine.id.v);
    return event_table_find_free(domain, event_ports(domain), port);
}

/* Take a free port for @channel. */
static int open_channel(struct hv_domain *domain, struct event_channel channel, uint32_t *port)
{
    int error = find_free(domain, port);

    if (!error)
        event_table_open(domain, *port, channel);
    return error;
}

int event_open_backend(struct hv_domain *domain, event_listener *listener, uint32_t *port)
{
    return open_channel(domain, (struct event_channel){.state = EVENT_BACKEND, .listener = listener}, port);
}

int event_alloc_unbound(struct hv_domain *domain, domid_t remote, uint32_t *port)
{
    return open_channel(domain, (struct event_channel){.state = EVENT_UNBOUND, .domain = remote.v}, port);
}

int event_bind_interdomain(struct hv_domain *domain, struct hv_domain *remote, uint32_t remote_port, uint32_t *port)
{
    struct event_channel *other = event_table_find(remote, remote_port);
    int error;

    if (remote->events.closing)
        return call_refuse(-XEN_EBUSY, WHY_CHANNELS_CLOSING, remote->engine.id.v);
    error = find_free(domain, port);
    if (error)
        return error;
    if (!other || other->state != EVENT_UNBOUND || other->domain != domain->engine.id.v)
        return call_refuse(-XEN_EINVAL, WHY_PORT_NOT_WAITING, remote_port);
    other->state = EVENT_INTERDOMAIN;
    other->other = *port;
    event_table_open(
        domain, *port,
        (struct event_channel){.state = EVENT_INTERDOMAIN, .domain = remote->engine.id.v, .other = remote_port});
    event_raise_port(domain, *port); /* something may have been sent before */
    return 0;
}

int event_bind_virq(struct hv_domain *domain, uint32_t virq, uint32_t vcpu_id, uint32_t *port)
{
    struct hv_vcpu *vcpu = hv_vcpu_find(domain, vcpu_id);
    int error;

    if (virq >= EVENT_VIRQS)
        return call_refuse(-XEN_EINVAL, WHY_NO_VIRQ, virq);
    if (!event_virq_is_of_vcpu(virq) && vcpu_id != 0)
        return call_refuse(-XEN_EINVAL, WHY_VIRQ_GLOBAL, vcpu_id);
    if (!vcpu)
        return call_refuse(-XEN_ENOENT, WHY_NO_VCPU, vcpu_id);
    if (vcpu->events.virq_ports[virq])
        return call_refuse(-XEN_EEXIST, WHY_VIRQ_BOUND, vcpu->events.virq_ports[virq]);
    error = open_channel(domain, (struct event_channel){.state = EVENT_VIRQ, .vcpu = (uint8_t)vcpu_id, .other = virq},
                         port);
    if (!error)
        vcpu->events.virq_ports[virq] = *port;
    return error;
}

int event_bind_ipi(struct hv_domain *domain, uint32_t vcpu_id, uint32_t *port)
{
    if (!hv_vcpu_find(domain, vcpu_id))
        return call_refuse(-XEN_ENOENT, WHY_NO_VCPU, vcpu_id);
    return open_channel(domain, (struct event_channel){.state = EVENT_IPI, .vcpu = (uint8_t)vcpu_id}, port);
}

int event_bind_pirq(struct hv_domain *domain, uint32_t pirq, uint32_t *port)
{
    int error = pirq_check_free(domain, pirq);

    if (!error)
        error = open_channel(domain, (struct event_channel){.state = EVENT_PIRQ, .other = pirq}, port);
    if (!error)
        pirq_bind(domain, pirq, *port);
    return error;
}

/* The domain at the other end of @port, which is connected; NULL: it is not there any more, or not connected. */
static struct hv_domain *find_peer(const struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port), *other;
    struct domain *peer = domain_find(domain->engine.machine, DOMID(channel->domain));

    if (!peer)
        return NULL;
    other = event_table_find(hv_domain_of(peer), channel->other);
    if (!other || other->state != EVENT_INTERDOMAIN || other->domain != domain->engine.id.v || other->other != port)
        return NULL;
    return hv_domain_of(peer);
}

/* The other end of @port waits for @domain again. */
static void disconnect(const struct hv_domain *domain, uint32_t port)
{
    struct hv_domain *peer = find_peer(domain, port);
    struct event_channel *other;

    if (!peer)
        return;
    other = event_table_find(peer, event_table_find(domain, port)->other);
    other->state = EVENT_UNBOUND;
    other->other = 0;
}

/* What is pending there is forgotten, so that the next user of the port does not take it for its own. */
static void close_channel(struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);

    if (channel->state == EVENT_INTERDOMAIN)
        disconnect(domain, port);
    if (channel->state == EVENT_VIRQ) {
        uint32_t holder = event_virq_is_of_vcpu(channel->other) ? channel->vcpu : 0;

        hv_vcpu_find(domain, holder)->events.virq_ports[channel->other] = 0;
    }
    if (channel->state == EVENT_PIRQ)
        pirq_unbind(domain, channel->other, port);
    event_table_close(domain, port);
    event_forget(domain, port);
}

int event_close(struct hv_domain *domain, uint32_t port)
{
    if (!event_table_is_open(domain, port))
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    close_channel(domain, port);
    return 0;
}

/*
 * While others run, ports may be closed and used, but none is opened or connected; so a port that is behind is closed
 * for good.
 */
static void close_all(struct hv_domain *domain)
{
    domain->events.closing = true;
    for (uint32_t port = 1; port < domain->events.nr_known; port++) {
        if (event_table_is_open(domain, port))
            close_channel(domain, port);
        port_preempt_point();
    }
}

int event_reset(struct hv_domain *domain)
{
    if (domain->events.closing)
        return call_refuse(-XEN_EBUSY, WHY_CHANNELS_CLOSING, domain->engine.id.v);
    close_all(domain);
    event_fifo_stop(domain);
    event_table_forget(domain);
    domain->events.closing = false;
    return 0;
}

void event_destroy(struct hv_domain *domain)
{
    close_all(domain);
    event_fifo_stop(domain);
    event_table_destroy(domain);
}

/*
 * ---- What else guests do.
 */

int event_send(struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);
    struct hv_domain *peer;

    if (!channel)
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    switch (channel->state) {
    case EVENT_UNBOUND:
        return 0;
    case EVENT_INTERDOMAIN:
        peer = find_peer(domain, port);
        if (peer)
            event_raise_port(peer, channel->other);
        return 0;
    case EVENT_BACKEND:
        channel->listener(domain);
        return 0;
    case EVENT_IPI:
        event_raise_port(domain, port);
        return 0;
    case EVENT_FREE:
    case EVENT_RESERVED:
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    default:
        return call_refuse(-XEN_EINVAL, WHY_PORT_KIND, port);
    }
}

int event_bind_vcpu(struct hv_domain *domain, uint32_t port, uint32_t vcpu_id)
{
    struct event_channel *channel = event_table_find(domain, port);

    if (!hv_vcpu_find(domain, vcpu_id))
        return call_refuse(-XEN_ENOENT, WHY_NO_VCPU, vcpu_id);
    if (!channel)
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    switch (channel->state) {
    case EVENT_VIRQ:
        if (event_virq_is_of_vcpu(channel->other))
            return call_refuse(-XEN_EINVAL, WHY_PORT_KIND, port);
        break;
    case EVENT_UNBOUND:
    case EVENT_INTERDOMAIN:
    case EVENT_BACKEND:
    case EVENT_PIRQ:
        break;
    case EVENT_FREE:
    case EVENT_RESERVED:
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    default:
        return call_refuse(-XEN_EINVAL, WHY_PORT_KIND, port);
    }
    channel->vcpu = (uint8_t)vcpu_id;
    event_catch_up(domain, port); /* the vCPU before may have had no queues */
    return 0;
}

int event_status(const struct hv_domain *domain, struct evtchn_status *status)
{
    const struct event_channel *channel = event_table_find(domain, status->port);

    if (!channel)
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, status->port);
    status->vcpu = channel->vcpu;
    switch (channel->state) {
    case EVENT_UNBOUND:
        status->status = EVTCHNSTAT_unbound;
        status->u.unbound.dom = channel->domain;
        break;
    case EVENT_INTERDOMAIN:
        status->status = EVTCHNSTAT_interdomain;
        status->u.interdomain.dom = channel->domain;
        status->u.interdomain.port = channel->other;
        break;
    case EVENT_BACKEND:
        status->status = EVTCHNSTAT_interdomain;
        status->u.interdomain.dom = BACKEND_DOMAIN;
        status->u.interdomain.port = status->port;
        break;
    case EVENT_VIRQ:
        status->status = EVTCHNSTAT_virq;
        status->u.virq = channel->other;
        break;
    case EVENT_PIRQ:
        status->status = EVTCHNSTAT_pirq;
        status->u.pirq = channel->other;
        break;
    case EVENT_IPI:
        status->status = EVTCHNSTAT_ipi;
        break;
    default:
        status->status = EVTCHNSTAT_closed;
        break;
    }
    return 0;
}
