/* SPDX-License-Identifier: MIT */
/* sched_op in both forms. */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/sched.h>
#include <engine/access.h>
#include <hv/call/calls.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/event_table.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>
#include <hv/time/time.h>

#define POLL_PORTS_MAX 128u

static int64_t do_yield(struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)vcpu;
    (void)arg;
    sched_step_back();
    return 0;
}

/* Is there a reason to return to the guest? */
static bool is_wanted(const struct hv_vcpu *vcpu)
{
    return hv_vcpu_has_upcall(vcpu) || (vcpu->bounce.nmi_pending && !vcpu->bounce.nmi_blocked) ||
           hv_vcpu_domain(vcpu)->ended;
}

/*
 * Nothing can come between the look and the sleep: whoever makes an event, an NMI or an end has to be in the house,
 * which is this vCPU's until it is blocked.
 */
static int64_t do_block(struct hv_vcpu *vcpu, vaddr_t arg)
{
    (void)arg;
    event_unmask_upcalls(vcpu);
    if (!is_wanted(vcpu))
        sched_block(vcpu);
    return 0;
}

static unsigned known_reason(uint64_t reason)
{
    return reason <= SHUTDOWN_MAX ? (unsigned)reason : SHUTDOWN_crash;
}

/* The guest does not go on: what is left of a multicall is not done. */
static int64_t shut_down(struct hv_vcpu *vcpu, uint64_t reason)
{
    shutdown_by_guest(vcpu, known_reason(reason));
    return 0;
}

static int64_t do_shutdown(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct sched_shutdown shutdown;

    if (!access_read(&vcpu->engine, &shutdown, arg, sizeof(shutdown)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    return shut_down(vcpu, shutdown.reason);
}

/*
 * ---- SCHEDOP_poll
 */

/* A copy of what the guest asks for. */
struct poll {
    unsigned nr_ports;
    uint64_t timeout;
    evtchn_port_t ports[POLL_PORTS_MAX];
};

static bool read_poll(struct hv_vcpu *vcpu, vaddr_t arg, struct sched_poll *poll)
{
    struct compat_sched_poll compat;

    if (hv_vcpu_is_64bit(vcpu))
        return access_read(&vcpu->engine, poll, arg, sizeof(*poll));
    if (!access_read(&vcpu->engine, &compat, arg, sizeof(compat)))
        return false;
    *poll = (struct sched_poll){.ports = compat.ports, .nr_ports = compat.nr_ports, .timeout = compat.timeout};
    return true;
}

static int decode_poll(struct hv_vcpu *vcpu, vaddr_t arg, struct poll *poll)
{
    struct sched_poll copy;

    if (!read_poll(vcpu, arg, &copy))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if (copy.nr_ports > POLL_PORTS_MAX)
        return call_refuse(-XEN_EINVAL, WHY_POLL_PORTS, copy.nr_ports);
    poll->nr_ports = copy.nr_ports;
    poll->timeout = copy.timeout;
    if (!access_read(&vcpu->engine, poll->ports, VADDR(copy.ports), copy.nr_ports * sizeof(poll->ports[0])))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, copy.ports);
    for (unsigned i = 0; i < poll->nr_ports; i++) {
        if (!event_table_is_open(hv_vcpu_domain(vcpu), poll->ports[i]))
            return call_refuse(-XEN_EINVAL, WHY_PORT_CLOSED, poll->ports[i]);
    }
    return 0;
}

static bool is_over(const struct hv_vcpu *vcpu, const struct poll *poll)
{
    for (unsigned i = 0; i < poll->nr_ports; i++) {
        if (event_is_pending(hv_vcpu_domain(vcpu), poll->ports[i]))
            return true;
    }
    return is_wanted(vcpu) || (poll->timeout && poll->timeout <= time_now());
}

static int64_t do_poll(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct poll poll;
    int error = decode_poll(vcpu, arg, &poll);

    if (error)
        return error;
    if (is_over(vcpu, &poll))
        return 0;
    if (poll.timeout)
        vcpu_time_set_poll(vcpu, poll.timeout);
    vcpu->report.poll = (struct report_poll){poll.ports, poll.nr_ports};
    vcpu->run.polling = true;
    do {
        sched_block(vcpu);
    } while (!is_over(vcpu, &poll));
    vcpu->run.polling = false;
    vcpu->report.poll.nr_ports = 0;
    vcpu_time_stop_poll(vcpu);
    return 0;
}

/*
 * ---- For other domains, and for the one that owns the machine.
 */

static int64_t do_remote_shutdown(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct hv_domain *caller = hv_vcpu_domain(vcpu);
    struct sched_remote_shutdown shutdown;
    struct hv_domain *domain;

    if (!access_read(&vcpu->engine, &shutdown, arg, sizeof(shutdown)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    domain = hv_domain_find(caller->engine.machine, shutdown.domain_id); /* not by DOMID_SELF: it is for others */
    if (!domain)
        return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, shutdown.domain_id);
    if (domain == caller || !caller->engine.privileged)
        return call_refuse(-XEN_EPERM, WHY_REMOTE_SHUTDOWN, shutdown.domain_id);
    shutdown_domain(domain, known_reason(shutdown.reason));
    return 0;
}

static int64_t do_shutdown_code(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    struct sched_shutdown shutdown;

    if (!access_read(&vcpu->engine, &shutdown, arg, sizeof(shutdown)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    domain->reason_noted = true;
    domain->noted_reason = known_reason(shutdown.reason);
    return 0;
}

static int64_t do_pin_override(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct sched_pin_override pin;

    if (!hv_vcpu_domain(vcpu)->initial)
        return call_refuse(-XEN_EPERM, WHY_NOT_INITIAL, vcpu->engine.domain->id.v);
    if (!access_read(&vcpu->engine, &pin, arg, sizeof(pin)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if (pin.pcpu >= 0 && !cpu_find((unsigned)pin.pcpu))
        return call_refuse(-XEN_EINVAL, WHY_NO_PROCESSOR, (uint32_t)pin.pcpu);
    sched_bind(pin.pcpu < 0 ? (cpumask_t){0} : cpumask_of((unsigned)pin.pcpu));
    return 0;
}

/*
 * ---- SCHEDOP_watchdog: numbers count from 1.
 */

static int64_t start_watchdog(struct hv_domain *domain, uint32_t seconds)
{
    for (unsigned i = 0; i < WATCHDOGS; i++) {
        if (!vcpu_time_has_watchdog(domain, i)) {
            vcpu_time_set_watchdog(domain, i, seconds);
            return i + 1;
        }
    }
    return call_refuse(-XEN_EEXIST, WHY_WATCHDOGS_EXHAUSTED, WATCHDOGS);
}

static int64_t do_watchdog(struct hv_vcpu *vcpu, vaddr_t arg)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    struct sched_watchdog watchdog;

    if (!access_read(&vcpu->engine, &watchdog, arg, sizeof(watchdog)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, arg.v);
    if (watchdog.id > WATCHDOGS)
        return call_refuse(-XEN_EINVAL, WHY_NO_WATCHDOG, watchdog.id);
    if (watchdog.id == 0 && watchdog.timeout)
        return start_watchdog(domain, watchdog.timeout);
    if (watchdog.id == 0 || !vcpu_time_has_watchdog(domain, watchdog.id - 1))
        return call_refuse(-XEN_EINVAL, WHY_NO_WATCHDOG, watchdog.id);
    vcpu_time_set_watchdog(domain, watchdog.id - 1, watchdog.timeout);
    return 0;
}

/*
 * ---- The calls.
 */

typedef int64_t command_fn(struct hv_vcpu *vcpu, vaddr_t arg);

static command_fn *const commands[] = {
    [SCHEDOP_yield] = do_yield,
    [SCHEDOP_block] = do_block,
    [SCHEDOP_shutdown] = do_shutdown,
    [SCHEDOP_poll] = do_poll,
    [SCHEDOP_remote_shutdown] = do_remote_shutdown,
    [SCHEDOP_shutdown_code] = do_shutdown_code,
    [SCHEDOP_watchdog] = do_watchdog,
    [SCHEDOP_pin_override] = do_pin_override,
};

int64_t call_sched_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t number = (uint32_t)args[0];
    command_fn *command = TABLE_FIND(commands, number);

    return command ? command(vcpu, VADDR(args[1])) : call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
}

/* The older form: the reason of an end stands in a register. */
int64_t call_sched_op_compat(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint32_t number = (uint32_t)args[0];

    if (number == SCHEDOP_shutdown)
        return shut_down(vcpu, (uint32_t)args[1]);
    return number < SCHEDOP_shutdown ? call_sched_op(vcpu, args) : call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
}
