/* SPDX-License-Identifier: MIT */
/*
 * In order: the bits that are shared with the guest; raising events; channels, from their making to their end; what
 * guests do with them.
 *
 * The guest may write the shared bits at any moment.  Each is changed by one atomic operation, whose answer is believed,
 * and the hypervisor's own state never depends on them.  Bits are counted in bytes, which makes both widths alike.
 */
#include <abi/errno.h>
#include <engine/machine.h>
#include <hv/allocate.h>
#include <hv/domain.h>
#include <hv/event_channel.h>
#include <hv/vcpu.h>

#define BACKEND_DOMAIN 0u /* what a guest takes the hypervisor's end for */
#define CHANNELS_SIZE  (EVENT_PORTS_MAX * sizeof(struct event_channel))

_Static_assert(EVENT_PORTS_MAX == EVTCHN_2L_NR_CHANNELS && EVENT_VIRQS == NR_VIRQS, "abi/event.h");
_Static_assert(VCPUS_MAX <= UINT8_MAX, "struct event_channel");

/*
 * ---- The shared bits.
 */

static bool bit_set(uint8_t *bits, uint32_t bit)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    return __atomic_fetch_or(&bits[bit / 8], mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_clear(uint8_t *bits, uint32_t bit)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    return __atomic_fetch_and(&bits[bit / 8], (uint8_t)~mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_test(const uint8_t *bits, uint32_t bit)
{
    return __atomic_load_n(&bits[bit / 8], __ATOMIC_SEQ_CST) >> bit % 8 & 1;
}

static uint8_t *pending_bits(const struct hv_domain *domain)
{
    return (uint8_t *)domain->shared_info + offsetof(struct shared_info, evtchn_pending);
}
_Static_assert(offsetof(struct shared_info, evtchn_pending) == offsetof(struct compat_shared_info, evtchn_pending),
               "pending_bits()");

static uint8_t *mask_bits(const struct hv_domain *domain)
{
    return (uint8_t *)domain->shared_info + (domain_is_64bit(domain)
                                                 ? offsetof(struct shared_info, evtchn_mask)
                                                 : offsetof(struct compat_shared_info, evtchn_mask));
}

/* The bits that stand for words of the pending bits. */
static uint8_t *selector_bits(const struct hv_vcpu *vcpu)
{
    return (uint8_t *)vcpu->info + (domain_is_64bit(vcpu_domain(vcpu))
                                        ? offsetof(struct vcpu_info, evtchn_pending_sel)
                                        : offsetof(struct compat_vcpu_info, evtchn_pending_sel));
}

static uint32_t word_bits(const struct hv_domain *domain)
{
    return domain_is_64bit(domain) ? 64 : 32;
}

uint32_t event_ports(const struct hv_domain *domain)
{
    return domain_is_64bit(domain) ? EVTCHN_2L_NR_CHANNELS : COMPAT_EVTCHN_2L_NR_CHANNELS;
}

bool event_is_pending(const struct hv_domain *domain, uint32_t port)
{
    return port < event_ports(domain) && bit_test(pending_bits(domain), port);
}

bool event_is_deliverable(const struct hv_vcpu *vcpu)
{
    const struct vcpu_info *info = vcpu->info;

    return __atomic_load_n(&info->evtchn_upcall_pending, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&info->evtchn_upcall_mask, __ATOMIC_SEQ_CST);
}
_Static_assert(offsetof(struct vcpu_info, evtchn_upcall_mask) == offsetof(struct compat_vcpu_info, evtchn_upcall_mask),
               "event_is_deliverable()");

void event_unmask_upcalls(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
}

/*
 * ---- Raising.
 */

static void raise_upcall(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    sched_wake(vcpu);
}

static void wake_pollers(const struct hv_domain *domain)
{
    for (uint64_t i = 0; i < domain->domain.nr_vcpus; i++) {
        struct hv_vcpu *vcpu = vcpu_find(domain, i);

        if (vcpu->run.polling)
            sched_wake(vcpu);
    }
}

static void raise_selector(const struct hv_domain *domain, uint32_t port)
{
    struct hv_vcpu *vcpu = vcpu_find(domain, domain->events.channels[port].vcpu);

    if (!bit_set(selector_bits(vcpu), port / word_bits(domain)))
        raise_upcall(vcpu);
}

/* abi-facts 4.3 */
static void raise_port(const struct hv_domain *domain, uint32_t port)
{
    if (bit_set(pending_bits(domain), port))
        return;
    wake_pollers(domain);
    if (!bit_test(mask_bits(domain), port))
        raise_selector(domain, port);
}

void event_recheck(struct hv_vcpu *vcpu)
{
    uint8_t *selectors = selector_bits(vcpu);

    for (uint32_t i = 0; i < word_bits(vcpu_domain(vcpu)) / 8; i++)
        __atomic_store_n(&selectors[i], UINT8_MAX, __ATOMIC_SEQ_CST);
    raise_upcall(vcpu);
}

void event_notify(struct hv_domain *domain, uint32_t port)
{
    if (port < event_ports(domain) && domain->events.channels[port].state == EVENT_BACKEND)
        raise_port(domain, port);
}

static bool is_virq_of_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENPMU;
}

void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq)
{
    const struct hv_domain *domain = vcpu_domain(vcpu);
    const struct hv_vcpu *holder = is_virq_of_vcpu(virq) ? vcpu : vcpu_find(domain, 0);

    if (holder->events.virq_ports[virq])
        raise_port(domain, holder->events.virq_ports[virq]);
}

/*
 * ---- Channels.
 */

int event_create(struct hv_domain *domain)
{
    domain->events.channels = allocate(CHANNELS_SIZE);
    if (!domain->events.channels)
        return -XEN_ENOMEM;
    domain->events.channels[0].state = EVENT_RESERVED;
    return 0;
}

void event_destroy(struct hv_domain *domain)
{
    if (domain->events.channels)
        event_reset(domain);
    release(domain->events.channels, CHANNELS_SIZE);
    domain->events.channels = NULL;
}

/* NULL: the domain has no such port. */
static struct event_channel *find_channel(const struct hv_domain *domain, uint32_t port)
{
    return port < event_ports(domain) ? &domain->events.channels[port] : NULL;
}

static int find_free(const struct hv_domain *domain, uint32_t *port)
{
    for (uint32_t i = 0; i < event_ports(domain); i++) {
        if (domain->events.channels[i].state == EVENT_FREE) {
            *port = i;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

/* Take a free port for @channel. */
static int open_channel(struct hv_domain *domain, struct event_channel channel, uint32_t *port)
{
    int error = find_free(domain, port);

    if (!error)
        domain->events.channels[*port] = channel;
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
    struct event_channel *other = find_channel(remote, remote_port);
    int error = find_free(domain, port);

    if (error)
        return error;
    if (!other || other->state != EVENT_UNBOUND || other->domain != domain->domain.id.v)
        return -XEN_EINVAL;
    other->state = EVENT_INTERDOMAIN;
    other->other = *port;
    domain->events.channels[*port] =
        (struct event_channel){.state = EVENT_INTERDOMAIN, .domain = remote->domain.id.v, .other = remote_port};
    raise_port(domain, *port); /* something may have been sent before */
    return 0;
}

int event_bind_virq(struct hv_domain *domain, uint32_t virq, uint32_t vcpu_id, uint32_t *port)
{
    struct hv_vcpu *vcpu = vcpu_find(domain, vcpu_id);
    int error;

    if (virq >= EVENT_VIRQS)
        return -XEN_EINVAL;
    if (!vcpu)
        return -XEN_ENOENT;
    if (!is_virq_of_vcpu(virq) && vcpu_id != 0)
        return -XEN_EINVAL;
    if (vcpu->events.virq_ports[virq])
        return -XEN_EEXIST;
    error = open_channel(domain, (struct event_channel){.state = EVENT_VIRQ, .vcpu = (uint8_t)vcpu_id, .other = virq},
                         port);
    if (!error)
        vcpu->events.virq_ports[virq] = (uint16_t)*port;
    return error;
}

int event_bind_ipi(struct hv_domain *domain, uint32_t vcpu_id, uint32_t *port)
{
    if (!vcpu_find(domain, vcpu_id))
        return -XEN_ENOENT;
    return open_channel(domain, (struct event_channel){.state = EVENT_IPI, .vcpu = (uint8_t)vcpu_id}, port);
}

/* The domain at the other end of @port, which is connected; NULL: it is not there any more, or not connected. */
static struct hv_domain *find_peer(const struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = &domain->events.channels[port], *other;
    struct domain *peer = domain_find(domain->domain.machine, DOMID(channel->domain));

    if (!peer || !hv_domain_of(peer)->events.channels)
        return NULL;
    other = &hv_domain_of(peer)->events.channels[channel->other];
    if (other->state != EVENT_INTERDOMAIN || other->domain != domain->domain.id.v || other->other != port)
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
    other = &peer->events.channels[domain->events.channels[port].other];
    other->state = EVENT_UNBOUND;
    other->other = 0;
}

/* What is pending there is forgotten, so that the next user of the port does not take it for its own. */
int event_close(struct hv_domain *domain, uint32_t port)
{
    struct event_channel *channel = find_channel(domain, port);

    if (!channel || channel->state == EVENT_FREE || channel->state == EVENT_RESERVED)
        return -XEN_EINVAL;
    if (channel->state == EVENT_INTERDOMAIN)
        disconnect(domain, port);
    if (channel->state == EVENT_VIRQ) {
        uint32_t holder = is_virq_of_vcpu(channel->other) ? channel->vcpu : 0;

        vcpu_find(domain, holder)->events.virq_ports[channel->other] = 0;
    }
    *channel = (struct event_channel){.state = EVENT_FREE};
    bit_clear(pending_bits(domain), port);
    return 0;
}

void event_reset(struct hv_domain *domain)
{
    for (uint32_t port = 0; port < event_ports(domain); port++) {
        if (event_close(domain, port))
            continue; /* not open */
    }
}

/*
 * ---- What else guests do.
 */

int event_send(struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = find_channel(domain, port);
    const struct hv_domain *peer;

    if (!channel)
        return -XEN_EINVAL;
    switch (channel->state) {
    case EVENT_UNBOUND:
        return 0;
    case EVENT_INTERDOMAIN:
        peer = find_peer(domain, port);
        if (peer)
            raise_port(peer, channel->other);
        return 0;
    case EVENT_BACKEND:
        channel->listener(domain);
        return 0;
    case EVENT_IPI:
        raise_port(domain, port);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

int event_bind_vcpu(struct hv_domain *domain, uint32_t port, uint32_t vcpu_id)
{
    struct event_channel *channel = find_channel(domain, port);

    if (!vcpu_find(domain, vcpu_id))
        return -XEN_ENOENT;
    if (!channel)
        return -XEN_EINVAL;
    switch (channel->state) {
    case EVENT_VIRQ:
        if (is_virq_of_vcpu(channel->other))
            return -XEN_EINVAL;
        break;
    case EVENT_UNBOUND:
    case EVENT_INTERDOMAIN:
    case EVENT_BACKEND:
        break;
    default:
        return -XEN_EINVAL;
    }
    channel->vcpu = (uint8_t)vcpu_id;
    return 0;
}

int event_unmask(struct hv_domain *domain, uint32_t port)
{
    if (!find_channel(domain, port))
        return -XEN_EINVAL;
    bit_clear(mask_bits(domain), port);
    if (bit_test(pending_bits(domain), port))
        raise_selector(domain, port);
    return 0;
}

int event_status(const struct hv_domain *domain, struct evtchn_status *status)
{
    const struct event_channel *channel = find_channel(domain, status->port);

    if (!channel)
        return -XEN_EINVAL;
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
    case EVENT_IPI:
        status->status = EVTCHNSTAT_ipi;
        break;
    default:
        status->status = EVTCHNSTAT_closed;
        break;
    }
    return 0;
}
