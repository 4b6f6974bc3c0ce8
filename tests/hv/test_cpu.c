/* SPDX-License-Identifier: MIT */
/*
 * What the processor offers and how it is set up, for processors that are made up: the bits are those of Intel SDM
 * volume 2 (CPUID) and volume 3, 2.5 (control registers), and of AMD APM volume 2, 3.1.7 (EFER), 6.1 (syscall).
 */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <tests/hv/lib/fake_cpu.h>

#define INTEL 0x756e6547u /* "Genu" */
#define AMD   0x68747541u /* "Auth" */

static struct {
    uint32_t vendor, last_leaf, last_extended;
    struct cpuid leaf7;
    uint32_t address_bits; /* eax of leaf 80000008 */
    struct cpuid version, xsave, extended, power;
} made;

/* A leaf that there is not says anything: Intel's processors repeat the last one. */
static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    assert_int_equal(subleaf, 0);
    switch (leaf) {
    case 0:
        return (struct cpuid){.eax = made.last_leaf, .ebx = made.vendor};
    case 1:
        return made.version;
    case 13:
        return made.xsave;
    case 0x80000001:
        return made.extended;
    case 0x80000007:
        return made.power;
    case 7:
        return made.last_leaf >= 7 ? made.leaf7 : (struct cpuid){~0u, ~0u, ~0u, ~0u};
    case 0x80000000:
        return (struct cpuid){.eax = made.last_extended};
    case 0x80000008:
        return (struct cpuid){.eax = made.last_extended >= leaf ? made.address_bits : ~0u};
    default:
        fail_msg("leaf %x", leaf);
        return (struct cpuid){0};
    }
}

#define asm_cpuid fake_cpuid
#include <hv/cpu/cpu.c>

#define SMEP     (1u << 7)
#define SMAP     (1u << 20)
#define FSGSBASE (1u << 0)

const uint8_t entry_short_stubs[32 * 64], entry_syscall32_stubs[32 * 64], entry_sysenter[1];
const uint8_t entry_traced_stubs[32 * 64];
static unsigned traced_gates, traced_trap_gates;

void cpu_tables_trace_traps(void)
{
    traced_trap_gates++;
}

void cpu_tables_trace_calls(void)
{
    traced_gates++;
}

static uint8_t masks[2]; /* of the interrupt controllers */
static unsigned tables, gates;
static struct cpu *tables_of;
static const struct cpu *online;

void cpu_tables_init(struct cpu *cpu)
{
    tables_of = cpu;
    tables++;
}

void cpu_set_online(struct cpu *cpu)
{
    online = cpu;
}

void cpu_tables_init_gates(void)
{
    gates++;
}

static void out(uint16_t port, uint8_t value)
{
    assert_true(port == 0x21 || port == 0xa1);
    masks[port == 0xa1] = value;
}

static void begin(void)
{
    fake_cpu_reset();
    fake_cpu.on_out = out;
    memset(masks, 0, sizeof(masks));
    memset(&made, 0, sizeof(made));
    memset(&cpu_features_found, 0, sizeof(cpu_features_found));
    tables = gates = 0;
    tables_of = NULL;
    made.vendor = AMD;
    made.last_leaf = 7;
    made.last_extended = 0x80000008;
    made.address_bits = 0x3028; /* 40 of machine addresses, 48 of virtual ones */
}

/*
 * ---- What it offers.
 */

static void test_features(void **state)
{
    static const struct {
        uint32_t ebx, ecx;
        bool smep, smap, fsgsbase, umip;
    } kinds[] = {
        {0, 0, false, false, false, false},
        {SMEP, 0, true, false, false, false},
        {SMAP, 0, false, true, false, false},
        {FSGSBASE, 0, false, false, true, false},
        {0, 1u << 2, false, false, false, true},
        {~0u, ~0u, true, true, true, true},
        {~(SMEP | SMAP | FSGSBASE), ~(1u << 2), false, false, false, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        begin();
        made.leaf7.ebx = kinds[i].ebx;
        made.leaf7.ecx = kinds[i].ecx;
        cpu_init();
        assert_int_equal(cpu_features()->smep, kinds[i].smep);
        assert_int_equal(cpu_features()->smap, kinds[i].smap);
        assert_int_equal(cpu_features()->fsgsbase, kinds[i].fsgsbase);
        assert_int_equal(cpu_features()->umip, kinds[i].umip);
        assert_int_equal(fake_cpu.cr[4] >> 20 & 1, kinds[i].smep);
        assert_int_equal(fake_cpu.cr[4] >> 21 & 1, kinds[i].smap);
        assert_int_equal(fake_cpu.cr[4] >> 11 & 1, kinds[i].umip);
        assert_int_equal(fake_cpu.cr[4] >> 16 & 1, 0); /* FSGSBASE comes with vCPUs */
    }
    begin();
    made.last_leaf = 6; /* no leaf 7 */
    cpu_init();
    assert_false(cpu_features()->smep || cpu_features()->smap || cpu_features()->fsgsbase || cpu_features()->umip);
}

/* 36 bits where it does not say, and never more than the 52 that entries have room for. */
static void test_address_bits(void **state)
{
    static const uint8_t bits[][2] = {{32, 36}, {36, 36}, {39, 39}, {52, 52}, {57, 52}};

    (void)state;
    for (unsigned i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
        begin();
        made.address_bits = 0x3900u | bits[i][0];
        cpu_init();
        assert_int_equal(cpu_features()->phys_bits, bits[i][1]);
    }
    begin();
    made.last_extended = 0x80000007;
    cpu_init();
    assert_int_equal(cpu_features()->phys_bits, 36);
}

/* XSA-273: Intel's processors, but those that say RDCL_NO in IA32_ARCH_CAPABILITIES; there may be no such MSR. */
static void test_l1tf(void **state)
{
    static const struct {
        uint32_t vendor, edx;
        uint64_t capabilities;
        bool l1tf;
    } kinds[] = {
        {AMD, 0, 0, false},
        {AMD, 1u << 29, 0, false},
        {INTEL, 0, ~UINT64_C(0), true},
        {INTEL, 1u << 29, ~UINT64_C(1), true},
        {INTEL, 1u << 29, 1, false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        begin();
        made.vendor = kinds[i].vendor;
        made.leaf7.edx = kinds[i].edx;
        *fake_cpu_msr(0x10a) = kinds[i].capabilities;
        cpu_init();
        assert_int_equal(cpu_features()->l1tf, kinds[i].l1tf);
    }
}

/*
 * ---- How it is set up.
 */

/* Paging, write protection and alignment checks on; no caches off, nothing emulated, no lazy FPU. */
static void test_control_registers(void **state)
{
    (void)state;
    begin();
    cpu_init();
    assert_int_equal(fake_cpu.cr[0], 1u << 31 | 1u << 18 | 1u << 16 | 1u << 5 | 1u << 4 | 1u << 1 | 1u << 0);
    assert_int_equal(fake_cpu.cr[4], 1u << 10 | 1u << 9 | 1u << 6 | 1u << 5); /* PAE, machine checks, SSE */
    assert_int_equal(*fake_cpu_msr(0xc0000080), 1u << 11 | 1u << 10 | 1u << 8 | 1u << 0);
    assert_int_equal(tables, 1);
    assert_false(fake_cpu.interrupts);
    assert_int_equal(masks[0], 0xff);
    assert_int_equal(masks[1], 0xff);
}

/* Global pages where there are such; no PCIDs, whatever the processor has. */
static void test_global_pages(void **state)
{
    (void)state;
    for (unsigned has = 0; has < 2; has++) {
        begin();
        made.version.edx = has << 13;
        made.version.ecx = 1u << 17;
        cpu_init();
        assert_int_equal(fake_cpu.cr[4], 1u << 10 | 1u << 9 | has << 7 | 1u << 6 | 1u << 5);
        cpu_guard_user_pages(false);
        assert_int_equal(fake_cpu.cr[4] >> 7 & 1, has);
    }
}

/* Off and on again, those of the two that are in use; a register that is right already is not written. */
static void test_guards(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint64_t on = (kind & 1 ? UINT64_C(1) << 20 : 0) | (kind & 2 ? UINT64_C(1) << 21 : 0);
        uint64_t others;

        begin();
        made.leaf7.ebx = (kind & 1 ? SMEP : 0) | (kind & 2 ? SMAP : 0);
        cpu_init();
        others = fake_cpu.cr[4] & ~on;
        cpu_guard_user_pages(false);
        assert_int_equal(fake_cpu.cr[4], others);
        cpu_guard_user_pages(true);
        assert_int_equal(fake_cpu.cr[4], others | on);
        cpu_disable_smap();
        cpu_guard_user_pages(false);
        cpu_guard_user_pages(true);
        assert_int_equal(fake_cpu.cr[4], others | (on & UINT64_C(1) << 20));
    }
}

/* WB, WT, UC-, UC, WC, WP: what PAT, PCD and PWT choose from in Xen's ABI.  Shows pte.memory-types. */
static void test_memory_types(void **state)
{
    static const uint8_t types[8] = {6, 4, 7, 0, 1, 5, 0, 0};

    (void)state;
    begin();
    cpu_init();
    assert_memory_equal(fake_cpu_msr(0x277), types, sizeof(types));
}

/* Calls arrive at the processor's own stubs, in the hypervisor's segment, with no flag of the guest's in force. */
static void test_entry_points(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 64; id += 63) {
        begin();
        cpu_boot.id = id;
        cpu_init();
        assert_int_equal(*fake_cpu_msr(0xc0000081) >> 32 & 0xffff, HV_CS);
        assert_int_equal(*fake_cpu_msr(0xc0000082), (uint64_t)entry_short_stubs + 32 * id);
        assert_int_equal(*fake_cpu_msr(0xc0000083), (uint64_t)entry_syscall32_stubs + 32 * id);
        assert_int_equal(*fake_cpu_msr(0xc0000084) & 0x47700, 0x47700); /* AC, NT, IOPL, DF, IF, TF */
        assert_int_equal(*fake_cpu_msr(0x174), HV_CS);
        assert_int_equal(*fake_cpu_msr(0x175), cpu_sysenter_stack(&cpu_boot));
        assert_int_equal(*fake_cpu_msr(0x176), (uint64_t)entry_sysenter);
    }
    cpu_boot.id = 0;
}

/* In a program of its own, as it were: what is traced once is traced for good. */
static void test_traced(void **state)
{
    (void)state;
    begin();
    cpu_boot.id = 3;
    cpu_init();
    assert_int_equal(traced_gates, 0);
    cpu_of_thread = &cpu_boot;
    cpu_trace_calls();
    assert_int_equal(traced_trap_gates, 0);
    cpu_trace_traps();
    assert_int_equal(traced_trap_gates, 1);
    cpu_of_thread = NULL;
    assert_int_equal(traced_gates, 1);
    assert_int_equal(*fake_cpu_msr(0xc0000082), (uint64_t)entry_traced_stubs + 32 * 3);
    assert_int_equal(*fake_cpu_msr(0xc0000083),
                     (uint64_t)entry_syscall32_stubs + 32 * 3); /* no calls of the kernel's */
}

/*
 * ---- Afterwards.
 */

/* Whichever way a guest comes in, it is that stack: by interrupt, by syscall, by sysenter. */
static void test_entry_stack(void **state)
{
    (void)state;
    cpu_boot.id = 5;
    cpu_set_entry_stack(0x1234567890);
    cpu_boot.id = 0;
    assert_int_equal(cpu_boot.tss.rsp[0], 0x1234567890);
    assert_int_equal(entry_cpus[5].stack, 0x1234567890);
    assert_int_equal(*(const uint64_t *)cpu_sysenter_stack(&cpu_boot), 0x1234567890);
    assert_int_equal(entry_cpus[0].stack, 0);
}

static bool init_other(void)
{
    static struct cpu other;
    bool good;

    memset(&other, 0, sizeof(other));
    other.id = 5;
    cpu_of_thread = &other;
    tables = gates = 0;
    good = cpu_init_other();
    cpu_of_thread = NULL;
    assert_int_equal(tables, good);
    assert_int_equal(gates, 0); /* they are everybody's, and in use */
    assert_true(!good || tables_of == &other);
    assert_true(!good || *fake_cpu_msr(0xc0000082) == (uint64_t)entry_short_stubs + 32 * 5);
    assert_true(!good || *fake_cpu_msr(0x175) == cpu_sysenter_stack(&other));
    assert_true(!good || other.debug_has_stack);
    return good;
}

/* Another processor is as the first, in all that anybody finds out; which it is, and how it is set up, may differ. */
static void test_other(void **state)
{
    uint32_t *const words[] = {
        &made.vendor,    &made.leaf7.ebx, &made.leaf7.ecx,    &made.leaf7.edx,    &made.version.ecx, &made.version.edx,
        &made.xsave.eax, &made.xsave.edx, &made.extended.ecx, &made.extended.edx, &made.power.edx,   &made.address_bits,
    };

    (void)state;
    begin();
    made.last_leaf = 13;
    cpu_init();
    cpu_boot.debug_has_stack = true;
    assert_int_equal(gates, 1);
    assert_ptr_equal(online, &cpu_boot);
    assert_int_equal(cpu_boot.maddr, image_maddr(&cpu_boot));
    assert_true(init_other());
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        *words[i] ^= 1u << 8;
        assert_false(init_other());
        *words[i] ^= 1u << 8;
    }
    made.version.ebx = made.version.eax = 7;
    made.version.ecx ^= 1u << 27;
    made.version.edx ^= 1u << 9;
    made.extended.edx ^= 1u << 9;
    made.leaf7.ecx ^= 1u << 4;
    assert_true(init_other());
    cpu_boot.debug_has_stack = false;
}

/* SMAP alone goes, and pages of guests are opened no more. */
static void test_disable_smap(void **state)
{
    uint64_t cr4;

    (void)state;
    begin();
    made.leaf7.ebx = SMEP | SMAP;
    cpu_init();
    cpu_user_access_begin();
    assert_true(fake_cpu.user_access);
    cpu_user_access_end();
    assert_false(fake_cpu.user_access);
    cr4 = fake_cpu.cr[4];
    cpu_disable_smap();
    assert_int_equal(fake_cpu.cr[4], cr4 & ~UINT64_C(0x200000));
    assert_false(cpu_features()->smap);
    cpu_user_access_begin();
    assert_false(fake_cpu.user_access);
}

/* Here, and on those that come later. */
static void test_disable_global(void **state)
{
    uint64_t cr4;

    (void)state;
    begin();
    made.version.edx |= 1u << 13;
    cpu_init();
    cr4 = fake_cpu.cr[4];
    assert_true(cpu_features()->pge && (cr4 & CR4_PGE));
    cpu_disable_global_pages();
    assert_false(cpu_features()->pge);
    assert_int_equal(fake_cpu.cr[4], cr4 & ~CR4_PGE);
    assert_true(cpu_init_other());
    assert_int_equal(fake_cpu.cr[4] & CR4_PGE, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),     cmocka_unit_test(test_address_bits),
        cmocka_unit_test(test_l1tf),         cmocka_unit_test(test_control_registers),
        cmocka_unit_test(test_guards),       cmocka_unit_test(test_global_pages),
        cmocka_unit_test(test_memory_types), cmocka_unit_test(test_entry_points),
        cmocka_unit_test(test_entry_stack),  cmocka_unit_test(test_other),
        cmocka_unit_test(test_disable_smap), cmocka_unit_test(test_disable_global),
        cmocka_unit_test(test_traced), /* last */
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
