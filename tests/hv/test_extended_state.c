/* SPDX-License-Identifier: MIT */
/*
 * The extended state that a guest brings along, and the parts of it that it enables: nothing is accepted that the
 * processor would refuse to load later, when it is the hypervisor's fault.
 */
/* links: hv/domain/state.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>
#include <tests/hv/lib/fake_cpu.h>

#define LEGACY_SIZE 512u /* Intel SDM volume 1, table 10-2 */
#define MXCSR_AT    24u
#define USED        416u
#define AREA_SIZE   16384u /* more than any processor's area */

/*
 * ---- The rest of the hypervisor.
 */

struct cpu cpu_boot;

static uint8_t area[AREA_SIZE] __attribute__((aligned(64)));

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}

void *allocate(size_t size)
{
    assert_in_range(size, LEGACY_SIZE, sizeof(area));
    memset(area, 0, sizeof(area));
    return area;
}

void release(void *object, size_t size)
{
    (void)size;
    assert_ptr_equal(object, area);
}

const struct cpu_features *cpu_features(void)
{
    static const struct cpu_features features;

    return &features;
}

bool entry_load_ds(uint16_t selector)
{
    return selector == 0;
}

bool entry_load_es(uint16_t selector)
{
    return selector == 0;
}

bool entry_load_fs(uint16_t selector)
{
    return selector == 0;
}

bool entry_load_gs(uint16_t selector)
{
    return selector == 0;
}

/*
 * ---- The tests.
 */

static struct hv_vcpu vcpu;

static void begin(void)
{
    fake_cpu_reset();
    state_init();
    memset(&vcpu, 0, sizeof(vcpu));
    assert_int_equal(state_create(&vcpu), 0);
}

/* Bits of MXCSR that the processor does not know make it refuse the whole state: Intel SDM volume 1, 10.2.3. */
static void test_mxcsr(void **state)
{
    uint8_t image[LEGACY_SIZE];

    (void)state;
    begin();
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t mxcsr = UINT32_C(1) << bit;
        uint8_t before[LEGACY_SIZE];

        memset(image, (int)bit + 1, sizeof(image));
        memcpy(image + MXCSR_AT, &mxcsr, sizeof(mxcsr));
        memcpy(before, area, sizeof(before));
        assert_int_equal(state_set_extended(&vcpu, image), bit < 16);
        assert_memory_equal(area, bit < 16 ? image : before, USED);
    }
    state_destroy(&vcpu);
}

/* Of the guest's image only what the processor reads is taken: not what stands behind it, which says what is there. */
static void test_header_is_ours(void **state)
{
    uint8_t image[LEGACY_SIZE], before[AREA_SIZE];

    (void)state;
    begin();
    memcpy(before, area, sizeof(before));
    memset(image, 0xff, sizeof(image));
    memset(image + MXCSR_AT, 0, 4);
    assert_true(state_set_extended(&vcpu, image));
    assert_memory_equal(area + USED, before + USED, sizeof(before) - USED);
    state_destroy(&vcpu);
}

/* Each combination of the lowest ten parts: x87 always, AVX on top of SSE, AVX-512 as a whole on top of AVX. */
static void test_parts(void **state)
{
    uint64_t offered;

    (void)state;
    begin();
    offered = state_xcr0_offered();
    for (uint64_t parts = 0; parts < 1024 && offered; parts++) {
        bool good = (parts & 1) && !(parts & ~offered) && (!(parts & 4) || (parts & 2)) &&
                    (!(parts & 0xe0) || ((parts & 0xe0) == 0xe0 && (parts & 4)));
        uint64_t before = vcpu.state.xcr0;

        assert_int_equal(state_set_xcr0(&vcpu, parts), good ? 0 : -XEN_EINVAL);
        assert_int_equal(vcpu.state.xcr0, good ? parts : before);
        assert_true(!good || fake_cpu.xcr0 == parts);
    }
    for (unsigned bit = 10; bit < 64; bit++)
        assert_int_equal(state_set_xcr0(&vcpu, UINT64_C(1) << bit | 1), -XEN_EINVAL);
    state_destroy(&vcpu);
}

/*
 * Of the instruction and the operand that x87 was last at a 64-bit guest keeps the addresses, a 32-bit one selectors
 * and offsets, where the processor still has selectors: CPUID 7.0 EBX, bit 13.  A pending exception makes AMD's keep
 * them.
 */
#define PLACE_AT   8u
#define OPERAND_AT 16u

static void keep(enum width width, uint64_t place, uint64_t operand)
{
    static struct domain domain;
    const uint16_t words[] = {0x037e, 0x8081}; /* FCW, FSW: an invalid operation, which is not masked */
    const uint32_t mxcsr = 0x1f80;
    uint8_t image[LEGACY_SIZE] = {0};

    begin();
    domain.width = width;
    vcpu.engine.domain = &domain;
    memcpy(image, words, sizeof(words));
    memcpy(image + PLACE_AT, &place, sizeof(place));
    memcpy(image + OPERAND_AT, &operand, sizeof(operand));
    memcpy(image + MXCSR_AT, &mxcsr, sizeof(mxcsr));
    assert_true(state_set_extended(&vcpu, image));
    state_load(&vcpu);
    state_save(&vcpu);
    __asm__ volatile("fninit");
}

static void is_at(size_t at, uint64_t wanted)
{
    uint64_t seen;

    memcpy(&seen, area + at, sizeof(seen));
    assert_int_equal(seen, wanted);
}

static void test_last_instruction(void **state)
{
    const uint64_t place = UINT64_C(0x00007abc12345678), operand = UINT64_C(0x00007def9abcdef0);
    bool selectors = !(asm_cpuid(7, 0).ebx >> 13 & 1);

    (void)state;
    keep(WIDTH_64, place, operand);
    is_at(PLACE_AT, place);
    is_at(OPERAND_AT, operand);
    state_destroy(&vcpu);
    keep(WIDTH_PAE, place, operand);
    is_at(PLACE_AT, selectors ? place : (uint32_t)place);
    is_at(OPERAND_AT, selectors ? operand : (uint32_t)operand);
    state_destroy(&vcpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mxcsr),
        cmocka_unit_test(test_header_is_ours),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_last_instruction),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
