/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/cpuid_filter.c */
/* What CPUID shows to guests, of this processor and of one that claims to have everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/cpuid.h>
#include <hv/emulate/cpuid.h>

enum word {
    EAX,
    EBX,
    ECX,
    EDX,
};

static uint32_t word_of(struct cpuid leaf, enum word word)
{
    const uint32_t words[] = {leaf.eax, leaf.ebx, leaf.ecx, leaf.edx};

    return words[word];
}

/* A processor with every bit set, the sizes of its extended state excepted. */
static struct cpuid everything(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

    if (leaf == 0xd && subleaf >= 2)
        return (struct cpuid){.eax = 64, .ebx = 576 + 64 * (subleaf - 2), .ecx = UINT32_MAX, .edx = UINT32_MAX};
    return all;
}

static struct cpuid vendor_intel(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid){UINT32_MAX, 0x756e6547, 0x6c65746e, 0x49656e69};
    return everything(leaf, subleaf);
}

static struct cpuid vendor_amd(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid){UINT32_MAX, 0x68747541, 0x444d4163, 0x69746e65};
    return everything(leaf, subleaf);
}

static struct cpuid vendor_hygon(uint32_t leaf, uint32_t subleaf)
{
    if (leaf == 0)
        return (struct cpuid){UINT32_MAX, 0x6f677948, 0x656e6975, 0x6e65476e};
    return everything(leaf, subleaf);
}

/* One that ends at leaf 1, and has no extended leaves. */
static struct cpuid old(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid all = everything(leaf, subleaf);

    if (leaf == 0)
        all.eax = 1;
    if (leaf == 0x80000000)
        all.eax = 0x80000000;
    return all;
}

static struct cpuid_view view_of(struct cpuid (*read)(uint32_t leaf, uint32_t subleaf))
{
    return (struct cpuid_view){
        .wide = true,
        .vcpu = 3,
        .phys_bits = 46,
        .offered = 0xe7,
        .xcr0 = 1,
        .tsc_khz = 2345678,
        .tsc_constant = true,
        .read = read,
    };
}

struct bit {
    uint32_t leaf;
    enum word word;
    unsigned bit;
};

static bool is_set(const struct cpuid_view *view, struct bit bit)
{
    return word_of(cpuid_filter(view, bit.leaf, 0), bit.word) >> bit.bit & 1;
}

static void test_hidden(void **state)
{
    static const struct bit hidden[] = {
        {1, EDX, 1},           {1, EDX, 3},           {1, EDX, 12},
        {1, EDX, 13},          {1, EDX, 17}, /* VME PSE MTRR PGE PSE36 */
        {1, EDX, 21},          {1, ECX, 3},           {1, ECX, 5},
        {1, ECX, 6},           {1, ECX, 7}, /* DS MONITOR VMX SMX EIST */
        {1, ECX, 15},          {1, ECX, 17},          {1, ECX, 21},
        {1, ECX, 24}, /* PDCM PCID X2APIC TSC_DEADLINE */
        {7, EBX, 1},           {7, EBX, 7},           {7, EBX, 10},
        {7, EBX, 14},          {7, EBX, 20}, /* TSC_ADJUST SMEP INVPCID MPX SMAP */
        {7, EBX, 2},           {7, EBX, 4},           {7, EBX, 11},
        {7, EBX, 25},          {7, ECX, 2}, /* SGX HLE RTM PT UMIP */
        {7, ECX, 3},           {7, ECX, 4},           {7, ECX, 7},
        {7, ECX, 16},          {7, ECX, 22}, /* PKU OSPKE CET_SS LA57 RDPID */
        {7, ECX, 5},           {7, EDX, 20},          {7, EDX, 26},
        {7, EDX, 27},          {7, EDX, 29}, /* WAITPKG CET_IBT IBRS STIBP ARCH_CAPABILITIES */
        {7, EDX, 31},          {0x80000001, ECX, 2},  {0x80000001, ECX, 12},
        {0x80000001, ECX, 22}, {0x80000001, ECX, 29}, /* SSBD SVM SKINIT TOPOEXT MONITORX */
        {0x80000001, EDX, 26}, {0x80000001, EDX, 27}, {0x80000001, ECX, 4},
        {0x80000001, ECX, 3},  {0x80000008, EBX, 12}, /* PAGE1GB RDTSCP CR8 EXTAPIC IBPB */
    };
    struct cpuid_view view = view_of(everything);

    (void)state;
    for (unsigned i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (is_set(&view, hidden[i]))
            fail_msg("leaf %x word %u bit %u", hidden[i].leaf, hidden[i].word, hidden[i].bit);
    }
}

static void test_shown(void **state)
{
    static const struct bit shown[] = {
        {1, EDX, 0},           {1, EDX, 4},          {1, EDX, 5},  {1, EDX, 6},           {1, EDX, 8},
        {1, EDX, 9},           {1, EDX, 11},         {1, EDX, 15}, {1, EDX, 24},          {1, EDX, 26},
        {1, ECX, 0},           {1, ECX, 13},         {1, ECX, 26}, {1, ECX, 28},          {1, ECX, 31},
        {7, EBX, 3},           {7, EBX, 5},          {7, EBX, 16}, {0x80000001, EDX, 11}, {0x80000001, EDX, 20},
        {0x80000001, EDX, 29}, {0x80000007, EDX, 8},
    };
    struct cpuid_view view = view_of(everything);

    (void)state;
    for (unsigned i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        if (!is_set(&view, shown[i]))
            fail_msg("leaf %x word %u bit %u", shown[i].leaf, shown[i].word, shown[i].bit);
    }
}

/* No leaf of this processor's shows a bit of a feature that it does not have. */
static void test_real(void **state)
{
    static const uint32_t leaves[] = {7, 0x80000001, 0x80000007};
    struct cpuid_view view = view_of(asm_cpuid);
    struct cpuid real = asm_cpuid(1, 0), guest;

    (void)state;
    view.tsc_constant = false; /* who says so is not the processor */
    guest = cpuid_filter(&view, 1, 0);
    assert_int_equal(guest.eax, real.eax);
    assert_int_equal(guest.edx & ~real.edx, 0);
    assert_int_equal(guest.ecx & ~real.ecx & ~(UINT32_C(1) << 31), 0);
    for (unsigned i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        real = asm_cpuid(leaves[i], 0);
        guest = cpuid_filter(&view, leaves[i], 0);
        assert_int_equal(guest.ebx & ~real.ebx, 0);
        assert_int_equal(guest.ecx & ~real.ecx, 0);
        assert_int_equal(guest.edx & ~real.edx, 0);
    }
    assert_int_equal(cpuid_filter(&view, 0, 0).ebx, asm_cpuid(0, 0).ebx);
}

static void test_limits(void **state)
{
    struct cpuid_view view = view_of(everything);
    struct cpuid zero = {0, 0, 0, 0}, leaf;

    (void)state;
    assert_int_equal(cpuid_filter(&view, 0, 0).eax, 0xd);
    assert_int_equal(cpuid_filter(&view, 0x80000000, 0).eax, 0x80000008);
    for (uint32_t number = 0; number < 0x200; number++) {
        leaf = cpuid_filter(&view, number, 5);
        if (number > 0xd || number == 5 || number == 6 || number == 7 || number == 0xa || number == 0xb)
            assert_memory_equal(&leaf, &zero, sizeof(zero));
        leaf = cpuid_filter(&view, 0x40000006 + number, 0);
        assert_memory_equal(&leaf, &zero, sizeof(zero));
        leaf = cpuid_filter(&view, 0x80000009 + number, 0);
        assert_memory_equal(&leaf, &zero, sizeof(zero));
    }
    leaf = cpuid_filter(&view, UINT32_MAX, UINT32_MAX);
    assert_memory_equal(&leaf, &zero, sizeof(zero));
    view.read = old;
    assert_int_equal(cpuid_filter(&view, 0, 0).eax, 1);
    leaf = cpuid_filter(&view, 7, 0);
    assert_memory_equal(&leaf, &zero, sizeof(zero));
    leaf = cpuid_filter(&view, 0x80000001, 0);
    assert_memory_equal(&leaf, &zero, sizeof(zero));
}

static void test_dynamic(void **state)
{
    struct cpuid_view view = view_of(everything);
    struct cpuid leaf = cpuid_filter(&view, 1, 0);

    (void)state;
    assert_int_equal(leaf.ebx >> 24, 6);        /* the APIC's number */
    assert_int_equal(leaf.ebx >> 16 & 0xff, 1); /* one processor in a package */
    assert_int_equal(leaf.ecx >> 26 & 3, 3);    /* xsave, and on: the one comes with the other */
    view.offered = 0;                           /* no xsave: nothing that needs it */
    leaf = cpuid_filter(&view, 1, 0);
    assert_int_equal(leaf.ecx & (UINT32_C(1) << 26 | UINT32_C(1) << 27 | UINT32_C(1) << 28 | UINT32_C(1) << 12), 0);
    leaf = cpuid_filter(&view, 7, 0);
    assert_int_equal(leaf.ebx & (UINT32_C(1) << 5 | UINT32_C(1) << 16), 0);
    leaf = cpuid_filter(&view, 0xd, 0);
    assert_int_equal(leaf.eax | leaf.ebx | leaf.ecx | leaf.edx, 0);
}

static void test_width(void **state)
{
    const struct bit lm = {0x80000001, EDX, 29}, syscall = {0x80000001, EDX, 11}, fsgsbase = {7, EBX, 0};
    struct cpuid_view view = view_of(vendor_intel);

    (void)state;
    assert_true(is_set(&view, lm) && is_set(&view, syscall) && is_set(&view, fsgsbase));
    view.wide = false;
    assert_false(is_set(&view, lm) || is_set(&view, syscall) || is_set(&view, fsgsbase));
    view.read = vendor_amd;
    assert_true(!is_set(&view, lm) && is_set(&view, syscall));
}

/* Of AMD's processors and of their like, none has SYSENTER in long mode. */
static void test_sysenter(void **state)
{
    const struct bit sep = {1, EDX, 11};
    struct cpuid_view view = view_of(vendor_intel);

    (void)state;
    for (unsigned wide = 0; wide < 2; wide++) {
        view.wide = wide;
        view.read = vendor_intel;
        assert_true(is_set(&view, sep));
        view.read = vendor_amd;
        assert_false(is_set(&view, sep));
        view.read = vendor_hygon;
        assert_false(is_set(&view, sep));
    }
}

static void test_extended_state(void **state)
{
    struct cpuid_view view = view_of(everything);
    struct cpuid leaf = cpuid_filter(&view, 0xd, 0);

    (void)state;
    assert_int_equal(leaf.eax, 0xe7);
    assert_int_equal(leaf.edx, 0);
    assert_int_equal(leaf.ebx, 576);
    assert_int_equal(leaf.ecx, 576 + 64 * 5 + 64); /* to the end of part 7 */
    view.xcr0 = 7;
    assert_int_equal(cpuid_filter(&view, 0xd, 0).ebx, 640);
    view.xcr0 = 0xe7;
    assert_int_equal(cpuid_filter(&view, 0xd, 0).ebx, 576 + 64 * 5 + 64);
    assert_int_equal(cpuid_filter(&view, 0xd, 1).ebx, 576 + 4 * 64); /* compacted: no gaps */
    assert_int_equal(cpuid_filter(&view, 0xd, 1).eax, 7);            /* no XSAVES */
    assert_int_equal(cpuid_filter(&view, 0xd, 2).eax, 64);
    assert_int_equal(cpuid_filter(&view, 0xd, 2).ecx, 2);
    assert_int_equal(cpuid_filter(&view, 0xd, 3).eax, 0);
    assert_int_equal(cpuid_filter(&view, 0xd, 9).eax, 0);
    assert_int_equal(cpuid_filter(&view, 0xd, 64 + 2).eax, 0);
    view.offered = 7;
    assert_int_equal(cpuid_filter(&view, 7, 0).ebx >> 16 & 1, 0);
    assert_int_equal(cpuid_filter(&view, 0xd, 5).eax, 0);
}

/* What needs registers of its own is there where a guest may use all of them, and only there. */
static void test_wide_registers(void **state)
{
    static const struct bit avx[] = {{1, ECX, 12}, {1, ECX, 28}, {1, ECX, 29},          {7, EBX, 5},
                                     {7, ECX, 9},  {7, ECX, 10}, {0x80000001, ECX, 11}, {0x80000001, ECX, 16}};
    static const struct bit avx512[] = {{7, EBX, 16}, {7, EBX, 17}, {7, EBX, 21}, {7, EBX, 28},
                                        {7, EBX, 30}, {7, EBX, 31}, {7, ECX, 1},  {7, ECX, 6},
                                        {7, ECX, 11}, {7, ECX, 12}, {7, ECX, 14}};
    static const struct {
        uint64_t offered; /* x87, SSE, AVX; three parts of AVX-512 */
        bool avx, avx512;
    } rows[] = {{0, false, false},   {0x1, false, false}, {0x3, false, false}, {0x7, true, false},
                {0x27, true, false}, {0x67, true, false}, {0xc7, true, false}, {0xe7, true, true}};
    struct cpuid_view view = view_of(everything);

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        view.offered = rows[i].offered;
        for (unsigned j = 0; j < sizeof(avx) / sizeof(avx[0]); j++)
            assert_int_equal(is_set(&view, avx[j]), rows[i].avx);
        for (unsigned j = 0; j < sizeof(avx512) / sizeof(avx512[0]); j++)
            assert_int_equal(is_set(&view, avx512[j]), rows[i].avx512);
    }
}

/* Shows cpuid.signature, cpuid.version, cpuid.pages, cpuid.tsc, cpuid.nothing, cpuid.address-bits. */
static void test_xen(void **state)
{
    struct cpuid_view view = view_of(asm_cpuid);
    struct cpuid leaf = cpuid_filter(&view, XEN_CPUID_FIRST_LEAF, 0);

    (void)state;
    assert_int_equal(leaf.eax, 0x40000005);
    assert_memory_equal(&leaf.ebx, "XenVMMXenVMM", 12);
    assert_int_equal(cpuid_filter(&view, 0x40000001, 0).eax, 0x00040011);
    assert_int_equal(cpuid_filter(&view, 0x40000002, 0).eax, 1);
    leaf = cpuid_filter(&view, 0x40000003, 0);
    assert_int_equal(leaf.eax, 2);
    assert_int_equal(leaf.ebx, 2);
    assert_int_equal(leaf.ecx, 2345678);
    assert_int_equal(leaf.edx, 0);
    assert_int_equal(cpuid_filter(&view, 0x40000003, 1).ecx, 0);
    assert_int_equal(cpuid_filter(&view, 0x40000004, 0).eax, 0);
    assert_int_equal(cpuid_filter(&view, 0x40000005, 0).ebx, 46);
    assert_int_equal(cpuid_filter(&view, 0x80000008, 0).eax, 46 | 48 << 8);
    view.tsc_constant = false;
    assert_int_equal(cpuid_filter(&view, 0x40000003, 0).eax, 0);
    assert_false(is_set(&view, (struct bit){0x80000007, EDX, 8}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hidden),         cmocka_unit_test(test_shown),          cmocka_unit_test(test_real),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_dynamic),        cmocka_unit_test(test_width),
        cmocka_unit_test(test_extended_state), cmocka_unit_test(test_wide_registers), cmocka_unit_test(test_xen),
        cmocka_unit_test(test_sysenter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
