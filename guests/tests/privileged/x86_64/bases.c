/* SPDX-License-Identifier: MIT */
/* The bases of fs and gs, which a 64-bit kernel may read and write as MSRs. */
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/privileged/privileged.h>

static uint64_t gs_word(void)
{
    uint64_t value;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    return value;
}

static uint64_t fs_word(void)
{
    uint64_t value;

    __asm__ volatile("movq %%fs:0, %0" : "=r"(value));
    return value;
}

/* Shows set_segment_base.wrmsr, hypercall.emulated. */
void privileged_bases(void)
{
    static uint64_t words[2] = {0x1111, 0x2222};

    test_equal("wrmsr GS_BASE", wrmsr(MSR_GS_BASE, (uint64_t)&words[0]), TRAP_NONE);
    test_equal("gs reads there", gs_word(), 0x1111);
    test_equal("wrmsr FS_BASE", wrmsr(MSR_FS_BASE, (uint64_t)&words[1]), TRAP_NONE);
    test_equal("fs reads there", fs_word(), 0x2222);
    msr_reads("rdmsr GS_BASE", MSR_GS_BASE, ~UINT64_C(0), (uint64_t)&words[0]);
    msr_reads("rdmsr FS_BASE", MSR_FS_BASE, ~UINT64_C(0), (uint64_t)&words[1]);
    test_equal("wrmsr KERNEL_GS_BASE", wrmsr(MSR_KERNEL_GS, 0x123000), TRAP_NONE);
    msr_reads("rdmsr KERNEL_GS_BASE", MSR_KERNEL_GS, ~UINT64_C(0), 0x123000);
    test_equal("the kernel's gs is still the other", gs_word(), 0x1111);
    msr_refused("wrmsr GS_BASE, not canonical", wrmsr(MSR_GS_BASE, UINT64_C(1) << 63));
    msr_refused("wrmsr FS_BASE, not canonical", wrmsr(MSR_FS_BASE, UINT64_C(1) << 63));
    msr_refused("wrmsr KERNEL_GS_BASE, not canonical", wrmsr(MSR_KERNEL_GS, UINT64_C(1) << 63));
}
