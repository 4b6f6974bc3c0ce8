/* SPDX-License-Identifier: MIT */
/* Calls, commands and errors by name; tests/hv/test_report_names.c has each call and each error. */
/* links: hv/base/call_names.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/hypercall.h>
#include <hv/base/call_names.h>

#define NUMBERS 64u

/* The last command of each call that has commands, by its number. */
static const struct {
    unsigned call, command;
    const char *name;
} last[] = {
    {__HYPERVISOR_sched_op_compat, 2, "SCHEDOP_shutdown"},
    {__HYPERVISOR_memory_op, 25, "XENMEM_machphys_compat_mfn_list"},
    {__HYPERVISOR_xen_version, 10, "XENVER_build_id"},
    {__HYPERVISOR_console_io, 1, "CONSOLEIO_read"},
    {__HYPERVISOR_grant_table_op, 12, "GNTTABOP_cache_flush"},
    {__HYPERVISOR_vm_assist, 1, "VMASST_CMD_disable"},
    {__HYPERVISOR_vcpu_op, 13, "VCPUOP_register_vcpu_time_memory_area"},
    {__HYPERVISOR_mmuext_op, 20, "MMUEXT_UNMARK_SUPER"},
    {__HYPERVISOR_nmi_op, 1, "XENNMI_unregister_callback"},
    {__HYPERVISOR_sched_op, 7, "SCHEDOP_pin_override"},
    {__HYPERVISOR_callback_op, 1, "CALLBACKOP_unregister"},
    {__HYPERVISOR_event_channel_op, 13, "EVTCHNOP_set_priority"},
    {__HYPERVISOR_physdev_op, 28, "PHYSDEVOP_pirq_eoi_gmfn_v2"},
};

static void test_commands(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        assert_string_equal(call_command_name(last[i].call, last[i].command), last[i].name);
        assert_null(call_command_name(last[i].call, last[i].command + 1));
        assert_null(call_command_name(last[i].call, (UINT64_C(1) << 32) + last[i].command));
    }
}

static void test_calls_without(void **state)
{
    size_t next = 0;

    (void)state;
    for (unsigned number = 0; number < NUMBERS; number++) {
        if (next < sizeof(last) / sizeof(last[0]) && last[next].call == number)
            next++;
        else
            assert_null(call_command_name(number, 1));
    }
    assert_int_equal(next, sizeof(last) / sizeof(last[0]));
    assert_null(call_command_name((UINT64_C(1) << 32) + __HYPERVISOR_memory_op, 0));
}

static void test_numbers(void **state)
{
    (void)state;
    assert_string_equal(call_name(__HYPERVISOR_mca), "mca");
    assert_null(call_name(NUMBERS));
    assert_string_equal(call_error_name(XEN_EOPNOTSUPP), "EOPNOTSUPP");
    assert_null(call_error_name(0));
    assert_null(call_error_name((UINT64_C(1) << 32) + XEN_EINVAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_calls_without),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
