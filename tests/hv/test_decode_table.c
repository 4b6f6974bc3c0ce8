/* SPDX-License-Identifier: MIT */
/*
 * The opcodes that the decoder knows, each by itself, without prefixes and in 64-bit code: the table against another
 * decoder, Capstone, and the rules of single instructions against lists.  test_decode.c has all the rest.
 */
/* links: hv/emulate/decode_table.c tests/hv/lib/capstone_words.c -lcapstone */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/emulate/decode_table.h>
#include <tests/hv/lib/capstone_words.h>

/* A ModRM byte of memory at rax, or of rax. */
#define MODRM_MEMORY(reg)   ((uint8_t)((reg) << 3))
#define MODRM_REGISTER(reg) ((uint8_t)(0xc0 | (reg) << 3))

static csh capstone;

static int open_capstone(void **state)
{
    (void)state;
    if (cs_open(CS_ARCH_X86, CS_MODE_64, &capstone) != CS_ERR_OK)
        return -1;
    cs_option(capstone, CS_OPT_DETAIL, CS_OPT_ON);
    return 0;
}

static int close_capstone(void **state)
{
    (void)state;
    cs_close(&capstone);
    return 0;
}

/* The entry for @opcode: behind 0f from 256 on. */
static const struct opcode *entry_of(unsigned opcode)
{
    return opcode < 256 ? &decode_one_byte[opcode] : &decode_two_byte[opcode - 256];
}

/* Not an opcode of 64-bit code: a prefix, or the first byte of longer ones. */
static bool is_no_opcode(unsigned opcode)
{
    static const uint8_t prefixes[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};

    return opcode < 256 && (memchr(prefixes, (int)opcode, sizeof(prefixes)) || (opcode & 0xf0) == 0x40);
}

/* The operation in 64-bit code by the table, with @reg in the ModRM byte where the opcode needs that. */
static enum operation operation_of(const struct opcode *entry, unsigned reg)
{
    if (entry->form == FORM_NONE || (entry->flags & OPCODE_NOT_64))
        return OPERATION_NONE;
    return (enum operation)(entry->detail ? decode_groups[entry->detail][reg] : entry->operation);
}

/* Have Capstone read @opcode with a ModRM byte; NULL: it is nothing. */
static cs_insn *read_opcode(unsigned opcode, uint8_t modrm)
{
    const uint8_t bytes[16] = {0x0f, (uint8_t)opcode, modrm};
    const uint8_t *from = opcode < 256 ? bytes + 1 : bytes;
    cs_insn *insn = NULL;

    return cs_disasm(capstone, from, 15, 0, 1, &insn) ? insn : NULL;
}

/* How many bytes stand behind an opcode of 32-bit operands and 64-bit addresses; its ModRM names memory at rax. */
static unsigned length_behind(const struct opcode *entry)
{
    static const uint8_t lengths[] = {
        [FORM_PLAIN] = 0,    [FORM_MEMORY] = 1, [FORM_MEMORY_REG] = 1, [FORM_MEMORY_IMM] = 5, [FORM_MEMORY_IMM8] = 2,
        [FORM_ABSOLUTE] = 8, [FORM_STRING] = 0, [FORM_PORT_IMM] = 1,   [FORM_PORT_DX] = 0,    [FORM_CONTROL] = 1,
        [FORM_VECTOR] = 1,   [FORM_SYSTEM] = 1, [FORM_FAR] = 6,
    };

    return entry->form == FORM_MEMORY_IMM && (entry->flags & OPCODE_BYTE) ? 2 : lengths[entry->form];
}

/* Operation and form of each opcode with a memory operand, and with each register field. */
static void test_operations(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        const struct opcode *entry = entry_of(opcode);

        if (is_no_opcode(opcode)) {
            assert_int_equal(entry->form, FORM_NONE);
            continue;
        }
        for (unsigned reg = 0; reg < 8; reg++) {
            enum operation ours = operation_of(entry, reg);
            cs_insn *insn = read_opcode(opcode, entry->form == FORM_CONTROL ? MODRM_REGISTER(reg) : MODRM_MEMORY(reg));
            enum operation theirs = insn ? capstone_operation(capstone, insn) : OPERATION_NONE;

            if (ours != theirs && !(entry->form == FORM_CONTROL && !insn)) /* there is no CR1, say */
                fail_msg("opcode %x /%u: operation %u, not %u", opcode, reg, ours, theirs);
            if (ours != OPERATION_NONE && insn) {
                assert_int_equal(insn->size, (opcode < 256 ? 1 : 2) + length_behind(entry));
                found++;
            }
            if (insn)
                cs_free(insn, 1);
        }
    }
    assert_true(found > 300);
}

/* sldt, str and smsw of a register; of the others of their groups, none. */
static void test_system_of_registers(void **state)
{
    (void)state;
    for (unsigned opcode = 256; opcode < 258; opcode++) {
        for (unsigned reg = 0; reg < 8; reg++) {
            enum operation ours = operation_of(entry_of(opcode), reg);
            cs_insn *insn = read_opcode(opcode, MODRM_REGISTER(reg));
            enum operation theirs = insn ? capstone_operation(capstone, insn) : OPERATION_NONE;

            assert_int_equal(theirs, ours >= OPERATION_SLDT ? ours : OPERATION_NONE);
            if (insn)
                cs_free(insn, 1);
        }
    }
}

/* Two opcodes of a pair differ in the lowest bit: is the operand wider than 8 bits?  Intel SDM volume 2, B.1.4.2. */
static void test_sizes(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        const struct opcode *entry = entry_of(opcode);

        if (entry->flags & OPCODE_BYTE) {
            const struct opcode *wide = entry_of(opcode | 1);

            assert_int_equal(opcode & 1, 0);
            assert_int_equal(wide->operation, entry->operation);
            assert_int_equal(wide->form, entry->form);
            if (opcode != 0xfe) /* what is between inc, dec and push has no form of 8 bits */
                assert_int_equal(wide->detail, entry->detail);
            assert_int_equal(wide->flags | OPCODE_BYTE, entry->flags);
            assert_int_not_equal(wide->flags, entry->flags);
        }
    }
}

/* Whether the operand has 8 bits, Capstone says of those that have one: the register's or the memory's. */
static void test_bytes(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        const struct opcode *entry = entry_of(opcode);

        for (unsigned reg = 0; reg < 8; reg++) {
            enum operation ours = operation_of(entry, reg);
            bool has_size = ours >= OPERATION_MOV && ours <= OPERATION_OUTS;
            cs_insn *insn = has_size ? read_opcode(opcode, MODRM_MEMORY(reg)) : NULL;
            const cs_x86_op *operands = insn ? insn->detail->x86.operands : NULL;
            bool second = ours == OPERATION_OUT || ours == OPERATION_OUTS; /* the port is the first */

            if (!insn)
                continue;
            assert_int_equal(!!(entry->flags & OPCODE_BYTE), operands[second].size == 1);
            cs_free(insn, 1);
        }
    }
}

/* Intel SDM volume 2, LOCK: these and no others, to memory. */
static bool is_lockable(enum operation operation)
{
    static const enum operation lockable[] = {
        OPERATION_ADD, OPERATION_ADC, OPERATION_AND,     OPERATION_BTC,       OPERATION_BTR,  OPERATION_BTS,
        OPERATION_DEC, OPERATION_INC, OPERATION_CMPXCHG, OPERATION_CMPXCHG8B, OPERATION_NEG,  OPERATION_NOT,
        OPERATION_OR,  OPERATION_SBB, OPERATION_SUB,     OPERATION_XOR,       OPERATION_XADD, OPERATION_XCHG,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(lockable); i++) {
        if (lockable[i] == operation)
            return true;
    }
    return false;
}

/* Ports are 32 bits wide at most; movnti has 32 bits at least, and 66, f2 or f3 before it make another instruction. */
static unsigned flags_of(unsigned opcode, enum operation operation)
{
    bool port = operation >= OPERATION_IN && operation <= OPERATION_OUTS;

    if (opcode == 0xff) /* of inc and dec; the others see to it themselves */
        return OPCODE_LOCK;
    if (opcode == 256 + 0xc3)
        return OPCODE_AT_LEAST_4 | OPCODE_NO_PREFIX;
    return (is_lockable(operation) ? OPCODE_LOCK : 0) | (port ? OPCODE_AT_MOST_4 : 0);
}

static void test_flags(void **state)
{
    (void)state;
    for (unsigned opcode = 0; opcode < 512; opcode++) {
        const struct opcode *entry = entry_of(opcode);

        for (unsigned reg = 0; reg < 8; reg++) {
            enum operation operation = operation_of(entry, reg);

            if (operation != OPERATION_NONE)
                assert_int_equal(entry->flags & ~OPCODE_BYTE, flags_of(opcode, operation));
        }
    }
}

/* Far calls and jumps that say where themselves: in 32-bit code there are two, in 64-bit code none. */
static void test_not_64(void **state)
{
    unsigned found = 0;

    (void)state;
    for (unsigned opcode = 0; opcode < 512; opcode++)
        found += !!(entry_of(opcode)->flags & OPCODE_NOT_64);
    assert_int_equal(found, 2);
    assert_int_equal(entry_of(0x9a)->operation, OPERATION_CALL_FAR);
    assert_int_equal(entry_of(0xea)->operation, OPERATION_JMP_FAR);
    assert_true(entry_of(0x9a)->flags == OPCODE_NOT_64 && entry_of(0xea)->flags == OPCODE_NOT_64);
    assert_true(entry_of(0x9a)->form == FORM_FAR && entry_of(0xea)->form == FORM_FAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations), cmocka_unit_test(test_system_of_registers),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_flags),      cmocka_unit_test(test_not_64),
    };

    return cmocka_run_group_tests(tests, open_capstone, close_capstone);
}
