/* SPDX-License-Identifier: MIT */
/* platform_op, of guests of both widths. */
/* links: hv/call/call_platform.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/platform.h>
#include <hv/domain/wallclock.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_calls.h>

static uint64_t clock_seconds, clock_at;
static unsigned nr_told; /* domains that have been told of the clock */

int wallclock_set(uint64_t seconds, uint64_t nanoseconds, uint64_t at)
{
    clock_seconds = seconds;
    clock_at = at;
    return nanoseconds < 1000000000 ? 0 : -XEN_EINVAL;
}

void wallclock_update(struct hv_domain *of)
{
    assert_ptr_equal(of, &domain);
    nr_told++;
}

/*
 * Shows platform_op.unreadable, platform_op.version, platform_op.no-right, platform_op.not-offered,
 * platform_op.settime, platform_op.settime-refused, platform_op.cpuinfo, platform_op.no-cpu.
 */
static void platform(void)
{
    struct xen_platform_op *op = &GUEST(struct xen_platform_op);
    struct hv_domain gone = {.ended = true}; /* it has no clock any more */

    domain.engine.machine->domains[2] = &gone.engine;
    nr_told = 0;
    *op = (struct xen_platform_op){XENPF_settime64, XENPF_INTERFACE_VERSION, {{0}}};
    op->u.settime64 = (struct xenpf_settime64){UINT64_C(5000000000), 7, 0, 9};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EPERM);
    assert_int_equal(call(call_platform_op, nowhere(), 0, 0), -XEN_EFAULT);
    op->interface_version++;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EACCES);
    op->interface_version--;
    domain.initial = true;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(clock_seconds, UINT64_C(5000000000));
    assert_int_equal(clock_at, 9);
    assert_int_equal(nr_told, 1);
    op->u.settime64.mbz = 1;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    op->cmd = XENPF_settime32;
    op->u.settime32 = (struct xenpf_settime32){6, 7, 8};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(clock_seconds, 6);
    assert_int_equal(clock_at, 8);
    op->u.settime32.nsecs = 1000000000;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    assert_refused(WHY_WALL_CLOCK, 1000000000);
    assert_int_equal(nr_told, 2);
    op->cmd = XENPF_get_cpuinfo;
    op->u.pcpu_info = (struct xenpf_pcpuinfo){.max_present = 77};
    assert_int_equal(call(call_platform_op, at(0), 0, 0), 0);
    assert_int_equal(op->u.pcpu_info.max_present, 0);
    assert_int_equal(op->u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    op->u.pcpu_info.xen_cpuid = 1;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EINVAL);
    op->cmd = XENPF_firmware_info;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_ENOSYS);
    op->interface_version++;
    assert_int_equal(call(call_platform_op, at(0), 0, 0), -XEN_EACCES);
    assert_int_equal(call(call_platform_op, nowhere(), 0, 0), -XEN_EFAULT);
}

TEST_BOTH(platform, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_platform),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
