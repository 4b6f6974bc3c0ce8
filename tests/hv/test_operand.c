/* SPDX-License-Identifier: MIT */
/* Operands: registers by number and width, where memory operands lie, steps of string instructions. */
/* links: hv/emulate/operand.c hv/emulate/alu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/trap.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/operand.h>

#define VALUE UINT64_C(0xfedcba9876543210)

static struct cpu_frame frame;

/* In the order of their numbers: Intel SDM volume 2, table 2-2. */
static uint64_t *const registers[16] = {
    &frame.rax, &frame.rcx, &frame.rdx, &frame.rbx, &frame.rsp, &frame.rbp, &frame.rsi, &frame.rdi,
    &frame.r8,  &frame.r9,  &frame.r10, &frame.r11, &frame.r12, &frame.r13, &frame.r14, &frame.r15,
};

static int set_up(void **state)
{
    (void)state;
    memset(&frame, 0xee, sizeof(frame));
    frame.rflags = 0x202;
    return 0;
}

static void test_get_register(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 16; i++)
        *registers[i] = VALUE + i;
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(operand_get_register(&frame, i, 1), 0x10 + i);
        assert_int_equal(operand_get_register(&frame, i, 2), 0x3210 + i);
        assert_int_equal(operand_get_register(&frame, i, 4), 0x76543210 + i);
        assert_int_equal(operand_get_register(&frame, i, 8), VALUE + i);
    }
}

/* 4 bytes clear the upper half, less than that leaves the rest: Intel SDM volume 1, 3.4.1.1.  Nothing else changes. */
static void test_set_register(void **state)
{
    static const struct {
        unsigned bytes;
        uint64_t after;
    } rows[] = {
        {1, UINT64_C(0xeeeeeeeeeeeeee10)},
        {2, UINT64_C(0xeeeeeeeeeeee3210)},
        {4, UINT64_C(0x0000000076543210)},
        {8, VALUE},
    };

    for (unsigned i = 0; i < 16; i++) {
        for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
            struct cpu_frame before;

            (void)set_up(state);
            before = frame;
            operand_set_register(&frame, i, rows[row].bytes, VALUE);
            assert_int_equal(*registers[i], rows[row].after);
            *registers[i] = UINT64_C(0xeeeeeeeeeeeeeeee);
            assert_memory_equal(&frame, &before, sizeof(frame));
        }
    }
}

static void test_other_operand(void **state)
{
    struct instruction instruction = {.operation = OPERATION_MOV, .bytes = 4, .number = 11, .immediate = VALUE};

    (void)state;
    frame.r11 = UINT64_C(0x1122334455667788);
    frame.rbx = UINT64_C(0x1122334455667788);
    instruction.kind = OPERAND_NONE;
    assert_int_equal(operand_get(&frame, &instruction), 0);
    instruction.kind = OPERAND_IMMEDIATE;
    assert_int_equal(operand_get(&frame, &instruction), 0x76543210);
    instruction.kind = OPERAND_REGISTER;
    assert_int_equal(operand_get(&frame, &instruction), 0x55667788);
    instruction.kind = OPERAND_HIGH_BYTE;
    instruction.bytes = 1;
    instruction.number = OPERAND_RBX;
    assert_int_equal(operand_get(&frame, &instruction), 0x77); /* bh */
}

static void test_set_other_operand(void **state)
{
    struct instruction instruction = {.operation = OPERATION_XCHG, .bytes = 1, .number = OPERAND_RDX};
    struct cpu_frame before;

    (void)state;
    frame.rdx = UINT64_C(0x1122334455667788);
    instruction.kind = OPERAND_HIGH_BYTE;
    operand_set(&frame, &instruction, 0xabcd); /* dh */
    assert_int_equal(frame.rdx, UINT64_C(0x112233445566cd88));
    instruction.kind = OPERAND_REGISTER;
    operand_set(&frame, &instruction, 0xabcd); /* dl */
    assert_int_equal(frame.rdx, UINT64_C(0x112233445566cdcd));
    instruction.bytes = 4;
    operand_set(&frame, &instruction, VALUE);
    assert_int_equal(frame.rdx, 0x76543210);
    before = frame;
    instruction.kind = OPERAND_IMMEDIATE;
    operand_set(&frame, &instruction, 1);
    instruction.kind = OPERAND_NONE;
    operand_set(&frame, &instruction, 1);
    assert_memory_equal(&frame, &before, sizeof(frame));
}

/* Base, index, displacement, in as many bits as addresses have. */
static void test_offset(void **state)
{
    struct instruction instruction = {
        .operation = OPERATION_MOV,
        .length = 7,
        .bytes = 4,
        .address_bytes = 8,
        .address = {.base = REGISTER_NONE, .index = REGISTER_NONE, .displacement = UINT64_C(0xffffffffffffff80)},
    };

    (void)state;
    frame.rbp = 0x12340;
    frame.r12 = UINT64_C(0xffffffff00000011);
    frame.rip = UINT64_C(0xffffffff81000000);
    assert_int_equal(operand_offset(&frame, &instruction), UINT64_C(0xffffffffffffff80));
    instruction.address.base = OPERAND_RBP;
    assert_int_equal(operand_offset(&frame, &instruction), 0x122c0);
    instruction.address.index = 12;
    instruction.address.shift = 3;
    assert_int_equal(operand_offset(&frame, &instruction), UINT64_C(0xfffffff800012348));
    instruction.address_bytes = 4;
    assert_int_equal(operand_offset(&frame, &instruction), 0x12348);
    instruction.address_bytes = 2;
    assert_int_equal(operand_offset(&frame, &instruction), 0x2348);
    instruction.address_bytes = 8;
    instruction.address.base = REGISTER_NONE;
    instruction.address.shift = 0;
    assert_int_equal(operand_offset(&frame, &instruction), UINT64_C(0xfffffffeffffff91));
    instruction.address.index = REGISTER_NONE;
    instruction.address.from_rip = true; /* from the end of the instruction */
    assert_int_equal(operand_offset(&frame, &instruction), UINT64_C(0xffffffff80ffff87));
}

/* What it writes is at rdi; of outs what it reads is at rsi. */
static void test_offset_of_strings(void **state)
{
    static const enum operation operations[] = {OPERATION_MOVS, OPERATION_STOS, OPERATION_INS, OPERATION_OUTS};
    struct instruction instruction = {.bytes = 4, .address_bytes = 8};

    (void)state;
    frame.rsi = UINT64_C(0x1111111122223333);
    frame.rdi = UINT64_C(0x4444444455556666);
    for (unsigned i = 0; i < ARRAY_SIZE(operations); i++) {
        bool reads = operations[i] == OPERATION_OUTS;

        instruction.operation = operations[i];
        instruction.address_bytes = 8;
        assert_int_equal(operand_offset(&frame, &instruction), reads ? frame.rsi : frame.rdi);
        instruction.address_bytes = 4;
        assert_int_equal(operand_offset(&frame, &instruction), reads ? 0x22223333 : 0x55556666);
        instruction.address_bytes = 2;
        assert_int_equal(operand_offset(&frame, &instruction), reads ? 0x3333 : 0x6666);
    }
}

/* Bit n of a string of bits is in operand n div its bits, rounded down: Intel SDM volume 2, bts, and 3.1.1.9. */
static const struct {
    unsigned bytes;
    uint64_t number;
    int64_t further;
} bits[] = {
    {2, 0, 0},
    {2, 15, 0},
    {2, 16, 2},
    {2, 0x7fff, 0xffe},
    {2, 0xffff, -2},
    {2, 0xfff0, -2},
    {2, 0xffef, -4},
    {2, 0x8000, -4096},
    {2, 0x12340011, 2},
    {4, 31, 0},
    {4, 32, 4},
    {4, 0x7fffffff, 0xffffffc},
    {4, 0xffffffff, -4},
    {4, 0xffffffe0, -4},
    {4, 0xffffffdf, -8},
    {4, 0x80000000, -0x10000000},
    {8, 63, 0},
    {8, 64, 8},
    {8, UINT64_MAX, -8},
    {8, UINT64_MAX - 64, -16},
    {8, INT64_MAX, (INT64_C(1) << 60) - 8},
    {8, UINT64_C(1) << 63, -(INT64_C(1) << 60)},
};

static void test_offset_of_bits(void **state)
{
    struct instruction instruction = {
        .address_bytes = 8,
        .address = {.base = OPERAND_RBX, .index = REGISTER_NONE},
        .kind = OPERAND_REGISTER,
        .number = OPERAND_RCX,
    };

    (void)state;
    frame.rbx = UINT64_C(0x2000000000000000);
    for (enum operation operation = OPERATION_BTS; operation <= OPERATION_BTC; operation++) {
        for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
            instruction.operation = operation;
            instruction.bytes = bits[i].bytes;
            frame.rcx = bits[i].number;
            assert_int_equal(operand_offset(&frame, &instruction), frame.rbx + (uint64_t)bits[i].further);
        }
    }
    instruction.operation = OPERATION_BTS; /* the number in the instruction, which stays within the operand */
    instruction.kind = OPERAND_IMMEDIATE;
    instruction.immediate = 255;
    assert_int_equal(operand_offset(&frame, &instruction), frame.rbx);
    instruction.operation = OPERATION_ADD;
    instruction.kind = OPERAND_REGISTER;
    assert_int_equal(operand_offset(&frame, &instruction), frame.rbx);
}

/* One element on, or back with DF; the register is as wide as addresses are, and clears like any other. */
static void test_step(void **state)
{
    static const struct {
        unsigned bytes, address_bytes;
        uint64_t before, up, down;
    } rows[] = {
        {1, 8, 0x1000, 0x1001, 0xfff},
        {8, 8, 0x1000, 0x1008, 0xff8},
        {4, 8, 0xffffffff, 0x100000003, 0xfffffffb},
        {4, 8, 0, 4, UINT64_C(0xfffffffffffffffc)},
        {4, 4, UINT64_C(0x11111111fffffffe), 2, 0xfffffffa},
        {2, 4, UINT64_C(0x1111111100000000), 2, 0xfffffffe},
        {2, 2, 0x1111ffff, 0x11110001, 0x1111fffd},
    };
    struct instruction instruction = {.operation = OPERATION_MOVS};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        instruction.bytes = rows[i].bytes;
        instruction.address_bytes = rows[i].address_bytes;
        frame.rsi = frame.rdi = rows[i].before;
        frame.rflags = 0x202;
        operand_step(&frame, &instruction, OPERAND_RSI);
        assert_int_equal(frame.rsi, rows[i].up);
        assert_int_equal(frame.rdi, rows[i].before);
        frame.rflags = 0x602;
        operand_step(&frame, &instruction, OPERAND_RDI);
        assert_int_equal(frame.rdi, rows[i].down);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_get_register, set_up),   cmocka_unit_test_setup(test_set_register, set_up),
        cmocka_unit_test_setup(test_other_operand, set_up),  cmocka_unit_test_setup(test_set_other_operand, set_up),
        cmocka_unit_test_setup(test_offset, set_up),         cmocka_unit_test_setup(test_offset_of_strings, set_up),
        cmocka_unit_test_setup(test_offset_of_bits, set_up), cmocka_unit_test_setup(test_step, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
