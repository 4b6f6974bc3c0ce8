/* SPDX-License-Identifier: MIT */
/* In order: calls, errors, commands; by their numbers. */
#include <abi/callback.h>
#include <abi/errno.h>
#include <abi/event.h>
#include <abi/grant.h>
#include <abi/hypercall.h>
#include <abi/io.h>
#include <abi/memory.h>
#include <abi/mmuext.h>
#include <abi/physdev.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <abi/vm_assist.h>
#include <hv/base/call_names.h>

#define COUNT(table)        (sizeof(table) / sizeof((table)[0]))
#define FIND(table, number) ((number) < COUNT(table) ? (table)[number] : NULL)
#define COMPAT_SCHEDOPS     3u /* yield, block and shutdown: it has no others */
#define CALL(name)          [__HYPERVISOR_##name] = #name
#define NAME(name)          [name] = #name
#define ERROR(name)         [XEN_##name] = #name

static const char *const call_names[] = {
    CALL(set_trap_table),
    CALL(mmu_update),
    CALL(set_gdt),
    CALL(stack_switch),
    CALL(set_callbacks),
    CALL(fpu_taskswitch),
    CALL(sched_op_compat),
    CALL(platform_op),
    CALL(set_debugreg),
    CALL(get_debugreg),
    CALL(update_descriptor),
    CALL(memory_op),
    CALL(multicall),
    CALL(update_va_mapping),
    CALL(set_timer_op),
    CALL(event_channel_op_compat),
    CALL(xen_version),
    CALL(console_io),
    CALL(physdev_op_compat),
    CALL(grant_table_op),
    CALL(vm_assist),
    CALL(update_va_mapping_otherdomain),
    CALL(iret),
    CALL(vcpu_op),
    CALL(set_segment_base),
    CALL(mmuext_op),
    CALL(xsm_op),
    CALL(nmi_op),
    CALL(sched_op),
    CALL(callback_op),
    CALL(xenoprof_op),
    CALL(event_channel_op),
    CALL(physdev_op),
    CALL(hvm_op),
    CALL(sysctl),
    CALL(domctl),
    CALL(kexec_op),
    CALL(tmem_op),
    CALL(argo_op),
    CALL(xenpmu_op),
    CALL(dm_op),
    CALL(hypfs_op),
    CALL(mca),
};

static const char *const error_names[] = {
    ERROR(EPERM),  ERROR(ENOENT), ERROR(ESRCH),   ERROR(ENXIO),  ERROR(E2BIG),      ERROR(EAGAIN), ERROR(ENOMEM),
    ERROR(EACCES), ERROR(EFAULT), ERROR(EBUSY),   ERROR(EEXIST), ERROR(ENODEV),     ERROR(EINVAL), ERROR(ENOSPC),
    ERROR(ERANGE), ERROR(ENOSYS), ERROR(ENODATA), ERROR(ETIME),  ERROR(EOPNOTSUPP),
};

static const char *const sched_op_names[] = {
    NAME(SCHEDOP_yield),           NAME(SCHEDOP_block),         NAME(SCHEDOP_shutdown), NAME(SCHEDOP_poll),
    NAME(SCHEDOP_remote_shutdown), NAME(SCHEDOP_shutdown_code), NAME(SCHEDOP_watchdog), NAME(SCHEDOP_pin_override),
};

static const char *const vcpu_op_names[] = {
    NAME(VCPUOP_initialise),
    NAME(VCPUOP_up),
    NAME(VCPUOP_down),
    NAME(VCPUOP_is_up),
    NAME(VCPUOP_get_runstate_info),
    NAME(VCPUOP_register_runstate_memory_area),
    NAME(VCPUOP_set_periodic_timer),
    NAME(VCPUOP_stop_periodic_timer),
    NAME(VCPUOP_set_singleshot_timer),
    NAME(VCPUOP_stop_singleshot_timer),
    NAME(VCPUOP_register_vcpu_info),
    NAME(VCPUOP_send_nmi),
    NAME(VCPUOP_get_physid),
    NAME(VCPUOP_register_vcpu_time_memory_area),
};

static const char *const event_channel_op_names[] = {
    NAME(EVTCHNOP_bind_interdomain),
    NAME(EVTCHNOP_bind_virq),
    NAME(EVTCHNOP_bind_pirq),
    NAME(EVTCHNOP_close),
    NAME(EVTCHNOP_send),
    NAME(EVTCHNOP_status),
    NAME(EVTCHNOP_alloc_unbound),
    NAME(EVTCHNOP_bind_ipi),
    NAME(EVTCHNOP_bind_vcpu),
    NAME(EVTCHNOP_unmask),
    NAME(EVTCHNOP_reset),
    NAME(EVTCHNOP_init_control),
    NAME(EVTCHNOP_expand_array),
    NAME(EVTCHNOP_set_priority),
};

static const char *const memory_op_names[] = {
    NAME(XENMEM_increase_reservation),
    NAME(XENMEM_decrease_reservation),
    NAME(XENMEM_maximum_ram_page),
    NAME(XENMEM_current_reservation),
    NAME(XENMEM_maximum_reservation),
    NAME(XENMEM_machphys_mfn_list),
    NAME(XENMEM_populate_physmap),
    NAME(XENMEM_add_to_physmap),
    NAME(XENMEM_memory_map),
    NAME(XENMEM_machine_memory_map),
    NAME(XENMEM_exchange),
    NAME(XENMEM_machphys_mapping),
    NAME(XENMEM_set_memory_map),
    NAME(XENMEM_maximum_gpfn),
    NAME(XENMEM_remove_from_physmap),
    NAME(XENMEM_machphys_compat_mfn_list),
};

static const char *const grant_table_op_names[] = {
    NAME(GNTTABOP_map_grant_ref),     NAME(GNTTABOP_unmap_grant_ref),   NAME(GNTTABOP_setup_table),
    NAME(GNTTABOP_dump_table),        NAME(GNTTABOP_transfer),          NAME(GNTTABOP_copy),
    NAME(GNTTABOP_query_size),        NAME(GNTTABOP_unmap_and_replace), NAME(GNTTABOP_set_version),
    NAME(GNTTABOP_get_status_frames), NAME(GNTTABOP_get_version),       NAME(GNTTABOP_swap_grant_ref),
    NAME(GNTTABOP_cache_flush),
};

static const char *const console_io_names[] = {
    NAME(CONSOLEIO_write),
    NAME(CONSOLEIO_read),
};

static const char *const xen_version_names[] = {
    NAME(XENVER_version),      NAME(XENVER_extraversion),        NAME(XENVER_compile_info), NAME(XENVER_capabilities),
    NAME(XENVER_changeset),    NAME(XENVER_platform_parameters), NAME(XENVER_get_features), NAME(XENVER_pagesize),
    NAME(XENVER_guest_handle), NAME(XENVER_commandline),         NAME(XENVER_build_id),
};

static const char *const physdev_op_names[] = {
    NAME(PHYSDEVOP_irq_status_query),
    NAME(PHYSDEVOP_set_iopl),
    NAME(PHYSDEVOP_set_iobitmap),
    NAME(PHYSDEVOP_apic_read),
    NAME(PHYSDEVOP_apic_write),
    NAME(PHYSDEVOP_alloc_irq_vector),
    NAME(PHYSDEVOP_eoi),
    NAME(PHYSDEVOP_map_pirq),
    NAME(PHYSDEVOP_unmap_pirq),
    NAME(PHYSDEVOP_setup_gsi),
    NAME(PHYSDEVOP_get_free_pirq),
    NAME(PHYSDEVOP_pci_mmcfg_reserved),
    NAME(PHYSDEVOP_pci_device_add),
    NAME(PHYSDEVOP_pci_device_remove),
    NAME(PHYSDEVOP_pirq_eoi_gmfn_v2),
};

static const char *const nmi_op_names[] = {
    NAME(XENNMI_register_callback),
    NAME(XENNMI_unregister_callback),
};

static const char *const vm_assist_names[] = {
    NAME(VMASST_CMD_enable),
    NAME(VMASST_CMD_disable),
};

static const char *const callback_op_names[] = {
    NAME(CALLBACKOP_register),
    NAME(CALLBACKOP_unregister),
};

static const char *const mmuext_op_names[] = {
    NAME(MMUEXT_PIN_L1_TABLE),    NAME(MMUEXT_PIN_L2_TABLE),  NAME(MMUEXT_PIN_L3_TABLE),
    NAME(MMUEXT_PIN_L4_TABLE),    NAME(MMUEXT_UNPIN_TABLE),   NAME(MMUEXT_NEW_BASEPTR),
    NAME(MMUEXT_TLB_FLUSH_LOCAL), NAME(MMUEXT_INVLPG_LOCAL),  NAME(MMUEXT_TLB_FLUSH_MULTI),
    NAME(MMUEXT_INVLPG_MULTI),    NAME(MMUEXT_TLB_FLUSH_ALL), NAME(MMUEXT_INVLPG_ALL),
    NAME(MMUEXT_FLUSH_CACHE),     NAME(MMUEXT_SET_LDT),       NAME(MMUEXT_NEW_USER_BASEPTR),
    NAME(MMUEXT_CLEAR_PAGE),      NAME(MMUEXT_COPY_PAGE),     NAME(MMUEXT_FLUSH_CACHE_GLOBAL),
    NAME(MMUEXT_MARK_SUPER),      NAME(MMUEXT_UNMARK_SUPER),
};

#define COMMANDS(call)                                         \
    {                                                          \
        __HYPERVISOR_##call, call##_names, COUNT(call##_names) \
    }

static const struct {
    unsigned call;
    const char *const *names;
    size_t count;
} commands[] = {
    COMMANDS(sched_op),
    COMMANDS(vcpu_op),
    COMMANDS(event_channel_op),
    COMMANDS(memory_op),
    COMMANDS(grant_table_op),
    COMMANDS(console_io),
    COMMANDS(xen_version),
    COMMANDS(physdev_op),
    COMMANDS(callback_op),
    COMMANDS(mmuext_op),
    COMMANDS(nmi_op),
    COMMANDS(vm_assist),
    {__HYPERVISOR_sched_op_compat, sched_op_names, COMPAT_SCHEDOPS},
};

const char *call_name(uint64_t number)
{
    return FIND(call_names, number);
}

const char *call_error_name(uint64_t error)
{
    return FIND(error_names, error);
}

const char *call_command_name(uint64_t number, uint64_t command)
{
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (commands[i].call == number)
            return command < commands[i].count ? commands[i].names[command] : NULL;
    }
    return NULL;
}
