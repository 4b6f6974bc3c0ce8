/* SPDX-License-Identifier: MIT */
/* fpu_taskswitch, debug registers and segment bases, of guests of both widths. */
/* links: hv/call/call_state.c engine/access.c tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c */
/* links: tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/segment.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_calls.h>

#define KERNEL_ADDRESS UINT64_C(0xffff880012345678)
#define NO_ADDRESS     UINT64_C(0x1234567812345678)
#define HYPERVISOR     UINT64_C(0xffff800000000000)

static bool task_switched, selector_is_bad;
static uint64_t debug[8], fs_base, gs_base, gs_base_inactive;
static uint16_t selector;
static enum debug_verdict debug_verdict;

void state_set_task_switched(struct hv_vcpu *which, bool set)
{
    assert_ptr_equal(which, &vcpu);
    task_switched = set;
}

enum debug_verdict state_set_debug(struct hv_vcpu *which, unsigned index, uint64_t value)
{
    assert_ptr_equal(which, &vcpu);
    if (debug_verdict == DEBUG_DONE)
        debug[index] = value;
    return debug_verdict;
}

enum debug_verdict state_get_debug(struct hv_vcpu *which, unsigned index, uint64_t *value)
{
    assert_ptr_equal(which, &vcpu);
    if (debug_verdict == DEBUG_DONE)
        *value = debug[index];
    return debug_verdict;
}

void state_set_fs_base(uint64_t base)
{
    fs_base = base;
}

void state_set_gs_base(uint64_t base)
{
    gs_base = base;
}

void state_set_gs_base_inactive(uint64_t base)
{
    gs_base_inactive = base;
}

bool state_load_inactive_gs(uint16_t wanted)
{
    selector = wanted;
    return !selector_is_bad;
}

/* Shows fpu_taskswitch.set, fpu_taskswitch.no-error. */
static void fpu(void)
{
    assert_int_equal(call(call_fpu_taskswitch, 1, 0, 0), 0);
    assert_true(task_switched);
    assert_int_equal(call(call_fpu_taskswitch, 0, 1, 0), 0);
    assert_false(task_switched);
    assert_int_equal(call(call_fpu_taskswitch, UINT64_C(1) << 63, 0, 0), 0);
    assert_true(task_switched);
}

static void debug_registers(void)
{
    assert_int_equal(call(call_set_debugreg, UINT64_C(0x500000003), 0x1234, 0), 0); /* edi, not rdi */
    assert_int_equal(debug[3], 0x1234);
    assert_int_equal(call(call_get_debugreg, UINT64_C(0x500000003), 0, 0), 0x1234);
}

/* Each cause has a reason of its own, with the register or what it was to hold, whichever is wrong. */
static void debug_refusals(void)
{
    static const struct {
        enum debug_verdict verdict;
        int error;
        enum call_reason reason;
    } rows[] = {
        {DEBUG_ADDRESS, -XEN_EPERM, WHY_DEBUG_ADDRESS},
        {DEBUG_HIGH_BITS, -XEN_EINVAL, WHY_DEBUG_HIGH_BITS},
        {DEBUG_DETECT, -XEN_EPERM, WHY_DEBUG_DETECT},
        {DEBUG_PORT, -XEN_EPERM, WHY_DEBUG_PORT},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        debug_verdict = rows[i].verdict;
        assert_int_equal(call(call_set_debugreg, 7, 0x5678, 0), rows[i].error);
        assert_refused(rows[i].reason, 0x5678);
    }
    debug_verdict = DEBUG_NO_REGISTER;
    assert_int_equal(call(call_set_debugreg, UINT64_C(0x500000008), 0x5678, 0), -XEN_ENODEV);
    assert_refused(WHY_NO_DEBUG_REGISTER, 8);
    assert_int_equal(call(call_get_debugreg, UINT64_C(0x500000009), 0, 0), -XEN_ENODEV);
    assert_refused(WHY_NO_DEBUG_REGISTER, 9);
    debug_verdict = DEBUG_DONE;
}

/* Shows set_segment_base.bases, set_segment_base.selector, set_segment_base.narrow, set_segment_base.refused. */
static void segment_bases(void)
{
    bool is_64 = domain.engine.width == WIDTH_64;

    fs_base = gs_base = gs_base_inactive = 1;
    if (!is_64) {
        assert_int_equal(call(call_set_segment_base, SEGBASE_FS, 2, 0), -XEN_ENOSYS);
        assert_int_equal(fs_base, 1);
        return;
    }
    for (unsigned which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++) {
        assert_int_equal(call(call_set_segment_base, which, NO_ADDRESS, 0), -XEN_EINVAL);
        assert_int_equal(call(call_set_segment_base, which, HYPERVISOR, 0), -XEN_EINVAL);
        assert_int_equal(fs_base + gs_base + gs_base_inactive, 3);
    }
    assert_int_equal(call(call_set_segment_base, SEGBASE_FS, KERNEL_ADDRESS, 0), 0);
    assert_int_equal(call(call_set_segment_base, SEGBASE_GS_USER, KERNEL_ADDRESS + 1, 0), 0);
    assert_int_equal(call(call_set_segment_base, SEGBASE_GS_KERNEL, KERNEL_ADDRESS + 2, 0), 0);
    assert_true(fs_base == KERNEL_ADDRESS);
    assert_true(gs_base_inactive == KERNEL_ADDRESS + 1);
    assert_true(gs_base == KERNEL_ADDRESS + 2);
    /* A selector, of which 16 bits count, and which may mean nothing. */
    for (unsigned i = 0; i < 2; i++) {
        selector_is_bad = i;
        assert_int_equal(call(call_set_segment_base, SEGBASE_GS_USER_SEL, NO_ADDRESS, 0), 0);
        assert_int_equal(selector, NO_ADDRESS & 0xffff);
    }
    assert_int_equal(call(call_set_segment_base, 4, KERNEL_ADDRESS, 0), -XEN_EINVAL);
    assert_refused(WHY_SEGMENT, 4);
}

TEST_BOTH(fpu, guest_begin)
TEST_BOTH(debug_registers, guest_begin)
TEST_BOTH(debug_refusals, guest_begin)
TEST_BOTH(segment_bases, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fpu),
        cmocka_unit_test(test_debug_registers),
        cmocka_unit_test(test_debug_refusals),
        cmocka_unit_test(test_segment_bases),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
