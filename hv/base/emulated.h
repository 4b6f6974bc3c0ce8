/* SPDX-License-Identifier: MIT */
/* Does QEMU emulate the processor (TCG)?  What follows from that is with those who ask. */
#pragma once

#include <stdbool.h>

#include <hv/base/asm.h>

#define LEAF_VERSION      1u
#define LEAF_HYPERVISOR   0x40000000u
#define VERSION_ECX_GUEST (1u << 31)

/* "TCGTCGTCGTCG" */
#define EMULATION_EBX 0x54474354u
#define EMULATION_ECX 0x43544743u
#define EMULATION_EDX 0x47435447u

static inline bool processor_is_emulated(void)
{
    struct cpuid leaf;

    if (!(asm_cpuid(LEAF_VERSION, 0).ecx & VERSION_ECX_GUEST))
        return false;
    leaf = asm_cpuid(LEAF_HYPERVISOR, 0);
    return leaf.ebx == EMULATION_EBX && leaf.ecx == EMULATION_ECX && leaf.edx == EMULATION_EDX;
}
