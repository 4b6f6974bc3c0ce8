/* SPDX-License-Identifier: MIT */
/* In order: the two forms; raising events, and what becomes of one that is pending. */
#include <abi/errno.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/domain/event_2level.h>
#include <hv/domain/event_fifo.h>
#include <hv/domain/event_table.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>

/*
 * ---- Bits or words.
 */

uint32_t event_ports(const struct hv_domain *domain)
{
    return domain->events.fifo ? EVENT_PORTS_MAX : event_2level_ports(domain);
}

static bool is_pending(const struct hv_domain *domain, uint32_t port)
{
    return domain->events.fifo ? event_fifo_is_pending(domain, port) : event_2level_is_pending(domain, port);
}

static bool set_pending(struct hv_domain *domain, uint32_t port)
{
    return domain->events.fifo ? event_fifo_set_pending(domain, port) : event_2level_set_pending(domain, port);
}

static bool is_masked(const struct hv_domain *domain, uint32_t port)
{
    return domain->events.fifo ? event_fifo_is_masked(domain, port) : event_2level_is_masked(domain, port);
}

static void clear_mask(struct hv_domain *domain, uint32_t port)
{
    if (domain->events.fifo)
        event_fifo_unmask(domain, port);
    else
        event_2level_unmask(domain, port);
}

/* True: the vCPU has to be told. */
static bool show(const struct hv_domain *domain, struct hv_vcpu *vcpu, uint32_t port)
{
    return domain->events.fifo ? event_fifo_link(vcpu, port) : event_2level_select(vcpu, port);
}

void event_forget(struct hv_domain *domain, uint32_t port)
{
    if (domain->events.fifo)
        event_fifo_clear_pending(domain, port);
    else
        event_2level_clear_pending(domain, port);
}

bool event_is_pending(const struct hv_domain *domain, uint32_t port)
{
    return event_table_find(domain, port) && is_pending(domain, port);
}

bool event_is_masked(const struct hv_domain *domain, uint32_t port)
{
    return event_table_find(domain, port) && is_masked(domain, port);
}

/*
 * ---- Raising.
 */

void event_unmask_upcalls(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
}

static void raise_upcall(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    runstate_wake(vcpu);
}

static void wake_pollers(const struct hv_domain *domain)
{
    for (uint64_t i = 0; i < domain->engine.nr_vcpus; i++) {
        struct hv_vcpu *vcpu = hv_vcpu_find(domain, i);

        if (vcpu->run.polling)
            runstate_wake(vcpu);
    }
}

FORCE_INLINE void deliver(const struct hv_domain *domain, uint32_t port)
{
    struct hv_vcpu *vcpu = hv_vcpu_find(domain, event_table_find(domain, port)->vcpu);

    if (show(domain, vcpu, port))
        raise_upcall(vcpu);
}

/* The order is that of abi/event.h: pending, then, unless masked, selector or queue, then the vCPU's own flag. */
void event_raise_port(struct hv_domain *domain, uint32_t port)
{
    if (set_pending(domain, port))
        return;
    wake_pollers(domain);
    if (!is_masked(domain, port))
        deliver(domain, port);
}

void event_catch_up(struct hv_domain *domain, uint32_t port)
{
    if (!domain->events.fifo)
        return;
    event_fifo_settle(domain, port);
    if (is_pending(domain, port) && !is_masked(domain, port))
        deliver(domain, port);
}

void event_recheck(struct hv_vcpu *vcpu)
{
    if (!hv_vcpu_domain(vcpu)->events.fifo)
        event_2level_select_all(vcpu);
    raise_upcall(vcpu);
}

void event_notify(struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);

    if (channel && channel->state == EVENT_BACKEND)
        event_raise_port(domain, port);
}

bool event_virq_is_of_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    const struct hv_vcpu *holder = event_virq_is_of_vcpu(virq) ? vcpu : hv_vcpu_find(domain, 0);

    if (holder->events.virq_ports[virq])
        event_raise_port(domain, holder->events.virq_ports[virq]);
}

int event_unmask(struct hv_domain *domain, uint32_t port)
{
    if (!event_table_find(domain, port))
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    if (!event_table_is_open(domain, port))
        return 0;
    clear_mask(domain, port);
    if (is_pending(domain, port))
        deliver(domain, port);
    return 0;
}
