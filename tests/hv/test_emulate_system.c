/* SPDX-License-Identifier: MIT */
/*
 * What CR4.UMIP keeps from ring 3: a guest's kernel gets what the processor holds, its user mode nothing.  This program
 * is in ring 3 itself, so that it compares with what its own processor says.
 */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/base/asm.h>
#include <hv/emulate/emulate_privileged.h>
#include <tests/hv/lib/emulate_host.h>
#include <tests/hv/lib/fake_cpu.h>

#define AT (BASE + PAGE)

/* What lies at AT: ten bytes that the instruction has written, and one that it has not. */
static void expect_pointer(struct table_pointer wanted)
{
    uint16_t limit;
    uint64_t base;

    memcpy(&limit, memory + PAGE, sizeof(limit));
    memcpy(&base, memory + PAGE + sizeof(limit), sizeof(base));
    assert_int_equal(limit, wanted.limit);
    assert_true(base == wanted.base);
    assert_int_equal(memory[PAGE + 10], 0x90);
}

static void test_tables(void **state)
{
    (void)state;
    PLACE("\x0f\x01\x07"); /* sgdt [rdi] */
    frame.rdi = AT;
    does(3);
    expect_pointer(asm_store_gdt());
    PLACE("\x0f\x01\x0f"); /* sidt [rdi] */
    frame.rdi = AT;
    does(3);
    expect_pointer(asm_store_idt());
}

static void test_faults(void **state)
{
    (void)state;
    PLACE("\x0f\x01\x07");
    frame.rdi = AT;
    writable[1] = false;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == AT);
    assert_int_equal(seen.error, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
    assert_int_equal(frame.rip, BASE);
    assert_int_equal(memory[PAGE], 0x90);
}

static void test_values(void **state)
{
    (void)state;
    PLACE("\x0f\x00\xc3"); /* sldt ebx */
    does(3);
    assert_int_equal(frame.rbx, asm_store_ldt());
    PLACE("\x66\x0f\x00\xcb"); /* str bx */
    does(4);
    assert_int_equal(frame.rbx, (POISON & ~UINT64_C(0xffff)) | asm_store_task());
}

#define CR0 UINT64_C(0x80050033)

/* The machine status word, whose TS bit is the guest's own. */
static void test_status(void **state)
{
    (void)state;
    fake_cpu_reset();
    fake_cpu.cr[0] = CR0;
    PLACE("\x0f\x01\x23"); /* smsw [rbx]: two bytes */
    frame.rbx = AT;
    does(3);
    assert_memory_equal(memory + PAGE, "\x33\x00\x90", 3);
    PLACE("\x0f\x01\xe3"); /* smsw ebx */
    vcpu.state.task_switched = true;
    does(3);
    assert_int_equal(frame.rbx, CR0 | 8);
}

static void test_user(void **state)
{
    static const char *const instructions[] = {"\x0f\x01\x07", "\x0f\x01\x0f", "\x0f\x00\xc3", "\x0f\x00\xcb",
                                               "\x0f\x01\xe3"};

    (void)state;
    for (unsigned i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++) {
        place(instructions[i], 3);
        frame.rdi = AT;
        vcpu.engine.user_mode = true;
        does_not();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables), cmocka_unit_test(test_faults), cmocka_unit_test(test_values),
        cmocka_unit_test(test_status), cmocka_unit_test(test_user),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
