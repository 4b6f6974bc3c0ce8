/* SPDX-License-Identifier: MIT */
/* The processor as guests see it. */
#pragma once

#include <hv/base/asm.h>

struct hv_vcpu;

/* What CPUID of @leaf and @subleaf gives @vcpu's guest: filtered, with Xen's leaves at 0x40000000: abi/cpuid.h. */
struct cpuid cpuid_guest(const struct hv_vcpu *vcpu, uint32_t leaf, uint32_t subleaf);

/* Model-specific registers of the running vCPU.  False: #GP. */
bool msr_read(struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value);
bool msr_write(struct hv_vcpu *vcpu, uint32_t msr, uint64_t value);

/* Read a register of the processor that may not exist.  False: it does not. */
bool msr_read_recover(uint32_t msr, uint64_t *value);

/* What the filter of CPUID must know beside the processor's own leaves. */
struct cpuid_view {
    bool wide;     /* a 64-bit guest */
    unsigned vcpu; /* the number of the vCPU */
    unsigned phys_bits;
    uint64_t offered; /* the parts of the extended state that guests may use; 0: no xsave */
    uint64_t xcr0;    /* those that this one uses */
    uint64_t tsc_khz;
    bool tsc_constant; /* it runs at one rate, always: a processor that is emulated does not say so */
    struct cpuid (*read)(uint32_t leaf, uint32_t subleaf); /* of the processor */
};

/* CPUID of @leaf and @subleaf in @view.  Every bit of a feature that is not known to work for guests is 0. */
struct cpuid cpuid_filter(const struct cpuid_view *view, uint32_t leaf, uint32_t subleaf);
