/* SPDX-License-Identifier: MIT */
/* Setting up the processor. */
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/cpu_tables.h>
#include <hv/cpu/entry.h>

#define LEAF_VENDOR           0u
#define LEAF_VERSION          1u
#define LEAF_FEATURES         7u
#define LEAF_XSAVE            13u
#define LEAF_EXTENDED         0x80000000u
#define LEAF_POWER            0x80000007u
#define LEAF_ADDRESSES        0x80000008u
#define LEAF_EXTENDED_VERSION 0x80000001u
#define PHYS_BITS_LEAST       36u
#define PHYS_BITS_MOST        52u

#define FEATURES_EBX_FSGSBASE (1u << 0)
#define FEATURES_EBX_SMEP     (1u << 7)
#define FEATURES_EBX_SMAP     (1u << 20)
#define FEATURES_ECX_UMIP     (1u << 2)
#define FEATURES_ECX_OSPKE    (1u << 4)
#define VERSION_ECX_OSXSAVE   (1u << 27)
#define VERSION_EDX_APIC      (1u << 9)
#define VERSION_EDX_PGE       (1u << 13)
#define FEATURES_EDX_ARCH     (1u << 29) /* there is MSR_ARCH_CAPABILITIES */
#define ARCH_RDCL_NO          (UINT64_C(1) << 0)
#define VENDOR_EBX_INTEL      0x756e6547u /* "Genu" */

#define MSR_SYSENTER_CS  0x174u
#define MSR_SYSENTER_ESP 0x175u
#define MSR_SYSENTER_EIP 0x176u
#define MSR_STAR         0xc0000081u
#define MSR_LSTAR        0xc0000082u
#define MSR_CSTAR        0xc0000083u
#define MSR_SYSCALL_MASK 0xc0000084u

#define PIC_PRIMARY_MASK   0x21
#define PIC_SECONDARY_MASK 0xa1

struct cpu cpu_boot;
struct cpu_features cpu_features_found;
struct entry_cpu entry_cpus[MAX_CPUS];

const struct cpu_features *cpu_features(void)
{
    return &cpu_features_found;
}

/* Intel's processors look at frame numbers of absent entries, unless they say that they do not. */
static bool has_l1tf(uint32_t features_edx)
{
    if (asm_cpuid(LEAF_VENDOR, 0).ebx != VENDOR_EBX_INTEL)
        return false;
    return !(features_edx & FEATURES_EDX_ARCH) || !(asm_read_msr(MSR_ARCH_CAPABILITIES) & ARCH_RDCL_NO);
}

/* A leaf that there is not has nothing. */
static struct cpuid read_leaf(uint32_t leaf)
{
    uint32_t last = asm_cpuid(leaf & LEAF_EXTENDED, 0).eax;

    return leaf <= last ? asm_cpuid(leaf, 0) : (struct cpuid){0};
}

static void find_features(void)
{
    struct cpuid leaf7 = read_leaf(LEAF_FEATURES);

    cpu_features_found.pge = read_leaf(LEAF_VERSION).edx & VERSION_EDX_PGE;
    cpu_features_found.umip = leaf7.ecx & FEATURES_ECX_UMIP;
    cpu_features_found.fsgsbase = leaf7.ebx & FEATURES_EBX_FSGSBASE;
    cpu_features_found.smep = leaf7.ebx & FEATURES_EBX_SMEP;
    cpu_features_found.smap = leaf7.ebx & FEATURES_EBX_SMAP;
    cpu_features_found.l1tf = has_l1tf(leaf7.edx);
    cpu_features_found.phys_bits = read_leaf(LEAF_ADDRESSES).eax & 0xff;
    if (cpu_features_found.phys_bits < PHYS_BITS_LEAST)
        cpu_features_found.phys_bits = PHYS_BITS_LEAST;
    if (cpu_features_found.phys_bits > PHYS_BITS_MOST)
        cpu_features_found.phys_bits = PHYS_BITS_MOST;
}

/*
 * What the hypervisor or a guest may find that this processor can do, but for what says only how it is set up (the
 * APIC's enabling; OSXSAVE, OSPKE) and which one it is.  Guests move between processors.
 */
static void read_abilities(uint32_t words[CPU_ABILITIES])
{
    struct cpuid vendor = asm_cpuid(LEAF_VENDOR, 0), version = read_leaf(LEAF_VERSION);
    struct cpuid features = read_leaf(LEAF_FEATURES), xsave = read_leaf(LEAF_XSAVE);
    struct cpuid extended = read_leaf(LEAF_EXTENDED_VERSION);
    const uint32_t seen[CPU_ABILITIES] = {
        vendor.ebx,
        version.ecx & ~VERSION_ECX_OSXSAVE,
        version.edx & ~VERSION_EDX_APIC,
        features.ebx,
        features.ecx & ~FEATURES_ECX_OSPKE,
        features.edx,
        xsave.eax,
        xsave.edx,
        extended.ecx,
        extended.edx & ~VERSION_EDX_APIC,
        read_leaf(LEAF_POWER).edx,
        read_leaf(LEAF_ADDRESSES).eax & 0xffff,
    };

    memcpy(words, seen, sizeof(seen));
}

/*
 * PGE is for a guest's changes of mode: hv_vcpu_load_root().  LA57 and PKE stay off, which guests are not to find, and
 * PCIDE: docs/page-types.md says why.  What a guest may set comes with its vCPU: hv/domain/state.c.
 */
static void set_control_registers(void)
{
    uint64_t cr4 = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_features_found.pge)
        cr4 |= CR4_PGE;
    if (cpu_features_found.smep)
        cr4 |= CR4_SMEP;
    if (cpu_features_found.smap)
        cr4 |= CR4_SMAP;
    if (cpu_features_found.umip)
        cr4 |= CR4_UMIP;
    asm_write_cr0(CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    asm_write_cr4(cr4);
    asm_write_msr(MSR_EFER, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE);
    asm_write_msr(MSR_PAT, CPU_PAT);
}

static bool traces_calls;

/*
 * Where guests' calls arrive: AMD APM volume 2, 6.1.  STAR's selectors for the way back are not used: the hypervisor
 * returns by iret.
 */
static void set_entry_points(struct cpu *cpu)
{
    uint64_t stub = (uint64_t)cpu->id * ENTRY_SYSCALL_STUB_SIZE;

    asm_write_msr(MSR_STAR, (uint64_t)HV_CS << 32);
    asm_write_msr(MSR_LSTAR, (uint64_t)(traces_calls ? entry_traced_stubs : entry_short_stubs) + stub);
    asm_write_msr(MSR_CSTAR, (uint64_t)entry_syscall32_stubs + stub);
    asm_write_msr(MSR_SYSCALL_MASK, ENTRY_SYSCALL_MASK);
    asm_write_msr(MSR_SYSENTER_CS, HV_CS);
    asm_write_msr(MSR_SYSENTER_ESP, cpu_sysenter_stack(cpu));
    asm_write_msr(MSR_SYSENTER_EIP, (uint64_t)entry_sysenter);
}

void cpu_trace_calls(void)
{
    traces_calls = true;
    cpu_tables_trace_calls();
    set_entry_points(cpu_here());
}

void cpu_trace_traps(void)
{
    cpu_tables_trace_traps();
}

void cpu_set_entry_stack(uint64_t top)
{
    struct cpu *cpu = cpu_here();

    cpu->tss.rsp[0] = top;
    entry_cpus[cpu->id].stack = top;
    *(uint64_t *)cpu_sysenter_stack(cpu) = top;
}

void cpu_init(void)
{
    find_features();
    read_abilities(cpu_boot.abilities);
    cpu_boot.maddr = image_maddr(&cpu_boot);
    cpu_tables_init_gates();
    cpu_tables_init(&cpu_boot);
    set_control_registers();
    set_entry_points(&cpu_boot);
    cpu_set_online(&cpu_boot);
    asm_out8(PIC_PRIMARY_MASK, 0xff);
    asm_out8(PIC_SECONDARY_MASK, 0xff);
}

bool cpu_init_other(void)
{
    struct cpu *cpu = cpu_here();

    read_abilities(cpu->abilities);
    if (memcmp(cpu->abilities, cpu_boot.abilities, sizeof(cpu->abilities)))
        return false;
    cpu->debug_has_stack = cpu_boot.debug_has_stack;
    cpu_tables_init(cpu);
    set_control_registers();
    set_entry_points(cpu);
    return true;
}

void cpu_guard_user_pages(bool on)
{
    uint64_t seen = asm_read_cr4(), wanted = seen & ~(CR4_SMEP | CR4_SMAP);

    if (on && cpu_features_found.smep)
        wanted |= CR4_SMEP;
    if (on && cpu_features_found.smap)
        wanted |= CR4_SMAP;
    if (wanted != seen)
        asm_write_cr4(wanted);
}

void cpu_disable_smap(void)
{
    cpu_features_found.smap = false;
    asm_write_cr4(asm_read_cr4() & ~CR4_SMAP);
}

void cpu_disable_global_pages(void)
{
    cpu_features_found.pge = false;
    asm_write_cr4(asm_read_cr4() & ~CR4_PGE);
}
