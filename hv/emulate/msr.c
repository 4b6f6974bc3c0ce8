/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers as a guest's kernel finds them.  None of the processor's own is written, and
 * those that are read are read with recovery, since which there are depends on the model (XSA-333).
 */
#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/cpuid.h>

#define MSR_TSC               0x10u
#define MSR_APIC_BASE         0x1bu
#define MSR_PATCH_LEVEL       0x8bu
#define MSR_PLATFORM_INFO     0xceu
#define MSR_MISC_FEATURES     0x140u
#define MSR_MCG_CAP           0x179u
#define MSR_MCG_STATUS        0x17au
#define MSR_PERF_STATUS       0x198u
#define MSR_PERF_CONTROL      0x199u
#define MSR_MISC_ENABLE       0x1a0u
#define MSR_PERF_CAPABILITIES 0x345u
#define MSR_FS_BASE           0xc0000100u
#define MSR_GS_BASE           0xc0000101u
#define MSR_KERNEL_GS_BASE    0xc0000102u
#define MSR_AMD_HWCR          0xc0010015u
#define MSR_AMD_NB_CFG        0xc001001fu
#define MSR_AMD_PSTATE_FIRST  0xc0010061u
#define MSR_AMD_PSTATE_LAST   0xc0010071u
#define MSR_AMD_DE_CFG        0xc0011029u
#define DE_CFG_LFENCE         UINT64_C(0x2) /* lfence waits for all before it */
#define APIC_BASE_ENABLED     UINT64_C(0xfee00800)
#define APIC_BASE_BOOT        UINT64_C(0x100)
#define CANONICAL_BITS        48u

/* A register, or several; what they read as; what becomes of a write. */
struct msr {
    uint32_t first, last;
    bool (*read)(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value);
    bool (*write)(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t value);
};

/*
 * ---- Ways of reading.  False: #GP.
 */

static bool read_zero(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu;
    (void)msr;
    *value = 0;
    return true;
}

static bool read_real(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu;
    return msr_read_recover(msr, value);
}

static bool read_de_cfg(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    uint64_t real = 0;

    (void)vcpu;
    *value = msr_read_recover(msr, &real) ? real & DE_CFG_LFENCE : 0;
    return true;
}

static bool read_tsc(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu;
    (void)msr;
    *value = asm_read_tsc();
    return true;
}

static bool read_apic_base(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)msr;
    *value = vcpu->engine.id == 0 ? APIC_BASE_ENABLED | APIC_BASE_BOOT : APIC_BASE_ENABLED;
    return true;
}

static bool read_pat(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    (void)vcpu;
    (void)msr;
    *value = CPU_PAT;
    return true;
}

/* The bases exist in 64-bit mode only. */
static bool read_base(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    if (!hv_vcpu_is_64bit(vcpu))
        return false;
    if (msr == MSR_FS_BASE)
        *value = state_fs_base();
    else
        *value = msr == MSR_GS_BASE ? state_gs_base() : state_gs_base_inactive();
    return true;
}

/*
 * ---- Ways of writing.  False: #GP.
 */

static bool write_dropped(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t value)
{
    (void)vcpu;
    (void)msr;
    (void)value;
    return true;
}

/* Where the processor has it. */
static bool write_dropped_if_there(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t value)
{
    uint64_t real;

    (void)vcpu;
    (void)value;
    return msr_read_recover(msr, &real);
}

static bool is_canonical(uint64_t address)
{
    uint64_t sign = UINT64_C(1) << (CANONICAL_BITS - 1), upper = ~(2 * sign - 1);

    return (address & upper) == (address & sign ? upper : 0);
}

static bool write_base(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t value)
{
    if (!hv_vcpu_is_64bit(vcpu) || !is_canonical(value))
        return false;
    if (msr == MSR_FS_BASE)
        state_set_fs_base(value);
    else if (msr == MSR_GS_BASE)
        state_set_gs_base(value);
    else
        state_set_gs_base_inactive(value);
    return true;
}

/*
 * ---- The registers.  Without a way to write, only the value that it has may be written.
 */

static const struct msr registers[] = {
    {MSR_FS_BASE, MSR_KERNEL_GS_BASE, read_base, write_base}, /* asked for most often */
    {MSR_TSC, MSR_TSC, read_tsc, NULL},
    {MSR_APIC_BASE, MSR_APIC_BASE, read_apic_base, NULL},
    {MSR_PATCH_LEVEL, MSR_PATCH_LEVEL, read_zero, write_dropped},
    {MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, read_zero, NULL},
    {MSR_MISC_FEATURES, MSR_MISC_FEATURES, read_zero, NULL},
    {MSR_MCG_CAP, MSR_MCG_STATUS, read_zero, NULL},
    {MSR_PERF_STATUS, MSR_PERF_CONTROL, read_zero, write_dropped},
    {MSR_MISC_ENABLE, MSR_MISC_ENABLE, read_real, write_dropped_if_there},
    {MSR_PAT, MSR_PAT, read_pat, NULL},
    {MSR_PERF_CAPABILITIES, MSR_PERF_CAPABILITIES, read_zero, NULL},
    {MSR_EFER, MSR_EFER, read_real, NULL},
    {MSR_AMD_HWCR, MSR_AMD_HWCR, read_zero, write_dropped},
    {MSR_AMD_NB_CFG, MSR_AMD_NB_CFG, read_zero, write_dropped},
    {MSR_AMD_PSTATE_FIRST, MSR_AMD_PSTATE_LAST, read_zero, write_dropped},
    {MSR_AMD_DE_CFG, MSR_AMD_DE_CFG, read_de_cfg, write_dropped},
};

static const struct msr *find(uint32_t msr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
        if (msr >= registers[i].first && msr <= registers[i].last)
            return &registers[i];
    }
    return NULL;
}

/*
 * While a guest has no handler for #GP, an unknown register that the processor has reads as 0: an early look at one
 * must not end it.
 */
static bool read_unknown(const struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    uint64_t real;

    *value = 0;
    return vcpu->engine.traps[VECTOR_PROTECTION].address == 0 && msr_read_recover(msr, &real);
}

bool msr_read(struct hv_vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    const struct msr *entry = find(msr);

    return entry ? entry->read(vcpu, msr, value) : read_unknown(vcpu, msr, value);
}

bool msr_write(struct hv_vcpu *vcpu, uint32_t msr, uint64_t value)
{
    const struct msr *entry = find(msr);
    uint64_t current;

    if (!entry)
        return false;
    if (entry->write)
        return entry->write(vcpu, msr, value);
    return entry->read(vcpu, msr, &current) && current == value;
}
