/* SPDX-License-Identifier: MIT */
/* platform_op: abi/platform.h.  The initial domain sets the time and asks about the processor; there is no more. */
#include <abi/errno.h>
#include <abi/platform.h>
#include <engine/access.h>
#include <hv/base/asm.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/wallclock.h>

#define CPUID_FEATURES 1u
#define APIC_ID_SHIFT  24u /* in ebx of that leaf */

/* The clock of the machine: every domain sees it. */
static int64_t set_time(const struct machine *machine, uint64_t seconds, uint64_t nanoseconds, uint64_t at)
{
    int error = wallclock_set(seconds, nanoseconds, at);

    if (error)
        return call_refuse(error, WHY_WALL_CLOCK, nanoseconds);
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (domain)
            wallclock_update(domain);
    }
    return 0;
}

static int64_t set_time32(const struct hv_vcpu *vcpu, const struct xenpf_settime32 *time)
{
    return set_time(vcpu->engine.domain->machine, time->secs, time->nsecs, time->system_time);
}

static int64_t set_time64(const struct hv_vcpu *vcpu, const struct xenpf_settime64 *time)
{
    if (time->mbz != 0)
        return call_refuse(-XEN_EINVAL, WHY_WALL_CLOCK, time->mbz);
    return set_time(vcpu->engine.domain->machine, time->secs, time->nsecs, time->system_time);
}

/* Guests are told of one processor, number 0, whatever runs them. */
static int64_t get_cpuinfo(struct xenpf_pcpuinfo *info)
{
    if (info->xen_cpuid != 0)
        return call_refuse(-XEN_EINVAL, WHY_NO_PROCESSOR, info->xen_cpuid);
    info->max_present = 0;
    info->flags = XEN_PCPU_FLAGS_ONLINE;
    info->apic_id = asm_cpuid(CPUID_FEATURES, 0).ebx >> APIC_ID_SHIFT;
    info->acpi_id = 0;
    return 0;
}

int64_t call_platform_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    vaddr_t place = VADDR(args[0]);
    struct xen_platform_op op;
    int64_t result;

    if (!access_read(&vcpu->engine, &op, place, sizeof(op)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, place.v);
    if (op.interface_version != XENPF_INTERFACE_VERSION)
        return call_refuse(-XEN_EACCES, WHY_INTERFACE_VERSION, op.interface_version);
    if (!hv_vcpu_domain(vcpu)->initial)
        return call_refuse(-XEN_EPERM, WHY_NOT_INITIAL, vcpu->engine.domain->id.v);
    switch (op.cmd) {
    case XENPF_settime32:
        return set_time32(vcpu, &op.u.settime32);
    case XENPF_settime64:
        return set_time64(vcpu, &op.u.settime64);
    case XENPF_get_cpuinfo:
        result = get_cpuinfo(&op.u.pcpu_info);
        break;
    default:
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, op.cmd);
    }
    if (result == 0 && !access_write(&vcpu->engine, place, &op, sizeof(op)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, place.v);
    return result;
}
