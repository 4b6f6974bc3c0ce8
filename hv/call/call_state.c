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

static int refuse_debug(enum debug_verdict verdict, uint32_t index, uint64_t value)
{
    switch (verdict) {
    case DEBUG_NO_REGISTER:
        return call_refuse(-XEN_ENODEV, WHY_NO_DEBUG_REGISTER, index);
    case DEBUG_ADDRESS:
        return call_refuse(-XEN_EPERM, WHY_DEBUG_ADDRESS, value);
    case DEBUG_HIGH_BITS:
        return call_refuse(-XEN_EINVAL, WHY_DEBUG_HIGH_BITS, value);
    case DEBUG_DETECT:
        return call_refuse(-XEN_EPERM, WHY_DEBUG_DETECT, value);
    case DEBUG_PORT:
        return call_refuse(-XEN_EPERM, WHY_DEBUG_PORT, value);
    default:
        return 0;
    }
}

int64_t call_set_debugreg(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return refuse_debug(state_set_debug(vcpu, (uint32_t)args[0], args[1]), (uint32_t)args[0], args[1]);
}

int64_t call_get_debugreg(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    uint64_t value = 0;

    if (state_get_debug(vcpu, (uint32_t)args[0], &value) != DEBUG_DONE)
        return call_refuse(-XEN_ENODEV, WHY_NO_DEBUG_REGISTER, (uint32_t)args[0]);
    return (int64_t)value;
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
