/* SPDX-License-Identifier: MIT */
/* The names of calls and errors in reports: those of abi/hypercall.h and abi/errno.h, and numbers for all others. */
/* links: hv/base/call_names.c */
/* links: hv/domain/report_names.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <hv/domain/report_names.h>
#include <tests/hv/lib/said.h>

#define NUMBERS 64u

/* By number; NULL: no call has this one. */
static const char *const calls[NUMBERS] = {
    "set_trap_table",
    "mmu_update",
    "set_gdt",
    "stack_switch",
    "set_callbacks",
    "fpu_taskswitch",
    "sched_op_compat",
    "platform_op",
    "set_debugreg",
    "get_debugreg",
    "update_descriptor",
    NULL,
    "memory_op",
    "multicall",
    "update_va_mapping",
    "set_timer_op",
    "event_channel_op_compat",
    "xen_version",
    "console_io",
    "physdev_op_compat",
    "grant_table_op",
    "vm_assist",
    "update_va_mapping_otherdomain",
    "iret",
    "vcpu_op",
    "set_segment_base",
    "mmuext_op",
    "xsm_op",
    "nmi_op",
    "sched_op",
    "callback_op",
    "xenoprof_op",
    "event_channel_op",
    "physdev_op",
    "hvm_op",
    "sysctl",
    "domctl",
    "kexec_op",
    "tmem_op",
    "argo_op",
    "xenpmu_op",
    "dm_op",
    "hypfs_op",
    [48] = "mca",
};

static void assert_call(uint64_t number, const char *expected)
{
    said[0] = '\0';
    report_print_call(number);
    assert_string_equal(said, expected);
}

static void assert_result(int64_t result, const char *expected)
{
    said[0] = '\0';
    report_print_result(result);
    assert_string_equal(said, expected);
}

static void test_calls(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NUMBERS; i++) {
        char number[32];

        snprintf(number, sizeof(number), "hypercall %u", i);
        assert_call(i, calls[i] ? calls[i] : number);
    }
    assert_call(UINT64_C(1) << 32, "hypercall 4294967296"); /* not 0, set_trap_table */
    assert_call((UINT64_C(1) << 32) + 26, "hypercall 4294967322");
    assert_call(UINT64_MAX, "hypercall 18446744073709551615");
}

/* Linux's numbers on x86, of the errors that calls return. */
static void test_errors(void **state)
{
    static const struct {
        int64_t number;
        const char *name;
    } errors[] = {
        {1, "-EPERM"},   {2, "-ENOENT"},   {3, "-ESRCH"},   {6, "-ENXIO"},       {7, "-E2BIG"},
        {11, "-EAGAIN"}, {12, "-ENOMEM"},  {13, "-EACCES"}, {14, "-EFAULT"},     {16, "-EBUSY"},
        {17, "-EEXIST"}, {19, "-ENODEV"},  {22, "-EINVAL"}, {28, "-ENOSPC"},     {34, "-ERANGE"},
        {38, "-ENOSYS"}, {61, "-ENODATA"}, {62, "-ETIME"},  {95, "-EOPNOTSUPP"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        assert_result(-errors[i].number, errors[i].name);
}

/* What is no error is a number: counts, and negative ones that no call returns. */
static void test_other_results(void **state)
{
    (void)state;
    assert_result(0, "0");
    assert_result(1, "1");
    assert_result(22, "22");
    assert_result(-4, "-4");
    assert_result(-4095, "-4095");
    assert_result(INT64_MAX, "9223372036854775807");
    assert_result(-((INT64_C(1) << 32) + 22), "-4294967318");
    assert_result(INT64_MIN, "-9223372036854775808");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_other_results),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
