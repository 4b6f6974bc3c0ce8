/* SPDX-License-Identifier: MIT */
/*
 * What calls answer to arguments that make no sense: which error, where several are possible, and what is left alone.
 * All of it is what Debian's Xen answers to an ordinary domain.
 */
#include <abi/errno.h>
#include <abi/platform.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>

#define NOWHERE  ((void *)0x100)
#define NOBODY   1234u
#define NO_FRAME MFN(UINT64_C(1) << (TOP_LEVEL == 4 ? 39 : 31))
#define NO_VCPU  1u
#define BAD      ((uintptr_t)1 << 63 % (8 * sizeof(uintptr_t))) /* not canonical, if there is such an address */

/* A callback that guests of the other width have. */
#define OTHER_TYPE (TOP_LEVEL == 4 ? CALLBACKTYPE_sysenter_deprecated : CALLBACKTYPE_syscall)

/* A port in use, one that was, and one that never was. */
static evtchn_port_t open_port, closed_port;
static const evtchn_port_t unused_port = 3000;

static void ports(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

    test_need((int)hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), "a port");
    open_port = alloc.port;
    test_need((int)hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), "another port");
    closed_port = alloc.port;
    test_need((int)hypercall_event_channel_op(EVTCHNOP_close, &(struct evtchn_close){closed_port}), "close");
}

static long poll(evtchn_port_t port)
{
    const struct sched_poll poll = {.ports = arg_of(&port), .nr_ports = 1, .timeout = 1};

    return hypercall_sched_op(SCHEDOP_poll, &poll);
}

static long remote_shutdown(unsigned domain)
{
    const struct sched_remote_shutdown shutdown = {.domain_id = (uint16_t)domain};

    return hypercall_sched_op(SCHEDOP_remote_shutdown, &shutdown);
}

static void sched(void)
{
    test_result("poll", poll(open_port), 0);
    test_result("poll a closed port", poll(closed_port), -XEN_EINVAL);
    test_result("poll a port never used", poll(unused_port), -XEN_EINVAL);
    test_result("poll port 0", poll(0), -XEN_EINVAL);
    test_result("poll no port", poll(EVTCHN_2L_NR_CHANNELS), -XEN_EINVAL);
    test_result("remote_shutdown of nobody", remote_shutdown(NOBODY), -XEN_ESRCH);
    test_result("remote_shutdown of DOMID_SELF", remote_shutdown(DOMID_SELF), -XEN_ESRCH);
    test_result("an unknown sched_op", hypercall_sched_op(8, NOWHERE), -XEN_ENOSYS);
    if (!(guest.start->flags & SIF_INITDOMAIN))
        test_result("pin_override", hypercall_sched_op(SCHEDOP_pin_override, NOWHERE), -XEN_EPERM);
}

static long nmi_op(unsigned cmd, const void *arg)
{
    return hypercall(__HYPERVISOR_nmi_op, cmd, arg_of(arg), 0, 0, 0);
}

static long set_callback(unsigned type, uint64_t address)
{
    const struct callback_register callback = callback_to((uint16_t)type, 0, address);

    return hypercall_callback_op(CALLBACKOP_register, &callback);
}

static long unset_callback(unsigned type)
{
    const struct callback_unregister callback = {.type = (uint16_t)type};

    return hypercall_callback_op(CALLBACKOP_unregister, &callback);
}

static void callbacks(void)
{
    const struct xennmi_callback good = {.handler_address = 0x1000}, bad = {.handler_address = BAD};

    test_result("nmi_op register", nmi_op(XENNMI_register_callback, &good), 0);
    if (TOP_LEVEL == 4)
        test_result("nmi_op register, not canonical", nmi_op(XENNMI_register_callback, &bad), -XEN_EINVAL);
    test_result("nmi_op register nowhere", nmi_op(XENNMI_register_callback, NOWHERE), -XEN_EFAULT);
    test_result("nmi_op unregister", nmi_op(XENNMI_unregister_callback, NULL), 0);
    test_result("an unknown nmi_op", nmi_op(2, NOWHERE), -XEN_ENOSYS);
    test_result("callback of an unknown type", set_callback(8, 0x1000), -XEN_ENOSYS);
    if (TOP_LEVEL == 4)
        test_result("and not canonical", set_callback(8, BAD), -XEN_EINVAL);
    test_result("callback of a type that the other width has", set_callback(OTHER_TYPE, 0x1000), -XEN_ENOSYS);
    test_result("unregister that type", unset_callback(OTHER_TYPE), -XEN_ENOSYS);
    test_result("unregister sysenter", unset_callback(CALLBACKTYPE_sysenter), -XEN_EINVAL);
    test_result("unregister an unknown type", unset_callback(8), -XEN_ENOSYS);
}

static long init_control(uint32_t vcpu, uint32_t offset)
{
    struct evtchn_init_control init = {.control_gfn = NO_FRAME.v, .offset = offset, .vcpu = vcpu};

    return hypercall_event_channel_op(EVTCHNOP_init_control, &init);
}

static long bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq bind = {.virq = virq, .vcpu = vcpu};

    return hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);
}

static void events(void)
{
    struct evtchn_set_priority priority = {.port = open_port, .priority = 3};

    test_result("init_control for no vCPU", init_control(NO_VCPU, 4), -XEN_ENOENT);
    test_result("init_control at an odd offset", init_control(0, 4), -XEN_EINVAL);
    test_result("init_control over the end of the frame", init_control(0, 4032), -XEN_EINVAL);
    test_result("init_control nowhere", hypercall_event_channel_op(EVTCHNOP_init_control, NOWHERE), -XEN_EFAULT);
    test_result("expand_array before it",
                hypercall_event_channel_op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){0}), -XEN_EOPNOTSUPP);
    test_result("expand_array nowhere", hypercall_event_channel_op(EVTCHNOP_expand_array, NOWHERE), -XEN_EFAULT);
    test_result("set_priority before it", hypercall_event_channel_op(EVTCHNOP_set_priority, &priority), -XEN_ENOSYS);
    priority.port = EVTCHN_2L_NR_CHANNELS;
    test_result("set_priority of no port", hypercall_event_channel_op(EVTCHNOP_set_priority, &priority), -XEN_EINVAL);
    test_result("the profiler's interrupt is each vCPU's", bind_virq(VIRQ_XENOPROF, NO_VCPU), -XEN_ENOENT);
    test_result("and another is not", bind_virq(VIRQ_ARGO, NO_VCPU), -XEN_EINVAL);
}

static void versions(uint64_t *page)
{
    struct xen_platform_op op = {0};

    test_result("pagesize", hypercall_xen_version(XENVER_pagesize, NULL), PAGE_SIZE);
    test_result("pagesize with an argument", hypercall_xen_version(XENVER_pagesize, page), -XEN_EINVAL);
    test_result("an unknown xen_version", hypercall_xen_version(11, page), -XEN_ENOSYS);
    test_result("platform_op nowhere", hypercall(__HYPERVISOR_platform_op, arg_of(NOWHERE), 0, 0, 0, 0), -XEN_EFAULT);
    test_result("platform_op of another version", hypercall(__HYPERVISOR_platform_op, arg_of(&op), 0, 0, 0, 0),
                -XEN_EACCES);
    op.interface_version = XENPF_INTERFACE_VERSION;
    if (!(guest.start->flags & SIF_INITDOMAIN)) {
        test_result("build_id", hypercall_xen_version(XENVER_build_id, page), -XEN_EPERM);
        test_result("platform_op", hypercall(__HYPERVISOR_platform_op, arg_of(&op), 0, 0, 0, 0), -XEN_EPERM);
    }
}

static long set_period(uint64_t period)
{
    const struct vcpu_set_periodic_timer timer = {period};

    return hypercall_vcpu_op(VCPUOP_set_periodic_timer, 0, &timer);
}

static long move_info(mfn_t mfn, uint32_t offset)
{
    const struct vcpu_register_vcpu_info where = {.mfn = mfn.v, .offset = offset};

    return hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &where);
}

static void vcpus(const uint64_t *table)
{
    test_result("a period that is too short", set_period(999999), -XEN_EINVAL);
    test_result("the longest period", set_period((UINT64_C(1) << 62) - 1), 0);
    test_result("a longer one", set_period(UINT64_C(1) << 62), -XEN_EINVAL);
    test_result("one that cannot be counted", set_period(INT64_MAX), -XEN_EINVAL);
    test_result("no period", hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    test_result("vcpu_info on a page table", move_info(virt_to_mfn(table), 0), -XEN_EINVAL);
    test_result("vcpu_info on a page table, misaligned", move_info(virt_to_mfn(table), 2), -XEN_ENXIO);
    test_result("vcpu_info on no frame", move_info(NO_FRAME, 0), -XEN_EINVAL);
}

/* A number that a call that is refused as a whole does not touch. */
#define BEFORE 77u

static void mmuext(unsigned domain, const char *name, long want)
{
    const struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    unsigned done = BEFORE;

    test_result(name, hypercall_mmuext_op(&op, 1, &done, domain), want);
    test_equal("and tells no count", done, BEFORE);
}

void test_main(void)
{
    uint64_t *page = page_alloc(), *table = page_alloc();

    test_need(table_set_readonly(table), "read-only");
    test_need(table_pin(table, 1), "pin");
    ports();
    sched();
    callbacks();
    events();
    versions(page);
    vcpus(table);
    mmuext(NOBODY, "mmuext_op for nobody", -XEN_ESRCH);
    mmuext(DOMID_INVALID, "mmuext_op for no domain", -XEN_ESRCH);
}
