/* SPDX-License-Identifier: MIT */
/* Which function a hypercall is: each number, and those that nobody knows. */
/* links: hv/call/hypercall.c tests/hv/lib/lock_host.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/hypercall.h>
#include <engine/port.h>
#include <hv/call/calls.h>
#include <hv/cpu/house.h>
#include <hv/domain/vcpu.h>

static struct hv_domain domain;
static struct hv_vcpu vcpu = {.engine.domain = &domain.engine};
static const uint64_t arguments[6] = {1, 2, 3, 4, 5, 6};

/* Those that concern the caller alone; all others find the house's lock held. */
static bool is_own(unsigned number)
{
    switch (number) {
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_fpu_taskswitch:
    case __HYPERVISOR_set_debugreg:
    case __HYPERVISOR_get_debugreg:
    case __HYPERVISOR_xen_version:
    case __HYPERVISOR_iret:
    case __HYPERVISOR_set_segment_base:
    case __HYPERVISOR_nmi_op:
    case __HYPERVISOR_callback_op:
        return true;
    default:
        return false;
    }
}

/* Each of them answers with its number. */
#define CALL(name)                                                       \
    int64_t call_##name(struct hv_vcpu *which, const uint64_t args[6])   \
    {                                                                    \
        assert_true(which == &vcpu && args == arguments);                \
        assert_int_equal(house_is_mine(), !is_own(__HYPERVISOR_##name)); \
        return 1000 + __HYPERVISOR_##name;                               \
    }
#define CALLS(one)                                                                                                   \
    one(stack_switch) one(set_callbacks) one(fpu_taskswitch) one(sched_op_compat) one(platform_op) one(set_debugreg) \
        one(get_debugreg) one(memory_op) one(set_timer_op) one(event_channel_op_compat) one(xen_version)             \
            one(console_io) one(physdev_op_compat) one(vm_assist) one(iret) one(vcpu_op) one(set_segment_base)       \
                one(nmi_op) one(sched_op) one(callback_op) one(event_channel_op) one(physdev_op)
CALLS(CALL)

#define NUMBER(name) __HYPERVISOR_##name,
static const unsigned numbers[] = {CALLS(NUMBER)};
#define COUNT (sizeof(numbers) / sizeof(numbers[0]))

static void test_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(port_hypercall(&vcpu.engine, numbers[i], arguments), 1000 + numbers[i]);
    assert_int_equal(domain.unknown_calls, 0);
    assert_false(lock_any_is_held());
}

/* Shows hypercall.unknown, othercalls.not-offered. */
static void test_unknown(void **state)
{
    unsigned unknown = 0;

    (void)state;
    assert_false(lock_any_is_held());
    for (unsigned number = 0; number < 100; number++) {
        int64_t result = port_hypercall(&vcpu.engine, number, arguments);

        unknown += result == -XEN_ENOSYS;
        assert_true(result == -XEN_ENOSYS || result == 1000 + number);
    }
    assert_int_equal(unknown, 100 - COUNT);
    assert_int_equal(domain.unknown_calls, unknown);
    assert_int_equal(port_hypercall(&vcpu.engine, UINT32_MAX, arguments), -XEN_ENOSYS);
    for (unsigned i = 0; i < COUNT; i++)
        assert_int_equal(port_hypercall(&vcpu.engine, numbers[i] | UINT64_C(1) << 32, arguments), -XEN_ENOSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
