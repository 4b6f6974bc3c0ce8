/* SPDX-License-Identifier: MIT */
/* Model-specific registers: what a guest reads and may write. */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/cpu/entry.h>
#include <hv/emulate/emulate_privileged.h>
#include <tests/hv/lib/emulate_host.h>

static bool reads(uint32_t msr, uint64_t *value)
{
    PLACE("\x0f\x32");
    vcpu.engine.traps[VECTOR_PROTECTION].address = 1;
    vcpu.engine.id = 1;
    frame.rcx = msr | UINT64_C(1) << 40;
    if (privileged() != EMULATE_DONE)
        return false;
    *value = frame.rdx << 32 | frame.rax;
    return true;
}

static bool writes(uint32_t msr, uint64_t value)
{
    PLACE("\x0f\x30");
    vcpu.engine.id = 1;
    frame.rcx = msr;
    frame.rax = value & 0xffffffff;
    frame.rdx = value >> 32;
    return privileged() == EMULATE_DONE;
}

static void test_msr_values(void **state)
{
    uint64_t value = 1;

    (void)state;
    assert_true(reads(0x277, &value) && value == UINT64_C(0x0000050100070406));
    assert_true(writes(0x277, value) && !writes(0x277, value + 1));
    assert_true(reads(0x1b, &value) && value == 0xfee00800);
    assert_true(reads(MSR_EFER, &value) && value == UINT64_C(0xaaaabbbbccccdddd));
    assert_true(writes(MSR_EFER, value) && !writes(MSR_EFER, value ^ 1));
    assert_true(reads(0xc0010015, &value) && value == 0);
    assert_true(writes(0xc0010015, 5));
    assert_true(reads(0x140, &value) && value == 0);
    assert_true(writes(0x140, 0) && !writes(0x140, 1));
    assert_false(reads(0x1a0, &value) || writes(0x1a0, 0)); /* this processor has none */
    PLACE("\x0f\x32");
    frame.rcx = 0x1b; /* of the first vCPU */
    does(2);
    assert_int_equal(frame.rax, 0xfee00900);
}

static void test_msr_bases(void **state)
{
    static const uint32_t list[] = {0xc0000100, 0xc0000101, 0xc0000102};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(writes(list[i], UINT64_C(0xffff900000000000) + i));
        assert_int_equal(i == 0   ? seen.fs_base
                         : i == 1 ? seen.gs_base
                                  : seen.gs_base_inactive,
                         UINT64_C(0xffff900000000000) + i);
        assert_true(writes(list[i], UINT64_C(0x00007fffffffffff)));
        assert_false(writes(list[i], UINT64_C(0x0000800000000000)));
        assert_false(writes(list[i], UINT64_C(0xffff7fffffffffff)));
        assert_int_equal(seen.fs_base | seen.gs_base | seen.gs_base_inactive, 0);
    }
    PLACE("\x0f\x30");
    code_descriptor = FLAT_32;
    domain.engine.width = WIDTH_PAE;
    frame.cs = 0xe019;
    frame.rcx = 0xc0000100;
    does_not();
}

/* No number makes the hypervisor do anything but answer, and none but the bases can be set. */
static void test_msr_sweep(void **state)
{
    static const uint32_t starts[] = {0, 0x40000000, 0xc0000000, 0xc0010000, 0xfffff000};
    uint64_t value;

    (void)state;
    for (unsigned i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (uint32_t n = 0; n < 0x1000; n++) {
            uint32_t msr = starts[i] + n;

            if (msr >= 0x800 && msr < 0x900)
                assert_false(reads(msr, &value) || writes(msr, 0));
            if (msr >= 0x40000000 && msr < 0x50000000)
                assert_false(reads(msr, &value) || writes(msr, 0));
        }
    }
    /* Without a handler for #GP: what the processor has reads as 0. */
    PLACE("\x0f\x32");
    frame.rcx = 0x123;
    does(2);
    assert_int_equal(frame.rax | frame.rdx, 0);
    frame.rip = BASE;
    frame.rcx = 0x124;
    does_not();
    assert_false(reads(0x123, &value) || writes(0x123, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_msr_values),
        cmocka_unit_test(test_msr_bases),
        cmocka_unit_test(test_msr_sweep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
