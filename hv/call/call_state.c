/* SPDX-License-Identifier: MIT */
/* The vCPU's part of the processor's state: fpu_taskswitch, debug registers, segment bases. */
#include <abi/debug.h>
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>

int64_t call_fpu_taskswitch(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    state_set_task_switched(vcpu, args[0] != 0);
    return 0;
}

int64_t call_set_debugreg(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    int error = state_set_debug(vcpu, (uint32_t)args[0], args[1]);

    return error ? call_refuse(error, WHY_DEBUG_REGISTER, (uint32_t)args[0]) : 0;
}

int64_t call_get_debugreg(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint64_t value = 0;
    int error = state_get_debug(vcpu, (uint32_t)args[0], &value);

    return error ? call_refuse(error, WHY_DEBUG_REGISTER, (uint32_t)args[0]) : (int64_t)value;
}

int64_t call_set_segment_base(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint64_t which = (uint32_t)args[0], base = args[1];

    if (!hv_vcpu_is_64bit(vcpu))
        return call_refuse(-XEN_ENOSYS, WHY_NARROW, __HYPERVISOR_set_segment_base);
    if (which == SEGBASE_GS_USER_SEL) {
        /* A selector that means nothing leaves the null one, and is no error. */
        (void)state_load_inactive_gs((uint16_t)base);
        return 0;
    }
    if (!access_address_ok(vcpu->engine.domain, base))
        return call_refuse(-XEN_EINVAL, WHY_SEGMENT_BASE, base);
    switch (which) {
    case SEGBASE_FS:
        state_set_fs_base(base);
        return 0;
    case SEGBASE_GS_USER:
        state_set_gs_base_inactive(base);
        return 0;
    case SEGBASE_GS_KERNEL:
        state_set_gs_base(base);
        return 0;
    default:
        return call_refuse(-XEN_EINVAL, WHY_SEGMENT, which);
    }
}
