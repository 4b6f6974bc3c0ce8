/* SPDX-License-Identifier: MIT */
/* vcpu_op, of guests of both widths: each command and each error. */
/* links: hv/call/call_vcpu.c hv/call/vcpu_initialise.c engine/access.c */
/* links: tests/hv/lib/guest_memory.c tests/hv/lib/guest_vcpus.c tests/hv/lib/objects.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/vcpu.h>
#include <hv/domain/shutdown.h>
#include <tests/hv/lib/guest_vcpus.h>
#include <tests/hv/lib/objects.h>

/*
 * Shows vcpu_op.no-vcpu, vcpu_op.unknown-command, vcpu_op.unreadable, vcpu_op.initialise-unreadable,
 * vcpu_op.singleshot-unreadable.
 */
static void test_errors(void **state)
{
    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 0, 0), 1);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_is_up, VCPUS, 0), -XEN_ENOENT);
    assert_int_equal(vcpu_op(VCPUOP_is_up, UINT32_MAX, 0), -XEN_ENOENT);
    assert_int_equal(vcpu_op(14, 0, 0), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(UINT32_MAX, 0, 0), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(14, VCPUS, 0), -XEN_ENOENT);
    guest_memory_is_gone = true;
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_get_runstate_info, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_int_equal(objects, 0);
}

/* Shows vcpu_op.up, vcpu_op.up-uninitialised, vcpu_op.down, vcpu_op.down-last, vcpu_op.is-up. */
static void test_up_and_down(void **state)
{
    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_up, 1, 0), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_down, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_up, 0, 0), 0);
    assert_int_equal(noted.started, 0);
    vcpus[1].initialised = true;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_up, 1, 0), 0);
    assert_int_equal(noted.started, 2);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 1);
    assert_int_equal(vcpu_op(VCPUOP_down, 0, 0), 0);
    assert_int_equal(noted.stopped, 1);
    assert_int_equal(noted.shut_down, 0);
    assert_int_equal(vcpu_op(VCPUOP_down, 1, 0), 0); /* the last */
    assert_int_equal(noted.shut_down, 100 + END_LAST_VCPU);
}

/* Brought down by another, it counts as up for as long as its guest's code runs on another processor. */
static void test_down_elsewhere(void **state)
{
    (void)state;
    vcpus[1].initialised = true;
    assert_int_equal(vcpu_op(VCPUOP_up, 1, 0), 0);
    stays_running = true;
    assert_int_equal(vcpu_op(VCPUOP_down, 1, 0), 0);
    stays_running = false;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 1);
    vcpus[1].run.info.state = RUNSTATE_offline;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1, 0), 0);
}

/*
 * Shows vcpu_op.runstate, vcpu_op.runstate-area, vcpu_op.runstate-area-nowhere, vcpu_op.time-area,
 * vcpu_op.time-area-nowhere.
 */
static void test_runstate(void **state)
{
    const struct vcpu_runstate_info *wide = (const void *)guest_memory;
    const struct compat_vcpu_runstate_info *compat = (const void *)guest_memory;
    uint64_t area = GUEST_MEMORY + 512, bad = is_wide() ? UINT64_C(0xffff800000000000) : 0xf6000000;
    size_t size = is_wide() ? 48 : 44;

    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_get_runstate_info, 2, GUEST_MEMORY), 0);
    if (is_wide()) {
        assert_true(wide->state == 2 && wide->state_entry_time == 1001 && wide->time[3] == 1005);
    } else {
        assert_true(compat->state == 2 && compat->state_entry_time == 1001 && compat->time[3] == 1005);
    }
    assert_int_equal(guest_memory[size], 0xa5);
    memcpy(guest_memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, GUEST_MEMORY), 0);
    assert_true(vcpus[2].run.area == area);
    assert_int_equal(guest_memory[512], 2);
    assert_int_equal(guest_memory[512 + size], 0xa5);
    memcpy(guest_memory, &bad, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, GUEST_MEMORY), -XEN_EFAULT);
    assert_true(vcpus[2].run.area == area);
    area = 0;
    memcpy(guest_memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, GUEST_MEMORY), 0);
    assert_true(vcpus[2].run.area == 0);
    area = 0x5000; /* nothing is mapped there */
    memcpy(guest_memory, &area, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 2, GUEST_MEMORY), 0);
    assert_true(vcpus[2].run.area == area);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, GUEST_MEMORY), 0);
    assert_true(vcpus[1].time.area == area);
    assert_int_equal(noted.moves, 1);
    memcpy(guest_memory, &bad, 8);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 1, GUEST_MEMORY), -XEN_EFAULT);
    assert_true(vcpus[1].time.area == area);
}

static void set_memory_singleshot(uint64_t timeout, uint32_t flags)
{
    memcpy(guest_memory, &timeout, 8);
    memcpy(guest_memory + 8, &flags, 4);
}

/* Shows vcpu_op.periodic, vcpu_op.period, vcpu_op.singleshot, vcpu_op.singleshot-other, vcpu_op.singleshot-past. */
static void test_timers(void **state)
{
    static const struct {
        uint64_t period;
        int64_t result;
    } periods[] = {{0, -XEN_EINVAL},
                   {999999, -XEN_EINVAL},
                   {1000000, 0},
                   {(UINT64_C(1) << 62) - 1, 0},
                   {UINT64_C(1) << 62, -XEN_EINVAL},
                   {INT64_MAX, -XEN_EINVAL},
                   {UINT64_C(1) << 63, -XEN_EINVAL},
                   {UINT64_MAX, -XEN_EINVAL}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(periods); i++) {
        memcpy(guest_memory, &periods[i].period, 8);
        assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 1, GUEST_MEMORY), periods[i].result);
        if (periods[i].result == 0)
            assert_true(noted.periodic == periods[i].period);
    }
    assert_int_equal(vcpu_op(VCPUOP_stop_periodic_timer, 1, 0), 0);
    assert_true(noted.periodic == 0);

    set_memory_singleshot(4000, 0);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 1, GUEST_MEMORY), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 1, 0), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, GUEST_MEMORY), 0);
    assert_true(noted.singleshot == 4000);
    set_memory_singleshot(4500, VCPU_SSHOTTMR_future);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, GUEST_MEMORY), -XEN_ETIME);
    assert_true(noted.singleshot == 4000);
    set_memory_singleshot(6000, VCPU_SSHOTTMR_future);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, GUEST_MEMORY), 0);
    assert_true(noted.singleshot == 6000);
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 0, 0), 0);
    assert_true(noted.singleshot == 0);
}

/* The structure may be the last thing that the guest has: that of a 32-bit one has 4 bytes less. */
static void test_singleshot_at_the_end(void **state)
{
    uint64_t end = GUEST_MEMORY + GUEST_MEMORY_SIZE - (is_wide() ? 16 : 12);

    (void)state;
    memset(guest_memory + GUEST_MEMORY_SIZE - 16, 0, 16);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, end), 0);
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0, end + 1), -XEN_EFAULT);
}

static int64_t register_info(uint64_t mfn, uint32_t offset)
{
    const struct vcpu_register_vcpu_info wanted = {.mfn = mfn, .offset = offset};

    memcpy(guest_memory, &wanted, sizeof(wanted));
    return vcpu_op(VCPUOP_register_vcpu_info, 1, GUEST_MEMORY);
}

/* Shows vcpu_op.register-info, vcpu_op.info-offset, vcpu_op.info-twice. */
static void test_register_info(void **state)
{
    (void)state;
    assert_int_equal(register_info(INFO_FRAME, 4096 - 63), -XEN_ENXIO);
    assert_int_equal(register_info(INFO_FRAME, 4096 - 56), -XEN_ENXIO);
    assert_int_equal(register_info(INFO_FRAME, 2), -XEN_ENXIO);
    planned.hold_error = -XEN_EPERM;
    assert_int_equal(register_info(INFO_FRAME, 4), is_wide() ? -XEN_ENXIO : -XEN_EPERM);
    assert_int_equal(register_info(INFO_FRAME, UINT32_MAX - 63), -XEN_ENXIO);
    planned.hold_error = -XEN_EACCES;
    assert_int_equal(register_info(INFO_FRAME, 64), -XEN_EACCES);
    assert_ptr_equal(vcpus[1].info, &infos[1]);
    assert_true(mfn_is_none(vcpus[1].info_frame));
    planned.hold_error = 0;
    infos[1].arch.cr2 = 0x1234;
    assert_int_equal(register_info(INFO_FRAME, 64), 0);
    assert_int_equal(noted.held.v, INFO_FRAME);
    assert_ptr_equal(vcpus[1].info, info_frame + 64);
    assert_int_equal(vcpus[1].info->arch.cr2, 0x1234);
    assert_int_equal(vcpus[1].info->evtchn_upcall_mask, 1);
    assert_int_equal(noted.rechecks, 1);
    assert_int_equal(noted.moves, 1);
    assert_int_equal(register_info(INFO_FRAME, 128), -XEN_EINVAL);
    assert_ptr_equal(vcpus[1].info, info_frame + 64);
}

/*
 * Shows vcpu_op.send-nmi, vcpu_op.nmi-argument, vcpu_op.physid, vcpu_op.physid-refused, vcpu_op.physid-unwritable.
 */
static void test_nmi_and_physid(void **state)
{
    uint64_t physid;

    (void)state;
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 0, 1), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 0, 0), 0);
    assert_true(vcpus[0].bounce.nmi_pending);
    assert_int_equal(noted.woken, 1);
    assert_int_equal(vcpu_op(VCPUOP_send_nmi, 1, 0), 0);
    assert_true(vcpus[1].bounce.nmi_pending);
    assert_int_equal(noted.woken, 1);
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, GUEST_MEMORY), -XEN_EINVAL);
    vcpus[0].share.bound = cpumask_of(1);
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, GUEST_MEMORY), -XEN_EINVAL);
    domain.initial = true;
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, GUEST_MEMORY), 0);
    memcpy(&physid, guest_memory, 8);
    assert_int_equal(physid, UINT64_C(3) << 32 | 12);
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 1, GUEST_MEMORY), -XEN_EINVAL); /* it may run on both */
    guest_memory_is_gone = true;
    assert_int_equal(vcpu_op(VCPUOP_get_physid, 0, GUEST_MEMORY), -XEN_EFAULT);
}

int main(void)
{
#define BOTH(test) cmocka_unit_test_setup(test, set_up_64), cmocka_unit_test_setup(test, set_up_32)
    const struct CMUnitTest tests[] = {
        BOTH(test_errors),        BOTH(test_up_and_down),           BOTH(test_down_elsewhere),
        BOTH(test_runstate),      BOTH(test_singleshot_at_the_end), BOTH(test_timers),
        BOTH(test_register_info), BOTH(test_nmi_and_physid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
