/* SPDX-License-Identifier: MIT */
/*
 * What guests may know of the processor: of each word of features the bits that work for them; of what is no feature,
 * what the processor says.  Bits: Intel SDM volume 2 CPUID, AMD APM volume 3 appendix E.  In order: features, extended
 * state, the basic leaves, the extended leaves, Xen's.
 */
#include <abi/cpuid.h>
#include <hv/emulate/cpuid.h>

#define BIT(n) (UINT32_C(1) << (n))

#define LEAF_BASIC_LAST     0xdu
#define LEAF_EXTENDED       0x80000000u
#define LEAF_EXTENDED_LAST  0x80000008u
#define XEN_VERSION         (4u << 16 | 17u)
#define XEN_TSC_LEAF        3u
#define XEN_TSC_RELIABLE    BIT(1)
#define XEN_TSC_NATIVE      2u /* the mode: it is never emulated */
#define XEN_ADDRESS_LEAF    5u
#define VENDOR_EBX_INTEL    0x756e6547u /* "Genu" */
#define VENDOR_EBX_AMD      0x68747541u /* "Auth" */
#define VENDOR_EBX_HYGON    0x6f677948u /* "Hygo" */
#define APIC_ID_SHIFT       24u
#define APIC_IDS_EACH       2u /* from one vCPU to the next */
#define LOGICAL_COUNT_SHIFT 16u
#define CACHE_SHAPE         0x3fffu /* leaf 4: the bits of eax behind these count processors */
#define LINEAR_BITS         48u

#define XSAVE_HEADER_END 576u
#define XSAVE_PARTS      63u
#define XSAVE_ALIGNED    BIT(1)
#define XSAVE_PART_AVX   2u
#define XSAVE_AVX512     (UINT64_C(7) << 5)

/*
 * ---- Features.
 */

#define VERSION_ECX_OSXSAVE    BIT(27)
#define VERSION_ECX_XSAVE      BIT(26)
#define VERSION_ECX_HYPERVISOR BIT(31)
#define VERSION_EDX_SEP        BIT(11)

/* SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND */
#define VERSION_ECX     (BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | BIT(25) | BIT(30))
/* FMA AVX F16C */
#define VERSION_ECX_AVX (BIT(12) | BIT(28) | BIT(29))
/* FPU DE TSC MSR PAE MCE CX8 APIC, MCA CMOV PAT CLFLUSH, ACPI MMX FXSR SSE SSE2, HTT */
#define VERSION_EDX                                                                                                  \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(14) | BIT(15) | BIT(16) | BIT(19) | \
     BIT(22) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | BIT(28))

/* BMI1, FDP_EXCPTN_ONLY, BMI2 ERMS, no FCS and FDS, RDSEED ADX, CLFLUSHOPT CLWB, SHA */
#define FEATURES_EBX (BIT(3) | BIT(6) | BIT(8) | BIT(9) | BIT(13) | BIT(18) | BIT(19) | BIT(23) | BIT(24) | BIT(29))

#define FEATURES_EBX_WIDE   BIT(0) /* FSGSBASE */
#define FEATURES_EBX_AVX    BIT(5) /* AVX2 */
/* AVX512: F DQ IFMA CD BW VL */
#define FEATURES_EBX_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))
#define FEATURES_ECX        BIT(8) /* GFNI */
/* VAES VPCLMULQDQ */
#define FEATURES_ECX_AVX    (BIT(9) | BIT(10))
/* AVX512: VBMI VBMI2 VNNI BITALG VPOPCNTDQ */
#define FEATURES_ECX_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
/* FSRM, MD_CLEAR */
#define FEATURES_EDX        (BIT(4) | BIT(10))

/* XSAVEOPT XSAVEC XGETBV1 */
#define XSAVE_EAX        (BIT(0) | BIT(1) | BIT(2))
#define XSAVE_EAX_XSAVEC BIT(1)

/* LAHF, ABM SSE4A MISALIGNSSE PREFETCHW, TBM */
#define EXTENDED_ECX         (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(21))
/* XOP FMA4 */
#define EXTENDED_ECX_AVX     (BIT(11) | BIT(16))
#define EXTENDED_EDX_SYSCALL BIT(11)
#define EXTENDED_EDX_LM      BIT(29)
/* Those of VERSION_EDX that AMD repeats here; NX, MMXEXT, 3DNOWEXT 3DNOW. */
#define EXTENDED_EDX                                                                                                 \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(14) | BIT(15) | BIT(16) | BIT(23) | \
     BIT(24) | BIT(20) | BIT(22) | BIT(30) | BIT(31))

#define POWER_EDX    BIT(8)            /* the TSC does not change its rate */
#define CAPACITY_EBX (BIT(0) | BIT(2)) /* CLZERO, XSAVE keeps error pointers */

/* @always, and what needs more registers than those of SSE where the guest may use them. */
static uint32_t allowed(const struct cpuid_view *view, uint32_t always, uint32_t avx, uint32_t avx512)
{
    if (view->offered >> XSAVE_PART_AVX & 1)
        always |= avx;
    if ((view->offered & XSAVE_AVX512) == XSAVE_AVX512)
        always |= avx512;
    return always;
}

static struct cpuid nothing(void)
{
    return (struct cpuid){0, 0, 0, 0};
}

/*
 * ---- Extended state: Intel SDM volume 1, 13.4.
 */

/* The size of an area for @parts, in the standard form or the compacted one. */
static uint32_t area_size(const struct cpuid_view *view, uint64_t parts, bool compact)
{
    uint32_t size = XSAVE_HEADER_END;

    for (uint32_t i = XSAVE_PART_AVX; i < XSAVE_PARTS; i++) {
        struct cpuid part;

        if (!(parts >> i & 1))
            continue;
        part = view->read(LEAF_BASIC_LAST, i);
        if (compact)
            size = (part.ecx & XSAVE_ALIGNED ? (size + 63) & ~63u : size) + part.eax;
        else if (part.ebx + part.eax > size)
            size = part.ebx + part.eax;
    }
    return size;
}

static struct cpuid extended_state(const struct cpuid_view *view, uint32_t subleaf)
{
    struct cpuid seen = view->read(LEAF_BASIC_LAST, subleaf);

    if (!view->offered)
        return nothing();
    if (subleaf == 0)
        return (struct cpuid){
            .eax = (uint32_t)view->offered,
            .ebx = area_size(view, view->xcr0, false),
            .ecx = area_size(view, view->offered, false),
            .edx = (uint32_t)(view->offered >> 32),
        };
    if (subleaf == 1)
        return (struct cpuid){
            .eax = seen.eax & XSAVE_EAX,
            .ebx = seen.eax & XSAVE_EAX_XSAVEC ? area_size(view, view->xcr0, true) : 0,
        };
    if (subleaf >= XSAVE_PARTS || !(view->offered >> subleaf & 1))
        return nothing();
    return (struct cpuid){.eax = seen.eax, .ebx = seen.ebx, .ecx = seen.ecx & XSAVE_ALIGNED};
}

/*
 * ---- Basic leaves.
 */

/* AMD's processors have no SYSENTER in long mode, in which guests of either width run: AMD APM volume 3, SYSENTER. */
static bool has_sysenter(const struct cpuid_view *view)
{
    uint32_t vendor = view->read(0, 0).ebx;

    return vendor != VENDOR_EBX_AMD && vendor != VENDOR_EBX_HYGON;
}

/* Each vCPU is a package of its own. */
static struct cpuid version(const struct cpuid_view *view)
{
    struct cpuid leaf = view->read(1, 0);
    uint32_t dynamic = VERSION_ECX_HYPERVISOR;

    if (view->offered && (leaf.ecx & VERSION_ECX_XSAVE))
        dynamic |= VERSION_ECX_XSAVE | VERSION_ECX_OSXSAVE; /* both: Linux takes one alone for a sign of trouble */
    leaf.ebx = (leaf.ebx & 0xffff) | BIT(LOGICAL_COUNT_SHIFT) | view->vcpu * APIC_IDS_EACH << APIC_ID_SHIFT;
    leaf.ecx = (leaf.ecx & allowed(view, VERSION_ECX, VERSION_ECX_AVX, 0)) | dynamic;
    leaf.edx &= has_sysenter(view) ? VERSION_EDX | VERSION_EDX_SEP : VERSION_EDX;
    return leaf;
}

static struct cpuid features(const struct cpuid_view *view)
{
    struct cpuid leaf = view->read(7, 0);

    leaf.eax = 0;
    leaf.ebx &=
        allowed(view, FEATURES_EBX | (view->wide ? FEATURES_EBX_WIDE : 0), FEATURES_EBX_AVX, FEATURES_EBX_AVX512);
    leaf.ecx &= allowed(view, FEATURES_ECX, FEATURES_ECX_AVX, FEATURES_ECX_AVX512);
    leaf.edx &= FEATURES_EDX;
    return leaf;
}

static struct cpuid basic(const struct cpuid_view *view, uint32_t number, uint32_t subleaf)
{
    struct cpuid leaf = view->read(0, 0);

    if (leaf.eax > LEAF_BASIC_LAST)
        leaf.eax = LEAF_BASIC_LAST;
    if (number == 0)
        return leaf;
    if (number > leaf.eax)
        return nothing();
    switch (number) {
    case 1:
        return version(view);
    case 2: /* caches */
        return view->read(2, 0);
    case 4: /* caches, and who shares them */
        leaf = view->read(4, subleaf);
        leaf.eax &= CACHE_SHAPE;
        return leaf;
    case 7:
        return subleaf == 0 ? features(view) : nothing();
    case LEAF_BASIC_LAST:
        return extended_state(view, subleaf);
    }
    return nothing();
}

/*
 * ---- Extended leaves.
 */

/* Intel's processors know syscall in 64-bit mode only. */
static struct cpuid extended_features(const struct cpuid_view *view)
{
    struct cpuid leaf = view->read(LEAF_EXTENDED + 1, 0);
    uint32_t edx = EXTENDED_EDX;

    if (view->wide)
        edx |= EXTENDED_EDX_LM | EXTENDED_EDX_SYSCALL;
    else if (view->read(0, 0).ebx != VENDOR_EBX_INTEL)
        edx |= EXTENDED_EDX_SYSCALL;
    leaf.ebx = 0;
    leaf.ecx &= allowed(view, EXTENDED_ECX, EXTENDED_ECX_AVX, 0);
    leaf.edx &= edx;
    return leaf;
}

static struct cpuid extended(const struct cpuid_view *view, uint32_t number)
{
    struct cpuid leaf = view->read(LEAF_EXTENDED, 0);

    if (leaf.eax > LEAF_EXTENDED_LAST)
        leaf.eax = LEAF_EXTENDED_LAST;
    if (number == LEAF_EXTENDED)
        return leaf;
    if (number > leaf.eax)
        return nothing();
    switch (number - LEAF_EXTENDED) {
    case 1:
        return extended_features(view);
    case 2: /* to 4: the name; 5 and 6: caches */
    case 3:
    case 4:
    case 5:
    case 6:
        return view->read(number, 0);
    case 7:
        return (struct cpuid){.edx = view->tsc_constant ? POWER_EDX : 0};
    case 8:
        return (struct cpuid){
            .eax = view->phys_bits | LINEAR_BITS << 8,
            .ebx = view->read(number, 0).ebx & CAPACITY_EBX,
        };
    }
    return nothing();
}

/*
 * ---- Xen's leaves: abi/cpuid.h.
 */

/* No guest's rdtsc comes here. */
static struct cpuid tsc(const struct cpuid_view *view)
{
    return (struct cpuid){
        .eax = view->tsc_constant ? XEN_TSC_RELIABLE : 0,
        .ebx = XEN_TSC_NATIVE,
        .ecx = (uint32_t)view->tsc_khz,
    };
}

static struct cpuid xen(const struct cpuid_view *view, uint32_t number, uint32_t subleaf)
{
    switch (number) {
    case 0:
        return (struct cpuid){XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX,
                              XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX};
    case 1:
        return (struct cpuid){.eax = XEN_VERSION};
    case 2:
        return (struct cpuid){.eax = 1, .ebx = XEN_CPUID_FIRST_LEAF, .ecx = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD};
    case XEN_TSC_LEAF:
        return subleaf == 0 ? tsc(view) : nothing();
    case XEN_ADDRESS_LEAF:
        return (struct cpuid){.ebx = view->phys_bits & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK};
    }
    return nothing();
}

struct cpuid cpuid_filter(const struct cpuid_view *view, uint32_t leaf, uint32_t subleaf)
{
    if (leaf >= LEAF_EXTENDED)
        return extended(view, leaf);
    if (leaf >= XEN_CPUID_FIRST_LEAF)
        return xen(view, leaf - XEN_CPUID_FIRST_LEAF, subleaf);
    return basic(view, leaf, subleaf);
}
