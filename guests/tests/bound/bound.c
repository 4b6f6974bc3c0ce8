/* SPDX-License-Identifier: MIT */
/*
 * A vCPU of the initial domain binds itself to one processor after the other, runs there at once, and is told which one
 * it is.  The instruction cpuid, which nothing intercepts, has the number of the processor that it runs on.
 */
#include <abi/errno.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guests/tests/lib/test.h>

#define ROUNDS  8
#define NOWHERE ((struct vcpu_get_physid *)8)

static uint32_t apic_here(void)
{
    return cpuid(1, 0).ebx >> 24;
}

static long bind(int32_t pcpu)
{
    const struct sched_pin_override pin = {.pcpu = pcpu};

    return hypercall_sched_op(SCHEDOP_pin_override, &pin);
}

static long ask(struct vcpu_get_physid *physid)
{
    return hypercall_vcpu_op(VCPUOP_get_physid, 0, physid);
}

/* Shows sched_op.pin-override, vcpu_op.physid. */
static void move(void)
{
    struct vcpu_get_physid physid = {0};
    uint32_t apics[2] = {0};
    bool is_told = true, stays = true;

    for (int32_t i = 0; i < ROUNDS; i++) {
        test_need((int)bind(i % 2), "pin_override");
        test_need((int)ask(&physid), "get_physid");
        is_told = is_told && xen_vcpu_physid_to_x86_apicid(physid.phys_id) == apic_here();
        stays = stays && (i < 2 || apics[i % 2] == apic_here());
        apics[i % 2] = apic_here();
    }
    test_check(is_told, "it is told where it runs", "processor %u instead of %" PRIx64, apic_here(), physid.phys_id);
    test_check(stays && apics[0] != apics[1], "it goes from one to the other", "%u and %u", apics[0], apics[1]);
}

/* Shows sched_op.pin-none, vcpu_op.physid-refused, vcpu_op.physid-unwritable. */
void test_main(void)
{
    struct vcpu_get_physid physid;

    test_result("not bound, it has no processor", ask(&physid), -XEN_EINVAL);
    move();
    test_result("no such processor", bind(2), -XEN_EINVAL);
    test_result("nowhere to write", ask(NOWHERE), -XEN_EFAULT);
    test_result("undone", bind(-1), 0);
    test_result("and not bound again", ask(&physid), -XEN_EINVAL);
}
