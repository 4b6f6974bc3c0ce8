/* SPDX-License-Identifier: MIT */
/* Events, vCPUs, scheduling, and what else is not about tables. */
#include <abi/errno.h>
#include <abi/event.h>
#include <abi/hypercall.h>
#include <abi/io.h>
#include <abi/multicall.h>
#include <abi/physdev.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

#define OTHER_DOMAIN 0x1234

static long bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};

    return hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);
}

static void virqs(void)
{
    mistake("a virtual interrupt that there is not", bind_virq(NR_VIRQS, 0), -XEN_EINVAL);
    mistake("the console's interrupt, on another vCPU", bind_virq(VIRQ_CONSOLE, 1), -XEN_EINVAL);
    mistake("a timer of a vCPU that there is not", bind_virq(VIRQ_TIMER, 7), -XEN_ENOENT);
    test_result("a virtual interrupt", bind_virq(VIRQ_DEBUG, 0), 0);
    mistake("a virtual interrupt, twice", bind_virq(VIRQ_DEBUG, 0), -XEN_EEXIST);
}

static void ports(void)
{
    struct evtchn_bind_interdomain connect = {.remote_dom = DOMID_SELF, .remote_port = 1};
    struct evtchn_alloc_unbound wait = {.dom = DOMID_SELF, .remote_dom = OTHER_DOMAIN};
    struct evtchn_send send = {.port = 4000};
    struct multicall_entry calls[] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = __HYPERVISOR_event_channel_op, .args = {EVTCHNOP_send, (uintptr_t)&send}},
    };
    struct evtchn_close close;
    struct evtchn_set_priority priority;

    mistake("send to a port that is closed", hypercall_event_channel_op(EVTCHNOP_send, &send), -XEN_EINVAL);
    test_result("a multicall", hypercall_multicall(calls, ARRAY_SIZE(calls)), 0);
    mistake("the same in a multicall", (long)calls[1].result, -XEN_EINVAL);
    test_result("a port for another domain", hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &wait), 0);
    connect.remote_port = wait.port;
    mistake("bind to what waits for another", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &connect),
            -XEN_EINVAL);
    connect.remote_dom = OTHER_DOMAIN;
    mistake("bind to a domain that is gone", hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &connect),
            -XEN_ESRCH);
    close.port = wait.port;
    test_result("it is closed", hypercall_event_channel_op(EVTCHNOP_close, &close), 0);
    mistake("close a port twice", hypercall_event_channel_op(EVTCHNOP_close, &close), -XEN_EINVAL);
    priority = (struct evtchn_set_priority){.port = 1, .priority = 0};
    mistake("a priority, with bitmaps", hypercall_event_channel_op(EVTCHNOP_set_priority, &priority), -XEN_ENOSYS);
}

static void vcpus(void)
{
    struct vcpu_register_vcpu_info place = {.mfn = 1, .offset = 4100};
    struct vcpu_set_periodic_timer period = {.period_ns = 10};

    mistake("a vCPU that there is not", hypercall_vcpu_op(VCPUOP_up, 9, NULL), -XEN_ENOENT);
    mistake("vcpu_info beyond its page", hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &place), -XEN_ENXIO);
    mistake("a timer every 10 ns", hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &period), -XEN_EINVAL);
    mistake("registers for a vCPU that runs", hypercall_vcpu_op(VCPUOP_initialise, 0, &period), -XEN_EEXIST);
}

static void rest(void)
{
    const uint32_t port = 4000;
    struct sched_poll poll = {.ports = (uintptr_t)&port, .nr_ports = 1};
    struct sched_watchdog watchdog = {.id = 2, .timeout = 1};
    struct physdev_set_iopl iopl = {.iopl = 4};
    const char *pointer = "text";

    mistake("poll a port that is closed", hypercall_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    mistake("a watchdog that does not run", hypercall_sched_op(SCHEDOP_watchdog, &watchdog), -XEN_EINVAL);
    mistake("a command of the scheduler's that there is not", hypercall_sched_op(77, NULL), -XEN_ENOSYS);
    mistake("a null pointer", hypercall_sched_op(SCHEDOP_shutdown, NULL), -XEN_EFAULT);
    mistake("a privilege level that there is not", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), -XEN_EINVAL);
    mistake("the address of a text, as a physical one",
            hypercall_console_io(CONSOLEIO_write, 4, (const char *)((uintptr_t)pointer & 0xffffff)), -XEN_EFAULT);
}

void mistakes_services(void)
{
    virqs();
    ports();
    vcpus();
    rest();
}
