/* SPDX-License-Identifier: MIT */
/* CPUID of this processor for the guest of a vCPU. */
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/cpuid.h>
#include <hv/time/time.h>

struct cpuid cpuid_guest(const struct hv_vcpu *vcpu, uint32_t leaf, uint32_t subleaf)
{
    const struct cpuid_view view = {
        .wide = hv_vcpu_is_64bit(vcpu),
        .vcpu = vcpu->engine.id,
        .phys_bits = cpu_features()->phys_bits,
        .offered = state_xcr0_offered(),
        .xcr0 = vcpu->state.xcr0,
        .tsc_khz = time_tsc_khz(),
        .tsc_constant = time_is_constant(),
        .read = asm_cpuid,
    };

    return cpuid_filter(&view, leaf, subleaf);
}
