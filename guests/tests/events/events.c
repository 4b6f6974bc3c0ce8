/* SPDX-License-Identifier: MIT */
/*
 * Event channels: each command, its errors, and how events are delivered, masked and merged.
 */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>

#define NO_SUCH_VCPU   4000u
#define NO_SUCH_DOMAIN 1234u
#define FREE_PORT      3000u
#define PORT_TOO_HIGH  200000u

static unsigned seen[EVTCHN_2L_NR_CHANNELS];

static void count(evtchn_port_t port)
{
    seen[port]++;
}

static long status_of(evtchn_port_t port, struct evtchn_status *status)
{
    *status = (struct evtchn_status){.dom = DOMID_SELF, .port = port};
    return hypercall_event_channel_op(EVTCHNOP_status, status);
}

/*
 * Shows hypercall.events-first, event_channel_op.merged, event_channel_op.send, event_channel_op.close-free,
 * event_channel_op.unmask, shared_info.raise, shared_info.upcall, sched_op.block.
 */
static void delivery(void)
{
    evtchn_port_t port;

    test_need(event_bind_ipi(count, &port), "bind_ipi");
    test_result("send to an IPI port", event_send(port), 0);
    test_equal("masked: not delivered", seen[port], 0);
    test_check(event_pending(port) && guest.vcpu->evtchn_upcall_pending, "masked: pending", "no");
    test_equal("its word's bit in pending_sel", guest.vcpu->evtchn_pending_sel, UINT64_C(1) << (port / 64));
    test_result("send again", event_send(port), 0);
    event_enable();
    test_equal("unmasked: delivered, merged into one", seen[port], 1);
    test_result("send with events on", event_send(port), 0);
    test_equal("delivered on the way back", seen[port], 2);
    event_mask(port);
    test_result("send to a port that is masked", event_send(port), 0);
    test_equal("not delivered", seen[port], 2);
    test_check(event_pending(port), "but pending", "no");
    test_equal("and no upcall", guest.vcpu->evtchn_upcall_pending, 0);
    event_unmask(port);
    test_equal("unmask delivers", seen[port], 3);
    test_check(event_enabled(), "events are still on", "no");
    event_unmask(port);
    test_equal("unmask of what is not pending does nothing", seen[port], 3);
    event_disable();
    test_result("block with an event pending", event_send(port), 0);
    event_wait();
    test_equal("it is delivered", seen[port], 4);
    test_check(event_enabled(), "block leaves events on", "no");
    event_disable();
    test_result("close", event_close(port), 0);
    test_result("close again", event_close(port), -XEN_EINVAL);
    test_result("send to a closed port", event_send(port), -XEN_EINVAL);
}

static void many(void)
{
    static evtchn_port_t ports[300];
    unsigned missing = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        test_need(event_bind_ipi(count, &ports[i]), "bind many");
        seen[ports[i]] = 0;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++)
        test_need(event_send(ports[i]), "send to many");
    event_enable();
    event_disable();
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        missing += seen[ports[i]] != 1;
        test_need(event_close(ports[i]), "close many");
    }
    test_equal("300 ports pending at once, each delivered once", missing, 0);
}

/*
 * Shows event_channel_op.bind-virq, event_channel_op.virq-bound, event_channel_op.no-virq,
 * event_channel_op.virq-no-vcpu.
 */
static void virqs(void)
{
    struct evtchn_bind_virq bind = {.virq = VIRQ_DEBUG};
    struct evtchn_status status;

    test_result("bind_virq", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), 0);
    test_result("status of it", status_of(bind.port, &status), 0);
    test_check(status.status == EVTCHNSTAT_virq && status.u.virq == VIRQ_DEBUG && status.vcpu == 0, "it is a VIRQ",
               "status %u, virq %u", status.status, status.u.virq);
    test_result("bind_virq again", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_EEXIST);
    test_result("close", event_close(bind.port), 0);
    bind.virq = NR_VIRQS;
    test_result("bind_virq, no such interrupt", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_EINVAL);
    bind = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = NO_SUCH_VCPU};
    test_result("bind_virq, no such vCPU", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), -XEN_ENOENT);
    bind = (struct evtchn_bind_virq){.virq = VIRQ_CONSOLE, .vcpu = 1};
    test_result("bind_virq, a domain's interrupt on vCPU 1", hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind),
                -XEN_EINVAL);
}

static void interdomain(void)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF};
    struct evtchn_status status;
    evtchn_port_t port;

    test_need(event_alloc_unbound(DOMID_SELF, count, &port), "alloc_unbound");
    seen[port] = 0;
    test_result("status of an unbound port", status_of(port, &status), 0);
    test_equal("it is unbound", status.status, EVTCHNSTAT_unbound);
    test_result("send to an unbound port: dropped", event_send(port), 0);
    event_enable();
    test_equal("nothing came", seen[port], 0);
    event_disable();
    bind.remote_port = port;
    test_result("bind_interdomain to it", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
    test_result("status of the new end", status_of(bind.local_port, &status), 0);
    test_check(status.status == EVTCHNSTAT_interdomain && status.u.interdomain.port == port, "it is connected",
               "status %u, port %u", status.status, status.u.interdomain.port);
    test_check(event_pending(bind.local_port), "the new end became pending", "no");
    event_set_handler(bind.local_port, count);
    event_enable();
    seen[bind.local_port] = 0;
    test_result("send from the new end", event_send(bind.local_port), 0);
    test_equal("arrives at the other", seen[port], 1);
    test_result("send back", event_send(port), 0);
    test_equal("arrives here", seen[bind.local_port], 1);
    test_result("bind_interdomain to a connected port", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind),
                -XEN_EINVAL);
    test_result("close one end", event_close(bind.local_port), 0);
    test_result("status of the other", status_of(port, &status), 0);
    test_equal("it is unbound again", status.status, EVTCHNSTAT_unbound);
    test_result("close the other", event_close(port), 0);
    event_disable();
}

static void errors(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = NO_SUCH_DOMAIN, .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain bind = {.remote_dom = NO_SUCH_DOMAIN, .remote_port = 1};
    struct evtchn_bind_ipi ipi = {.vcpu = NO_SUCH_VCPU};
    struct evtchn_bind_vcpu move;
    struct evtchn_unmask unmask = {.port = PORT_TOO_HIGH};
    struct evtchn_status status;
    evtchn_port_t port;

    test_result("unknown command", hypercall_event_channel_op(99, &alloc), -XEN_ENOSYS);
    test_result("no argument", hypercall_event_channel_op(EVTCHNOP_send, NULL), -XEN_EFAULT);
    test_result("alloc_unbound, no such domain", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc),
                -XEN_ESRCH);
    test_result("bind_interdomain, no such domain", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind),
                -XEN_ESRCH);
    bind = (struct evtchn_bind_interdomain){.remote_dom = DOMID_SELF, .remote_port = FREE_PORT};
    test_result("bind_interdomain, a free port", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind),
                -XEN_EINVAL);
    test_result("bind_ipi, no such vCPU", hypercall_event_channel_op(EVTCHNOP_bind_ipi, &ipi), -XEN_ENOENT);
    test_result("close port 0", event_close(0), -XEN_EINVAL);
    test_result("close a port out of range", event_close(PORT_TOO_HIGH), -XEN_EINVAL);
    test_result("send to a port out of range", event_send(PORT_TOO_HIGH), -XEN_EINVAL);
    test_result("unmask a port out of range", hypercall_event_channel_op(EVTCHNOP_unmask, &unmask), -XEN_EINVAL);
    test_result("status of a port out of range", status_of(PORT_TOO_HIGH, &status), -XEN_EINVAL);
    test_need(event_bind_ipi(count, &port), "bind_ipi");
    test_result("status of an IPI port", status_of(port, &status), 0);
    test_equal("it is an IPI", status.status, EVTCHNSTAT_ipi);
    move = (struct evtchn_bind_vcpu){.port = port, .vcpu = 0};
    test_result("bind_vcpu of an IPI", hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &move), -XEN_EINVAL);
    move.vcpu = NO_SUCH_VCPU;
    test_result("bind_vcpu, no such vCPU", hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &move), -XEN_ENOENT);
    test_result("close", event_close(port), 0);
    test_result("status of a free port", status_of(port, &status), 0);
    test_equal("it is closed", status.status, EVTCHNSTAT_closed);
}

/* The older call, with the command inside the structure. */
static void compat(void)
{
    struct evtchn_op op = {.cmd = EVTCHNOP_bind_ipi, .u.bind_ipi = {.vcpu = 0}};

    test_result("compat: bind_ipi", hypercall(__HYPERVISOR_event_channel_op_compat, arg_of(&op), 0, 0, 0, 0), 0);
    test_check(op.u.bind_ipi.port != 0, "compat: the port", "0");
    test_result("compat: close", event_close(op.u.bind_ipi.port), 0);
}

static void full(void)
{
    evtchn_port_t port;
    unsigned made = 0;
    int error;

    while ((error = event_bind_ipi(count, &port)) == 0 && made < EVTCHN_2L_NR_CHANNELS)
        made++;
    test_result("when all ports are in use", error, -XEN_ENOSPC);
    test_check(made > 1000, "that is after many", "%u", made);
}

void test_main(void)
{
    delivery();
    many();
    virqs();
    interdomain();
    errors();
    compat();
    full();
}
