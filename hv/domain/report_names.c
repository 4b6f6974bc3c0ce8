/* SPDX-License-Identifier: MIT */
/* Names of hypercalls and errors. */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <engine/types.h>
#include <hv/base/print.h>
#include <hv/domain/report_names.h>

#define CALL_NAME(name) [__HYPERVISOR_##name] = #name

static const char *const call_names[] = {
    CALL_NAME(set_trap_table),
    CALL_NAME(mmu_update),
    CALL_NAME(set_gdt),
    CALL_NAME(stack_switch),
    CALL_NAME(set_callbacks),
    CALL_NAME(fpu_taskswitch),
    CALL_NAME(sched_op_compat),
    CALL_NAME(platform_op),
    CALL_NAME(set_debugreg),
    CALL_NAME(get_debugreg),
    CALL_NAME(update_descriptor),
    CALL_NAME(memory_op),
    CALL_NAME(multicall),
    CALL_NAME(update_va_mapping),
    CALL_NAME(set_timer_op),
    CALL_NAME(event_channel_op_compat),
    CALL_NAME(xen_version),
    CALL_NAME(console_io),
    CALL_NAME(physdev_op_compat),
    CALL_NAME(grant_table_op),
    CALL_NAME(vm_assist),
    CALL_NAME(update_va_mapping_otherdomain),
    CALL_NAME(iret),
    CALL_NAME(vcpu_op),
    CALL_NAME(set_segment_base),
    CALL_NAME(mmuext_op),
    CALL_NAME(xsm_op),
    CALL_NAME(nmi_op),
    CALL_NAME(sched_op),
    CALL_NAME(callback_op),
    CALL_NAME(xenoprof_op),
    CALL_NAME(event_channel_op),
    CALL_NAME(physdev_op),
    CALL_NAME(hvm_op),
    CALL_NAME(sysctl),
    CALL_NAME(domctl),
    CALL_NAME(kexec_op),
    CALL_NAME(tmem_op),
    CALL_NAME(argo_op),
    CALL_NAME(xenpmu_op),
    CALL_NAME(dm_op),
    CALL_NAME(hypfs_op),
    CALL_NAME(mca),
};

#define ERROR_NAME(name) [XEN_##name] = "-" #name

static const char *const error_names[] = {
    ERROR_NAME(EPERM),  ERROR_NAME(ENOENT),  ERROR_NAME(ESRCH),  ERROR_NAME(ENXIO),      ERROR_NAME(E2BIG),
    ERROR_NAME(EAGAIN), ERROR_NAME(ENOMEM),  ERROR_NAME(EACCES), ERROR_NAME(EFAULT),     ERROR_NAME(EBUSY),
    ERROR_NAME(EEXIST), ERROR_NAME(ENODEV),  ERROR_NAME(EINVAL), ERROR_NAME(ENOSPC),     ERROR_NAME(ERANGE),
    ERROR_NAME(ENOSYS), ERROR_NAME(ENODATA), ERROR_NAME(ETIME),  ERROR_NAME(EOPNOTSUPP),
};

void report_print_call(uint64_t number)
{
    const char *name = TABLE_FIND(call_names, number);

    if (name)
        print("%s", name);
    else
        print("hypercall %lu", number);
}

void report_print_result(int64_t result)
{
    const char *name = result < 0 ? TABLE_FIND(error_names, -(uint64_t)result) : NULL;

    if (name)
        print("%s", name);
    else
        print("%ld", result);
}
