/* SPDX-License-Identifier: MIT */
/* Arguments are judged here; and what has been waiting for a control block or a word is delivered. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/domain/event_fifo.h>
#include <hv/domain/event_table.h>
#include <hv/domain/vcpu.h>
#include <hv/service/event_words.h>

#define PAGE_WORDS ((uint32_t)(PAGE_SIZE / sizeof(uint32_t)))

/* While others run anything may happen to the ports, a reset included: each is looked at anew. */
static void catch_up_all(struct hv_domain *domain, uint32_t vcpu)
{
    for (uint32_t port = 1; port < domain->events.nr_known; port++) {
        if (event_table_is_open(domain, port) && event_table_find(domain, port)->vcpu == vcpu)
            event_catch_up(domain, port);
        port_preempt_point();
    }
}

int event_init_control(struct hv_domain *domain, uint32_t vcpu_id, mfn_t frame, uint32_t offset)
{
    struct hv_vcpu *vcpu = hv_vcpu_find(domain, vcpu_id);
    int error;

    if (!vcpu)
        return call_refuse(-XEN_ENOENT, WHY_NO_VCPU, vcpu_id);
    if (offset % sizeof(uint64_t) || offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block))
        return call_refuse(-XEN_EINVAL, WHY_CONTROL_BLOCK, offset);
    if (domain->events.closing)
        return call_refuse(-XEN_EBUSY, WHY_CHANNELS_CLOSING, domain->engine.id.v);
    error = event_fifo_init_control(vcpu, frame, offset);
    if (!error)
        catch_up_all(domain, vcpu_id);
    return error;
}

int event_expand_array(struct hv_domain *domain, mfn_t frame)
{
    uint32_t first;
    int error;

    if (domain->events.closing)
        return call_refuse(-XEN_EBUSY, WHY_CHANNELS_CLOSING, domain->engine.id.v);
    error = event_fifo_expand(domain, frame, &first);
    if (error)
        return error;
    for (uint32_t port = first; port < first + PAGE_WORDS; port++) {
        if (event_table_is_open(domain, port))
            event_catch_up(domain, port);
    }
    return 0;
}

int event_set_priority(struct hv_domain *domain, uint32_t port, uint32_t priority)
{
    struct event_channel *channel = event_table_find(domain, port);

    if (!channel)
        return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, port);
    if (!domain->events.fifo)
        return call_refuse(-XEN_ENOSYS, WHY_NO_EVENT_WORDS, domain->engine.id.v);
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return call_refuse(-XEN_EINVAL, WHY_EVENT_PRIORITY, priority);
    if (!event_table_is_open(domain, port))
        return call_refuse(-XEN_EACCES, WHY_PORT_CLOSED, port);
    channel->priority = (uint8_t)priority;
    return 0;
}
