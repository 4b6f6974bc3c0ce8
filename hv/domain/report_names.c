/* SPDX-License-Identifier: MIT */
/* In order: names of hypercalls, their commands, errors; types of frames; entries in words. */
#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/hypercall.h>
#include <abi/memory.h>
#include <abi/mmuext.h>
#include <engine/level.h>
#include <engine/refuse.h>
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

#define COMMAND_NAME(name) [name] = #name

static const char *const mmuext_names[] = {
    COMMAND_NAME(MMUEXT_PIN_L1_TABLE),    COMMAND_NAME(MMUEXT_PIN_L2_TABLE),  COMMAND_NAME(MMUEXT_PIN_L3_TABLE),
    COMMAND_NAME(MMUEXT_PIN_L4_TABLE),    COMMAND_NAME(MMUEXT_UNPIN_TABLE),   COMMAND_NAME(MMUEXT_NEW_BASEPTR),
    COMMAND_NAME(MMUEXT_TLB_FLUSH_LOCAL), COMMAND_NAME(MMUEXT_INVLPG_LOCAL),  COMMAND_NAME(MMUEXT_TLB_FLUSH_MULTI),
    COMMAND_NAME(MMUEXT_INVLPG_MULTI),    COMMAND_NAME(MMUEXT_TLB_FLUSH_ALL), COMMAND_NAME(MMUEXT_INVLPG_ALL),
    COMMAND_NAME(MMUEXT_FLUSH_CACHE),     COMMAND_NAME(MMUEXT_SET_LDT),       COMMAND_NAME(MMUEXT_NEW_USER_BASEPTR),
    COMMAND_NAME(MMUEXT_CLEAR_PAGE),      COMMAND_NAME(MMUEXT_COPY_PAGE),     COMMAND_NAME(MMUEXT_FLUSH_CACHE_GLOBAL),
    COMMAND_NAME(MMUEXT_MARK_SUPER),      COMMAND_NAME(MMUEXT_UNMARK_SUPER),
};

static const char *const grant_names[] = {
    COMMAND_NAME(GNTTABOP_map_grant_ref),
    COMMAND_NAME(GNTTABOP_unmap_grant_ref),
    COMMAND_NAME(GNTTABOP_setup_table),
    COMMAND_NAME(GNTTABOP_transfer),
    COMMAND_NAME(GNTTABOP_copy),
    COMMAND_NAME(GNTTABOP_query_size),
    COMMAND_NAME(GNTTABOP_unmap_and_replace),
    COMMAND_NAME(GNTTABOP_set_version),
    COMMAND_NAME(GNTTABOP_get_status_frames),
    COMMAND_NAME(GNTTABOP_get_version),
    COMMAND_NAME(GNTTABOP_swap_grant_ref),
    COMMAND_NAME(GNTTABOP_cache_flush),
};

static const char *const memory_names[] = {
    COMMAND_NAME(XENMEM_increase_reservation), COMMAND_NAME(XENMEM_decrease_reservation),
    COMMAND_NAME(XENMEM_populate_physmap),     COMMAND_NAME(XENMEM_exchange),
    COMMAND_NAME(XENMEM_current_reservation),  COMMAND_NAME(XENMEM_maximum_reservation),
    COMMAND_NAME(XENMEM_machphys_mapping),
};

/* CALL_NONE, and what a guest does without a call. */
static const char *const step_names[] = {
    [0] = "a step of the hypervisor's own",
    [CALL_NONE - CALL_TABLE_WRITE] = "a write to a page table",
    [CALL_NONE - CALL_LDT_USE] = "a use of the LDT",
    [CALL_NONE - CALL_CR3_WRITE] = "a write to cr3",
    [CALL_NONE - CALL_USER_MODE] = "a change to user mode",
};

#define ERROR_NAME(name) [XEN_##name] = "-" #name

static const char *const error_names[] = {
    ERROR_NAME(EPERM),  ERROR_NAME(ENOENT),  ERROR_NAME(ESRCH),  ERROR_NAME(ENXIO),      ERROR_NAME(E2BIG),
    ERROR_NAME(EAGAIN), ERROR_NAME(ENOMEM),  ERROR_NAME(EACCES), ERROR_NAME(EFAULT),     ERROR_NAME(EBUSY),
    ERROR_NAME(EEXIST), ERROR_NAME(ENODEV),  ERROR_NAME(EINVAL), ERROR_NAME(ENOSPC),     ERROR_NAME(ERANGE),
    ERROR_NAME(ENOSYS), ERROR_NAME(ENODATA), ERROR_NAME(ETIME),  ERROR_NAME(EOPNOTSUPP),
};

const char *report_call_name(uint64_t number)
{
    return TABLE_FIND(call_names, number);
}

const char *report_step_name(unsigned call)
{
    return TABLE_FIND(step_names, CALL_NONE - call);
}

const char *report_command_name(unsigned call, unsigned command)
{
    switch (call) {
    case __HYPERVISOR_mmuext_op:
        return TABLE_FIND(mmuext_names, command);
    case __HYPERVISOR_memory_op:
        return TABLE_FIND(memory_names, command);
    case __HYPERVISOR_grant_table_op:
        return TABLE_FIND(grant_names, command);
    default:
        return NULL;
    }
}

const char *report_error_name(uint64_t error)
{
    return TABLE_FIND(error_names, error);
}

void report_print_call(uint64_t number)
{
    const char *name = report_call_name(number);

    if (name)
        print("%s", name);
    else
        print("hypercall %lu", number);
}

void report_print_result(int64_t result)
{
    const char *name = result < 0 ? report_error_name(-(uint64_t)result) : NULL;

    if (name)
        print("%s", name);
    else
        print("%ld", result);
}

static const char *const type_names[] = {
    [TYPE_NONE] = "of no type",
    [TYPE_L1] = "an L1 table",
    [TYPE_L2] = "an L2 table",
    [TYPE_L3] = "an L3 table",
    [TYPE_L4] = "an L4 table",
    [TYPE_L2_TOP] = "the topmost L2 table",
    [TYPE_SEGDESC] = "a descriptor table",
    [TYPE_WRITABLE] = "writable",
};

const char *report_type_name(uint64_t type)
{
    const char *name = TABLE_FIND(type_names, type);

    return name ? name : "of an unknown type";
}

static const struct {
    uint64_t flag;
    const char *name, *upper; /* at level 1, or at a level that is not known; above */
} flags[] = {
    {ENTRY_PRESENT, "present", "present"},
    {ENTRY_RW, "writable", "writable"},
    {ENTRY_USER, "user", "user"},
    {ENTRY_PWT, "PWT", "PWT"},
    {ENTRY_PCD, "PCD", "PCD"},
    {ENTRY_PSE, "PS or PAT", "PSE"},
    {ENTRY_GLOBAL, "global", "global"},
    {ENTRY_NX, "not executable", "not executable"},
};

const char *report_flag_name(unsigned i, uint64_t entry, unsigned level)
{
    if (!(entry & flags[i].flag))
        return NULL;
    if (flags[i].flag == ENTRY_PAT && level == 1)
        return "PAT";
    return level > 1 ? flags[i].upper : flags[i].name;
}
_Static_assert(ARRAY_SIZE(flags) == REPORT_FLAGS, "report_flag_name()");

void report_print_flags(uint64_t entry, unsigned level, const char *first)
{
    for (unsigned i = 0; i < REPORT_FLAGS; i++) {
        const char *name = report_flag_name(i, entry, level);

        if (!name)
            continue;
        print("%s%s", first, name);
        first = ", ";
    }
}

void report_print_entry(uint64_t entry, unsigned level)
{
    print("the entry %016lx: frame %lx", entry, entry_mfn(entry).v);
    report_print_flags(entry, level, ", ");
}
