/* SPDX-License-Identifier: MIT */
/* CPUID for the guest of a vCPU: what the filter, which has a test of its own, is told of vCPU and processor. */
/* links: hv/emulate/cpuid.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/cpuid.h>
#include <hv/time/time.h>

static struct hv_domain domain;
static struct hv_vcpu vcpu = {.engine = {.domain = &domain.engine, .id = 5}};
static const struct cpu_features features = {.phys_bits = 43};
static struct cpuid_view seen;

const struct cpu_features *cpu_features(void)
{
    return &features;
}

uint64_t state_xcr0_offered(void)
{
    return 0xe7;
}

uint64_t time_tsc_khz(void)
{
    return 2345678;
}

bool time_is_constant(void)
{
    return true;
}

struct cpuid cpuid_filter(const struct cpuid_view *view, uint32_t leaf, uint32_t subleaf)
{
    seen = *view;
    return (struct cpuid){leaf, subleaf, 0xc, 0xd};
}

static void test_view(void **state)
{
    struct cpuid answer;

    (void)state;
    domain.engine.width = WIDTH_64;
    vcpu.state.xcr0 = 7;
    answer = cpuid_guest(&vcpu, 0x40000001, 0x22);
    assert_int_equal(answer.eax, 0x40000001);
    assert_int_equal(answer.ebx, 0x22);
    assert_int_equal(answer.ecx, 0xc);
    assert_int_equal(answer.edx, 0xd);
    assert_true(seen.wide);
    assert_int_equal(seen.vcpu, 5);
    assert_int_equal(seen.phys_bits, 43);
    assert_int_equal(seen.offered, 0xe7);
    assert_int_equal(seen.xcr0, 7);
    assert_int_equal(seen.tsc_khz, 2345678);
    assert_true(seen.tsc_constant);
    domain.engine.width = WIDTH_PAE;
    vcpu.state.xcr0 = 1;
    (void)cpuid_guest(&vcpu, 0, 0);
    assert_false(seen.wide);
    assert_int_equal(seen.xcr0, 1);
}

/* The leaves are this processor's own, with their subleaves. */
static void test_processor(void **state)
{
    (void)state;
    (void)cpuid_guest(&vcpu, 0, 0);
    for (uint32_t subleaf = 0; subleaf < 2; subleaf++) {
        const uint32_t leaves[] = {0, 7, 0x80000002};

        for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
            struct cpuid ours = seen.read(leaves[i], subleaf);
            uint32_t eax = leaves[i], ebx, ecx = subleaf, edx;

            __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
            assert_int_equal(ours.eax, eax);
            assert_int_equal(ours.ebx, ebx);
            assert_int_equal(ours.ecx, ecx);
            assert_int_equal(ours.edx, edx);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
