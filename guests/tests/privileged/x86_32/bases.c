/* SPDX-License-Identifier: MIT */
/* In 32 bits a segment's base stands in its descriptor: these MSRs do not exist. */
#include <guest/processor.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/privileged/privileged.h>

/* Shows hypercall.emulated. */
void privileged_bases(void)
{
    uint64_t value;

    for (uint32_t msr = MSR_FS_BASE; msr <= MSR_KERNEL_GS; msr++) {
        msr_refused("rdmsr of a segment's base", rdmsr(msr, &value));
        msr_refused("wrmsr of a segment's base", wrmsr(msr, 0x1000));
    }
}
