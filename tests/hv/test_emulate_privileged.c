/* SPDX-License-Identifier: MIT */
/* Privileged instructions: who may use them, and what the guest finds afterwards. */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/cpu/entry.h>
#include <hv/emulate/emulate_privileged.h>
#include <tests/hv/lib/emulate_host.h>

/* Shows fpu_taskswitch.clts, hypercall.emulated. */
static void test_control(void **state)
{
    (void)state;
    PLACE("\x0f\x20\xd0"); /* mov rax, cr2 */
    info.arch.cr2 = 0x123456789abc;
    does(3);
    assert_int_equal(frame.rax, 0x123456789abc);
    PLACE("\x41\x0f\x22\xd1"); /* mov cr2, r9 */
    does(4);
    assert_int_equal(info.arch.cr2, POISON);
    PLACE("\x0f\x20\xdb"); /* mov rbx, cr3 */
    vcpu.engine.kernel_root = MFN(0x123456);
    does(3);
    assert_int_equal(frame.rbx, 0x123456000);
    PLACE("\x0f\x22\xdb"); /* mov cr3, rbx */
    frame.rbx = 0x654321fff;
    does(3);
    assert_int_equal(seen.root, 0x654321);
    frame.rip = BASE;
    seen.root_refused = true;
    does_not();
    PLACE("\x0f\x20\xe1"); /* mov rcx, cr4 */
    does(3);
    assert_int_equal(frame.rcx, 0x12345678);
    PLACE("\x0f\x22\xe1");
    does(3);
    assert_int_equal(seen.cr4, POISON);
    frame.rip = BASE;
    seen.cr4_refused = true;
    does_not();
    PLACE("\x0f\x06"); /* clts */
    seen.task_switched = true;
    does(2);
    assert_false(seen.task_switched);
    PLACE("\x44\x0f\x20\xc0"); /* mov rax, cr8 */
    does_not();
}

static void test_control_32(void **state)
{
    (void)state;
    PLACE("\x0f\x20\xdb"); /* mov ebx, cr3 */
    code_descriptor = FLAT_32;
    domain.engine.width = WIDTH_PAE;
    frame.cs = 0xe019;
    vcpu.engine.kernel_root = MFN(0x123456);
    does(3);
    assert_int_equal(frame.rbx, 0x23456001);
    memory[1] = 0x22;
    frame.rip = BASE;
    does(3);
    assert_int_equal(seen.root, 0x123456);
}

/* Shows debugreg.emulated. */
static void test_debug(void **state)
{
    (void)state;
    PLACE("\x0f\x23\xfa"); /* mov dr7, rdx */
    does(3);
    assert_int_equal(seen.debug[7], POISON);
    memory[1] = 0x21;
    memory[2] = 0xf8; /* mov rax, dr7 */
    frame.rip = BASE;
    does(3);
    assert_int_equal(frame.rax, POISON);
    PLACE("\x44\x0f\x23\xfa"); /* there is no dr15 */
    does_not();
}

static void test_user(void **state)
{
    static const char *const instructions[] = {"\x0f\x20\xd0", "\x0f\x22\xd0", "\x0f\x21\xf8", "\x0f\x23\xf8",
                                               "\x0f\x06",     "\x0f\x32",     "\x0f\x30",     "\x0f\xa2",
                                               "\x0f\x31",     "\x0f\x09",     "\x0f\x01\xd1"};

    (void)state;
    for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        place(instructions[i], strlen(instructions[i]));
        set_iopl(3, true, true);
        frame.rcx = 0xc0000100;
        does_not();
    }
}

static void test_others(void **state)
{
    (void)state;
    PLACE("\x0f\xa2");
    frame.rax = UINT64_C(0x500000007);
    frame.rcx = UINT64_C(0x500000003);
    does(2);
    assert_true(frame.rax == 8 && frame.rbx == 0xb0b0b0b0 && frame.rcx == 4 && frame.rdx == 0xd0d0d0d0);
    PLACE("\x0f\x31");
    does(2);
    assert_true(frame.rax >> 32 == 0 && frame.rdx >> 32 == 0 && (frame.rax | frame.rdx));
    PLACE("\x0f\x09");
    does(2);
    PLACE("\x0f\x01\xd1");
    frame.rcx = UINT64_C(1) << 32; /* ecx is 0 */
    frame.rax = 7;
    frame.rdx = 5;
    does(3);
    assert_int_equal(seen.xcr0, UINT64_C(0x500000007));
    frame.rip = BASE;
    frame.rax = 6;
    does_not();
    frame.rax = 7;
    frame.rcx = 1;
    does_not();
    PLACE("\xf4"); /* hlt */
    does_not();
    PLACE("\x0f\x08"); /* invd */
    does_not();
    PLACE("\x0f\x01\xf0"); /* lmsw */
    does_not();
    PLACE("\xf0\x0f\xa2"); /* lock */
    does_not();
}

static void test_unreadable(void **state)
{
    (void)state;
    PLACE("");
    memcpy(memory + PAGE - 2, "\x0f\x22\xdb", 3);
    frame.rip = BASE + PAGE - 2;
    readable[1] = false;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE && seen.error == PAGE_FAULT_FETCH);
    assert_int_equal(frame.rip, BASE + PAGE - 2);
    /* One that ends in front of that page does not need it. */
    PLACE("");
    memcpy(memory + PAGE - 2, "\x0f\x06", 2);
    frame.rip = BASE + PAGE - 2;
    readable[1] = false;
    does(PAGE);
    /* Nor does one that is known to be none of these. */
    PLACE("");
    memory[PAGE - 1] = 0xf4;
    frame.rip = BASE + PAGE - 1;
    readable[1] = false;
    does_not();
}

/* rdmsr and wrmsr as 64-bit kernels write them go a way of their own; any other form, and any other code, does not. */
static void test_msr_ways(void **state)
{
    static const char *const reads[] = {"\x0f\x32", "\x48\x0f\x32", "\x2e\x0f\x32"};

    (void)state;
    for (unsigned i = 0; i < 2 * sizeof(reads) / sizeof(reads[0]); i++) {
        no_code_words = i % 2;
        place(reads[i / 2], strlen(reads[i / 2]));
        frame.rcx = UINT64_C(0x5c0000102); /* ecx alone counts */
        frame.rflags |= RFLAGS_RF;
        seen.gs_base_inactive = 0x123456789abc;
        does((unsigned)strlen(reads[i / 2]));
        assert_true(frame.rax == 0x56789abc && frame.rdx == 0x1234 && !(frame.rflags & RFLAGS_RF));
    }
    no_code_words = false;
    PLACE("\x0f\x30");
    frame.rcx = 0xc0000100;
    frame.rax = UINT64_C(0x77789abcdef);
    frame.rdx = UINT64_C(0x700001234);
    does(2);
    assert_int_equal(seen.fs_base, 0x123489abcdef);
    frame.rip = BASE;
    frame.rcx = 0xdead;
    does_not();
    memory[1] = 0x32;
    vcpu.engine.traps[VECTOR_PROTECTION].address = 1;
    does_not();
    vcpu.engine.traps[VECTOR_PROTECTION].address = 0;
    /* The end of the page: the second byte cannot be read. */
    PLACE("");
    memory[PAGE - 1] = 0x0f;
    frame.rip = BASE + PAGE - 1;
    readable[1] = false;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE);
    /* What lies at rip is not what runs if the segment begins elsewhere: here clts. */
    PLACE("\x0f\x32\x0f\x06");
    code_descriptor = FLAT_32 | 2 << 16;
    frame.cs = 0xe019;
    frame.rcx = 0xc0000102;
    seen.task_switched = true;
    does(2);
    assert_true(frame.rax == POISON && !seen.task_switched);
}

static void test_step(void **state)
{
    static const char *const instructions[] = {"\x0f\x06", "\x0f\x32", "\x0f\x30"};

    (void)state;
    for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        place(instructions[i], 2);
        frame.rcx = 0xc0000102;
        frame.rdx = 0;
        frame.rflags |= RFLAGS_TF;
        assert_int_equal(privileged(), EMULATE_DONE);
        assert_int_equal(frame.rip, BASE + 2);
        assert_true(seen.exceptions == 1 && seen.vector == VECTOR_DEBUG);
        assert_int_equal(vcpu.state.debug[6], 0x4000);
    }
}

/* Shows cpuid.prefix, cpuid.prefix-alone. */
static void test_forced(void **state)
{
    (void)state;
    PLACE("\x0f\x0b\x78\x65\x6e\x0f\xa2");
    vcpu.engine.user_mode = true;
    frame.rax = 1;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_true(frame.rip == BASE + 7 && frame.rax == 2);
    PLACE("\x0f\x0b\x78\x65\x6e\x0f\x31");
    assert_int_equal(emulate_forced(&vcpu), EMULATE_UNKNOWN);
    assert_int_equal(frame.rip, BASE);
    for (unsigned i = 0; i < 7; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            PLACE("\x0f\x0b\x78\x65\x6e\x0f\xa2");
            memory[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(emulate_forced(&vcpu), EMULATE_UNKNOWN);
        }
    }
    PLACE("");
    memcpy(memory + PAGE - 7, "\x0f\x0b\x78\x65\x6e\x0f\xa2", 7); /* the page ends with it */
    frame.rip = BASE + PAGE - 7;
    readable[1] = false;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_int_equal(frame.rip, BASE + PAGE);
    PLACE("");
    memcpy(memory + PAGE - 5, "\x0f\x0b\x78\x65\x6e\x0f\xa2", 7);
    frame.rip = BASE + PAGE - 5;
    readable[1] = false;
    assert_int_equal(emulate_forced(&vcpu), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + PAGE && seen.error == PAGE_FAULT_FETCH);
    assert_int_equal(frame.rip, BASE + PAGE - 5);
}

static void test_interrupt(void **state)
{
    unsigned vector = 0;

    (void)state;
    PLACE("\xcd\xfe");
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_DONE);
    assert_int_equal(vector, 0xfe);
    assert_int_equal(frame.rip, BASE);
    PLACE("\xcc\xfe");
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_UNKNOWN);
    PLACE("");
    memory[PAGE - 1] = 0xcd;
    frame.rip = BASE + PAGE - 1;
    readable[1] = false;
    assert_int_equal(emulate_software_interrupt(&vcpu, &vector), EMULATE_UNKNOWN);
    assert_int_equal(seen.page_faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_control),   cmocka_unit_test(test_control_32), cmocka_unit_test(test_debug),
        cmocka_unit_test(test_user),      cmocka_unit_test(test_others),     cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_msr_ways),  cmocka_unit_test(test_step),       cmocka_unit_test(test_forced),
        cmocka_unit_test(test_interrupt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
