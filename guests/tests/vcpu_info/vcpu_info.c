/* SPDX-License-Identifier: MIT */
/*
 * Moving the vcpu_info out of shared_info; and the other calls about vCPUs, as far as one vCPU goes.
 */
#include <abi/errno.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

static unsigned count;

static void event(evtchn_port_t port)
{
    (void)port;
    count++;
}

static long move(mfn_t mfn, uint32_t offset, unsigned vcpu)
{
    struct vcpu_register_vcpu_info where = {.mfn = mfn.v, .offset = offset};

    return hypercall_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &where);
}

static void read_null(void *arg)
{
    (void)READ_ONCE(*(char *)arg);
}

static void moved(char *page)
{
    vcpu_info_t *old = guest.vcpu, *new = (vcpu_info_t *)(page + 128);
    struct fault fault;
    evtchn_port_t port;
    uint64_t before = time_now();

    old->arch.cr2 = 0x5555;
    test_result("register_vcpu_info", move(virt_to_mfn(page), 128, 0), 0);
    guest.vcpu = new;
    test_equal("what it held was copied", new->arch.cr2, 0x5555);
    test_equal("an event is pending, so that none is lost", new->evtchn_upcall_pending, 1);
    test_equal("for every word", new->evtchn_pending_sel, (event_word_t)~UINT64_C(0));
    test_equal("events are masked as before", new->evtchn_upcall_mask, 1);
    test_check(time_now() >= before && time_now() < before + 5000000000, "the time is there", "%" PRIu64 ", %" PRIu64,
               before, time_now());
    test_need(event_bind_ipi(event, &port), "IPI");
    event_enable();
    test_result("send", event_send(port), 0);
    test_equal("events arrive at the new place", count, 1);
    (void)trap_try(read_null, NULL, &fault);
    test_equal("cr2 goes to the new place", new->arch.cr2, 0);
    test_equal("and not to the old", old->arch.cr2, 0x5555);
    event_disable();
    test_result("again", move(virt_to_mfn(page), 256, 0), -XEN_EINVAL);
}

static void vcpus(void)
{
    static struct vcpu_guest_context context;
    struct vcpu_get_physid physid;

    test_result("is_up 0", hypercall_vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    test_result("is_up of none", hypercall_vcpu_op(VCPUOP_is_up, 4000, NULL), -XEN_ENOENT);
    test_result("initialise 0", hypercall_vcpu_op(VCPUOP_initialise, 0, &context), -XEN_EEXIST);
    test_result("up 0", hypercall_vcpu_op(VCPUOP_up, 0, NULL), 0);
    test_result("initialise none", hypercall_vcpu_op(VCPUOP_initialise, 4000, &context), -XEN_ENOENT);
    test_result("unknown command", hypercall_vcpu_op(99, 0, NULL), -XEN_ENOSYS);
    test_result("send_nmi with an argument", hypercall_vcpu_op(VCPUOP_send_nmi, 0, &physid), -XEN_EINVAL);
}

static volatile unsigned nmis;

static bool nmi(struct regs *regs)
{
    (void)regs;
    nmis++;
    return true;
}

static void nmi_to_self(void)
{
    (void)trap_set_handler(VECTOR_NMI, nmi);
    test_result("send_nmi to itself", hypercall_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    test_equal("it arrives, though events are masked", nmis, 1);
    test_result("send_nmi again", hypercall_vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
    test_equal("iret ended the blocking", nmis, 2);
}

/* Shows vcpu_op.register-info. */
void test_main(void)
{
    char *page = page_alloc(), *readonly = page_alloc();

    test_need(table_set_readonly(readonly), "read-only");
    test_need(table_pin((uint64_t *)(void *)readonly, 1), "pin");
    test_result("misaligned", move(virt_to_mfn(page), sizeof(event_word_t) / 2, 0), -XEN_ENXIO);
    test_result("over the end of the frame", move(virt_to_mfn(page), 4064, 0), -XEN_ENXIO);
    test_result("no such frame", move(MFN(PTE_FRAME >> PAGE_SHIFT), 0, 0), -XEN_EINVAL);
    test_check(move(virt_to_mfn(readonly), 0, 0) < 0, "a page table", "accepted");
    test_result("no such vCPU", move(virt_to_mfn(page), 0, 4000), -XEN_ENOENT);
    moved(page);
    vcpus();
    nmi_to_self();
}
