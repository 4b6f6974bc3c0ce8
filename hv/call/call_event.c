/* SPDX-License-Identifier: MIT */
/* event_channel_op in both forms. */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>
#include <hv/service/event_channel.h>
#include <hv/service/event_words.h>

/* Large enough for the structure of each command. */
union arguments {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

/* -XEN_ESRCH: no such domain.  -XEN_EPERM: the caller may name only itself. */
static int find_domain(struct hv_domain *caller, uint16_t id, struct hv_domain **found)
{
    struct hv_domain *domain = id == DOMID_SELF ? caller : hv_domain_find(caller->engine.machine, id);

    if (!domain)
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, id);
    if (domain != caller && !caller->engine.privileged)
        return call_refuse(-XEN_EPERM, WHY_NO_RIGHT, id);
    *found = domain;
    return 0;
}

static int do_alloc_unbound(struct hv_domain *caller, union arguments *args)
{
    struct evtchn_alloc_unbound *alloc = &args->alloc_unbound;
    domid_t remote = alloc->remote_dom == DOMID_SELF ? caller->engine.id : DOMID(alloc->remote_dom);
    struct hv_domain *domain;
    int error = find_domain(caller, alloc->dom, &domain);

    return error ? error : event_alloc_unbound(domain, remote, &alloc->port);
}

/* Any domain may be named here: that it waits for the caller is what gives the right. */
static int do_bind_interdomain(struct hv_domain *caller, union arguments *args)
{
    struct evtchn_bind_interdomain *bind = &args->bind_interdomain;
    struct hv_domain *remote =
        bind->remote_dom == DOMID_SELF ? caller : hv_domain_find(caller->engine.machine, bind->remote_dom);

    if (!remote)
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, bind->remote_dom);
    return event_bind_interdomain(caller, remote, bind->remote_port, &bind->local_port);
}

static int do_bind_virq(struct hv_domain *caller, union arguments *args)
{
    return event_bind_virq(caller, args->bind_virq.virq, args->bind_virq.vcpu, &args->bind_virq.port);
}

static int do_bind_pirq(struct hv_domain *caller, union arguments *args)
{
    return event_bind_pirq(caller, args->bind_pirq.pirq, &args->bind_pirq.port);
}

static int do_close(struct hv_domain *caller, union arguments *args)
{
    return event_close(caller, args->close.port);
}

static int do_send(struct hv_domain *caller, union arguments *args)
{
    return event_send(caller, args->send.port);
}

static int do_status(struct hv_domain *caller, union arguments *args)
{
    struct hv_domain *domain;
    int error = find_domain(caller, args->status.dom, &domain);

    return error ? error : event_status(domain, &args->status);
}

static int do_bind_ipi(struct hv_domain *caller, union arguments *args)
{
    return event_bind_ipi(caller, args->bind_ipi.vcpu, &args->bind_ipi.port);
}

static int do_bind_vcpu(struct hv_domain *caller, union arguments *args)
{
    return event_bind_vcpu(caller, args->bind_vcpu.port, args->bind_vcpu.vcpu);
}

static int do_unmask(struct hv_domain *caller, union arguments *args)
{
    return event_unmask(caller, args->unmask.port);
}

/* Neither domain ends in the middle. */
static int reset_entered(struct hv_domain *caller, struct hv_domain *domain)
{
    int error;

    if (!domain_enter(&caller->engine))
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, caller->engine.id.v);
    error = event_reset(domain);
    domain_leave(&caller->engine);
    return error;
}

static int do_reset(struct hv_domain *caller, union arguments *args)
{
    struct hv_domain *domain;
    int error = find_domain(caller, args->reset.dom, &domain);

    if (error)
        return error;
    if (!domain_enter(&domain->engine))
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, args->reset.dom);
    error = reset_entered(caller, domain);
    domain_leave(&domain->engine);
    return error;
}

/*
 * ---- Event words in place of bitmaps.
 */

static int do_init_control(struct hv_domain *caller, union arguments *args)
{
    struct evtchn_init_control *init = &args->init_control;
    int error;

    if (!domain_enter(&caller->engine))
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, caller->engine.id.v);
    error = event_init_control(caller, init->vcpu, MFN(init->control_gfn), init->offset);
    domain_leave(&caller->engine);
    init->link_bits = EVTCHN_FIFO_LINK_BITS;
    return error;
}

static int do_expand_array(struct hv_domain *caller, union arguments *args)
{
    return event_expand_array(caller, MFN(args->expand_array.array_gfn));
}

static int do_set_priority(struct hv_domain *caller, union arguments *args)
{
    return event_set_priority(caller, args->set_priority.port, args->set_priority.priority);
}

struct command {
    int (*run)(struct hv_domain *caller, union arguments *args);
    uint16_t size; /* of its structure */
    bool results;  /* are there any in it? */
};

static const struct command commands[] = {
    [EVTCHNOP_bind_interdomain] = {do_bind_interdomain, sizeof(struct evtchn_bind_interdomain), true},
    [EVTCHNOP_bind_virq] = {do_bind_virq, sizeof(struct evtchn_bind_virq), true},
    [EVTCHNOP_bind_pirq] = {do_bind_pirq, sizeof(struct evtchn_bind_pirq), true},
    [EVTCHNOP_close] = {do_close, sizeof(struct evtchn_close), false},
    [EVTCHNOP_send] = {do_send, sizeof(struct evtchn_send), false},
    [EVTCHNOP_status] = {do_status, sizeof(struct evtchn_status), true},
    [EVTCHNOP_alloc_unbound] = {do_alloc_unbound, sizeof(struct evtchn_alloc_unbound), true},
    [EVTCHNOP_bind_ipi] = {do_bind_ipi, sizeof(struct evtchn_bind_ipi), true},
    [EVTCHNOP_bind_vcpu] = {do_bind_vcpu, sizeof(struct evtchn_bind_vcpu), false},
    [EVTCHNOP_unmask] = {do_unmask, sizeof(struct evtchn_unmask), false},
    [EVTCHNOP_reset] = {do_reset, sizeof(struct evtchn_reset), false},
    [EVTCHNOP_init_control] = {do_init_control, sizeof(struct evtchn_init_control), true},
    [EVTCHNOP_expand_array] = {do_expand_array, sizeof(struct evtchn_expand_array), false},
    [EVTCHNOP_set_priority] = {do_set_priority, sizeof(struct evtchn_set_priority), false},
};

/*
 * A result that cannot be written is -EFAULT after the fact: a port that has been taken stays open, as if the guest had
 * forgotten its number.
 */
static __attribute__((noinline)) int64_t answer(struct hv_vcpu *vcpu, vaddr_t place, const union arguments *args,
                                                size_t size)
{
    return access_write(&vcpu->engine, place, args, size) ? 0 : call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, place.v);
}

static int64_t run(struct hv_vcpu *vcpu, uint32_t number, vaddr_t place)
{
    const struct command *command = TABLE_FIND_BY(commands, number, run);
    union arguments args;
    int error;

    if (!command)
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
    if (!access_read(&vcpu->engine, &args, place, command->size))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, place.v);
    error = command->run(hv_vcpu_domain(vcpu), &args);
    return !error && command->results ? answer(vcpu, place, &args, command->size) : error;
}

int64_t call_event_channel_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return run(vcpu, (uint32_t)args[0], VADDR(args[1]));
}

/* The structure of the command lies behind its number. */
int64_t call_event_channel_op_compat(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t number;

    if (!access_read(&vcpu->engine, &number, VADDR(args[0]), sizeof(number)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, args[0]);
    if (number > EVTCHNOP_unmask)
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
    return run(vcpu, number, VADDR(args[0] + offsetof(struct evtchn_op, u)));
}
