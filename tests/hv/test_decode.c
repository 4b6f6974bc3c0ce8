/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: tests/hv/lib/capstone_words.c -lcapstone */
/*
 * The decoder against another one, Capstone: for all opcodes, prefixes and operands, in 16, 32 and 64-bit code, both
 * must find the same instruction with the same operands at the same addresses, or the decoder must find none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/cpu/trap.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/operand.h>
#include <tests/hv/lib/capstone_words.h>

static csh handles[3];

static int open_capstone(void **state)
{
    static const cs_mode modes[] = {[DECODE_16] = CS_MODE_16, [DECODE_32] = CS_MODE_32, [DECODE_64] = CS_MODE_64};

    (void)state;
    for (unsigned mode = DECODE_16; mode <= DECODE_64; mode++) {
        if (cs_open(CS_ARCH_X86, modes[mode], &handles[mode]) != CS_ERR_OK)
            return -1;
        cs_option(handles[mode], CS_OPT_DETAIL, CS_OPT_ON);
    }
    return 0;
}

static int close_capstone(void **state)
{
    (void)state;
    for (unsigned mode = DECODE_16; mode <= DECODE_64; mode++)
        cs_close(&handles[mode]);
    return 0;
}

static uint64_t random_state = 1;

static uint64_t random_next(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/*
 * ---- The comparison.
 */

static struct {
    enum decode_mode mode;
    const uint8_t *bytes;
    const cs_insn *theirs;
    enum decode_result result;
    const struct instruction *ours;
} now;

static unsigned long compared, found;

static void say(const char *what)
{
    static const char *const results[] = {"OK", "UNKNOWN", "SHORT"};

    printf("%s: mode %d,", what, now.mode == DECODE_64 ? 64 : now.mode == DECODE_32 ? 32 : 16);
    for (unsigned i = 0; i < INSTRUCTION_BYTES_MAX; i++)
        printf(" %02x", now.bytes[i]);
    if (now.theirs)
        printf("; capstone: %u bytes, %s %s", now.theirs->size, now.theirs->mnemonic, now.theirs->op_str);
    printf("; decoder: %s, operation %d, length %u, bytes %u, address %u\n", results[now.result], now.ours->operation,
           now.ours->length, now.ours->bytes, now.ours->address_bytes);
}

#define DIFFERENCES_SHOWN 20u

static unsigned long differences;

#define SAME(a, b)                                                               \
    do {                                                                         \
        if ((uint64_t)(a) != (uint64_t)(b) && differences++ < DIFFERENCES_SHOWN) \
            say(#a " is not " #b);                                               \
    } while (0)

/* The opcode's place: behind the prefixes that @mode has. */
static unsigned opcode_at(enum decode_mode mode, const uint8_t *bytes)
{
    static const uint8_t prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    unsigned at = 0;

    while (at < INSTRUCTION_BYTES_MAX &&
           (memchr(prefixes, bytes[at], sizeof(prefixes)) || (mode == DECODE_64 && (bytes[at] & 0xf0) == 0x40)))
        at++;
    return at;
}

/* Is @prefix among those of the instruction? */
static bool has_prefix(uint8_t prefix)
{
    return memchr(now.bytes, prefix, opcode_at(now.mode, now.bytes));
}

static bool has_repeat(void)
{
    return has_prefix(0xf2) || has_prefix(0xf3);
}

/*
 * Does Capstone give the right size of memory operands and ports?  It forgets 66 beside f2 or f3; for ports, 66 or 67
 * beside REX.W makes it take 16 bits.
 */
static bool knows_size(bool port)
{
    unsigned at = opcode_at(now.mode, now.bytes);
    bool wide = now.mode == DECODE_64 && at > 0 && (now.bytes[at - 1] & 0xf8) == 0x48;

    if (port && wide && (has_prefix(0x66) || has_prefix(0x67)))
        return false;
    return !has_prefix(0x66) || !has_repeat();
}

static struct cpu_frame frame;

/* Registers that differ in all their parts. */
static void fill_frame(void)
{
    for (unsigned i = 0; i < 16; i++)
        operand_set_register(&frame, i, 8, random_next() | random_next() << 32);
    frame.rip = random_next() | random_next() << 32;
}

/* A register as wide as its name says; of none, 0.  The instruction's end counts where it is what addresses. */
static uint64_t value_of(csh handle, unsigned name)
{
    unsigned column, number;

    if (name == X86_REG_RIP || name == X86_REG_EIP)
        return frame.rip + now.theirs->size;
    number = name == X86_REG_INVALID || name == X86_REG_EIZ || name == X86_REG_RIZ
                 ? REGISTER_NONE
                 : capstone_register(handle, name, &column);
    return number == REGISTER_NONE ? 0 : operand_get_register(&frame, number, 1u << column);
}

/* That a register which numbers a bit reaches further is for test_operand.c. */
static void compare_offset(csh handle, const cs_x86 *theirs, const x86_op_mem *mem)
{
    bool numbers = now.ours->operation >= OPERATION_BTS && now.ours->operation <= OPERATION_BTC;
    uint64_t offset = value_of(handle, mem->base) + value_of(handle, mem->index) * (uint64_t)mem->scale;

    offset += (uint64_t)mem->disp;
    if (theirs->addr_size < 8)
        offset &= (UINT64_C(1) << 8 * theirs->addr_size) - 1;
    if (!numbers || now.ours->kind != OPERAND_REGISTER)
        SAME(operand_offset(&frame, now.ours), offset);
}

static void compare_memory(csh handle, const cs_x86 *theirs, const x86_op_mem *mem)
{
    static const unsigned segments[] = {X86_REG_ES, X86_REG_CS, X86_REG_SS, X86_REG_DS, X86_REG_FS, X86_REG_GS};
    const struct instruction *ours = now.ours;
    bool from_rip = mem->base == X86_REG_RIP || mem->base == X86_REG_EIP;
    unsigned column;

    SAME(ours->address_bytes, theirs->addr_size);
    SAME(ours->address.from_rip, from_rip);
    SAME(ours->address.base,
         mem->base == X86_REG_INVALID || from_rip ? REGISTER_NONE : capstone_register(handle, mem->base, &column));
    SAME(ours->address.index, mem->index == X86_REG_INVALID || mem->index == X86_REG_EIZ || mem->index == X86_REG_RIZ
                                  ? REGISTER_NONE
                                  : capstone_register(handle, mem->index, &column));
    if (ours->address.index != REGISTER_NONE)
        SAME(1 << ours->address.shift, mem->scale);
    if (ours->address_bytes == 2)
        SAME(ours->address.displacement & 0xffff, (uint64_t)mem->disp & 0xffff);
    else if (ours->address_bytes == 4)
        SAME(ours->address.displacement & 0xffffffff, (uint64_t)mem->disp & 0xffffffff);
    else
        SAME(ours->address.displacement, mem->disp);
    compare_offset(handle, theirs, mem);
    if (mem->segment != X86_REG_INVALID &&
        (now.mode != DECODE_64 || mem->segment == X86_REG_FS || mem->segment == X86_REG_GS))
        SAME(segments[ours->segment], mem->segment);
}

/* Without a prefix that says otherwise. */
static enum segment default_segment(const struct instruction *instruction)
{
    bool stack = instruction->address.base == 4 || instruction->address.base == 5;

    return stack ? SEGMENT_SS : SEGMENT_DS;
}

static void compare_register(csh handle, unsigned name)
{
    unsigned column, number = capstone_register(handle, name, &column);

    SAME(now.ours->kind, column == 4 ? OPERAND_HIGH_BYTE : OPERAND_REGISTER);
    SAME(now.ours->number, number);
    SAME(now.ours->bytes, column == 4 ? 1 : 1 << column);
}

static void compare_control(csh handle, const cs_x86 *theirs)
{
    bool writes = capstone_is_control(theirs->operands[0].reg);
    unsigned name = theirs->operands[writes ? 0 : 1].reg;

    SAME(now.ours->control, name >= X86_REG_DR0 && name <= X86_REG_DR15 ? name - X86_REG_DR0 : name - X86_REG_CR0);
    compare_register(handle, theirs->operands[writes ? 1 : 0].reg);
}

static bool is_write(enum operation operation)
{
    return operation >= OPERATION_MOV && operation <= OPERATION_BTC;
}

static bool is_string(enum operation operation)
{
    return operation == OPERATION_MOVS || operation == OPERATION_STOS || operation == OPERATION_INS ||
           operation == OPERATION_OUTS;
}

static bool is_lockable(enum operation operation)
{
    return is_write(operation) && operation != OPERATION_MOV && !is_string(operation);
}

/* What the decoder should find, by what Capstone found, which does not mind a lock prefix. */
static enum operation expected_operation(csh handle, const cs_insn *insn)
{
    enum operation operation = capstone_operation(handle, insn);

    return has_prefix(0xf0) && !is_lockable(operation) ? OPERATION_NONE : operation;
}

static void compare_string(const cs_x86 *theirs)
{
    const cs_x86_op *op = theirs->operands;
    const x86_op_mem *source = NULL;
    unsigned bytes = op[0].type == X86_OP_MEM ? op[0].size : op[1].size;

    SAME(now.ours->address_bytes, theirs->addr_size);
    if (knows_size(now.ours->operation == OPERATION_INS || now.ours->operation == OPERATION_OUTS))
        SAME(now.ours->bytes, bytes);
    SAME(now.ours->repeat, has_repeat());
    if (now.ours->operation == OPERATION_MOVS || now.ours->operation == OPERATION_OUTS)
        source = &op[1].mem;
    if (!source)
        return;
    if (source->segment == X86_REG_FS || source->segment == X86_REG_GS)
        SAME(now.ours->segment, source->segment == X86_REG_FS ? SEGMENT_FS : SEGMENT_GS);
    else if (now.mode == DECODE_64 && !has_prefix(0x64) && !has_prefix(0x65))
        SAME(now.ours->segment, SEGMENT_DS);
}

static void compare_write(csh handle, const cs_x86 *theirs)
{
    const cs_x86_op *second = &theirs->operands[1];
    uint64_t mask = now.ours->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * now.ours->bytes) - 1;

    compare_memory(handle, theirs, &theirs->operands[0].mem);
    if (theirs->operands[0].mem.segment == X86_REG_INVALID)
        SAME(now.ours->segment, default_segment(now.ours));
    if (theirs->op_count < 2) {
        SAME(now.ours->kind, OPERAND_NONE);
    } else if (second->type == X86_OP_IMM) {
        SAME(now.ours->kind, OPERAND_IMMEDIATE);
        if (now.ours->operation >= OPERATION_BTS) /* the number of a bit */
            mask = 0xff;
        SAME(now.ours->immediate & mask, (uint64_t)second->imm & mask);
    } else {
        compare_register(handle, second->reg);
    }
    if ((theirs->op_count < 2 || second->type == X86_OP_IMM) && knows_size(false))
        SAME(now.ours->bytes, theirs->operands[0].size);
}

/* The port, and how wide: al, ax or eax is the other operand. */
static void compare_port(csh handle, const cs_x86 *theirs)
{
    bool reads = now.ours->operation == OPERATION_IN;
    const cs_x86_op *data = &theirs->operands[reads ? 0 : 1], *port = &theirs->operands[reads ? 1 : 0];
    unsigned column;

    SAME(capstone_register(handle, data->reg, &column), 0);
    if (knows_size(true))
        SAME(now.ours->bytes, 1 << column);
    SAME(now.ours->kind, port->type == X86_OP_IMM ? OPERAND_IMMEDIATE : OPERAND_NONE);
    if (port->type == X86_OP_IMM)
        SAME(now.ours->immediate, port->imm & 0xff);
}

/* Through memory, or a selector and an offset: one operand after the other, or both. */
static void compare_far(csh handle, const cs_x86 *theirs)
{
    const cs_x86_op *op = theirs->operands;

    if (op[0].type == X86_OP_MEM) {
        compare_memory(handle, theirs, &op[0].mem);
        SAME(now.ours->kind, OPERAND_NONE);
        return;
    }
    SAME(now.ours->kind, OPERAND_IMMEDIATE);
    SAME(now.ours->selector, op[0].imm & 0xffff);
    SAME(now.ours->immediate, op[1].imm & (now.ours->bytes == 2 ? 0xffff : 0xffffffff));
    SAME(now.theirs->size, 3 + now.ours->bytes + opcode_at(now.mode, now.bytes));
}

static void compare_operands(csh handle, const cs_x86 *theirs)
{
    enum operation operation = now.ours->operation;

    if (is_string(operation))
        compare_string(theirs);
    else if (is_write(operation))
        compare_write(handle, theirs);
    else if (operation == OPERATION_IN || operation == OPERATION_OUT)
        compare_port(handle, theirs);
    else if (operation >= OPERATION_READ_CR && operation <= OPERATION_WRITE_DR)
        compare_control(handle, theirs);
    else if (operation >= OPERATION_CALL_FAR)
        compare_far(handle, theirs);
    else if (operation == OPERATION_INT)
        SAME(now.ours->immediate, theirs->operands[0].imm & 0xff);
}

/* An instruction cut off is one of which more bytes are wanted; the sanitizer watches that no other is read. */
static void check_truncated(enum decode_mode mode, const uint8_t *bytes, enum decode_result whole, unsigned length)
{
    struct instruction instruction;

    for (unsigned size = 0; size <= length; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        enum decode_result result;

        assert_non_null(copy);
        memcpy(copy, bytes, size);
        result = decode(mode, size ? copy : copy + 1, size, &instruction);
        if (whole == DECODE_OK)
            assert_int_equal(result, size < length ? DECODE_SHORT : DECODE_OK);
        else
            assert_int_not_equal(result, DECODE_OK);
        free(copy);
    }
}

/* Where Capstone 4 is wrong, or the decoder knows less on purpose. */
static bool is_excepted(enum decode_mode mode, const uint8_t *bytes, enum decode_result result, const cs_insn *insn)
{
    const uint8_t *opcode = bytes + opcode_at(mode, bytes);

    /* A second encoding of what 80 is, not in 64-bit mode; no compiler makes it. */
    if (opcode[0] == 0x82 && mode != DECODE_64)
        return result == DECODE_UNKNOWN;
    /* Intel SDM volume 2: these do not exist with 66, f2 or f3. */
    if (insn && (insn->id == X86_INS_MOVNTI || insn->id == X86_INS_XSETBV) && (has_prefix(0x66) || has_repeat()))
        return result == DECODE_UNKNOWN;
    /* Capstone does not know mov of absolute addresses with both. */
    if ((opcode[0] & 0xfe) == 0xa2 && has_prefix(0x66) && has_repeat())
        return !insn && result == DECODE_OK;
    return false;
}

/* @bytes are at least as many as an instruction can have. */
static void check(enum decode_mode mode, const uint8_t *bytes, bool truncated)
{
    struct instruction instruction;
    enum operation expected;
    cs_insn *insn = NULL;

    now.mode = mode;
    now.bytes = bytes;
    now.ours = &instruction;
    now.result = decode(mode, bytes, INSTRUCTION_BYTES_MAX, &instruction);
    now.theirs = cs_disasm(handles[mode], bytes, INSTRUCTION_BYTES_MAX, 0, 1, &insn) ? insn : NULL;
    assert_int_not_equal(now.result, DECODE_SHORT);
    compared++;
    expected = now.theirs ? expected_operation(handles[mode], insn) : OPERATION_NONE;
    if (!is_excepted(mode, bytes, now.result, now.theirs)) {
        SAME(now.result == DECODE_OK ? instruction.operation : OPERATION_NONE, expected);
        if (now.result == DECODE_OK && instruction.operation == expected) {
            found++;
            SAME(instruction.length, insn->size);
            compare_operands(handles[mode], &insn->detail->x86);
        }
    }
    if (truncated)
        check_truncated(mode, bytes, now.result, now.result == DECODE_OK ? instruction.length : INSTRUCTION_BYTES_MAX);
    if (now.theirs)
        cs_free(insn, 1);
}

/*
 * ---- The bytes.
 */

static void fill_random(uint8_t *bytes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(random_next() >> 24);
}

static void finish(void)
{
    printf("%lu byte sequences compared, %lu of them instructions that are decoded, %lu differences\n", compared, found,
           differences);
    assert_true(found > 100000);
    assert_int_equal(differences, 0);
}

/* Every opcode of both maps with every ModRM byte, bare and behind each prefix. */
static void test_exhaustive(void **state)
{
    static const uint8_t prefixes[] = {0,    0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e,
                                       0x26, 0x64, 0x65, 0x40, 0x41, 0x42, 0x44, 0x48, 0x4f};
    uint8_t bytes[32];

    (void)state;
    for (unsigned prefix = 0; prefix < sizeof(prefixes); prefix++) {
        for (unsigned opcode = 0; opcode < 512; opcode++) {
            for (unsigned modrm = 0; modrm < 256; modrm++) {
                unsigned at = 0;

                fill_random(bytes, sizeof(bytes));
                if (prefixes[prefix])
                    bytes[at++] = prefixes[prefix];
                if (opcode >= 256)
                    bytes[at++] = 0x0f;
                bytes[at++] = (uint8_t)opcode;
                bytes[at++] = (uint8_t)modrm;
                fill_frame();
                check(DECODE_64, bytes, false);
                check(DECODE_32, bytes, false);
                check(DECODE_16, bytes, false);
            }
        }
    }
    finish();
}

/* Opcodes that are decoded, or nearly: they come more often than others. */
static const uint8_t interesting[] = {0x00, 0x01, 0x08, 0x09, 0x10, 0x11, 0x18, 0x19, 0xf6, 0xf7, 0x20, 0x21, 0x28,
                                      0x29, 0x30, 0x31, 0x6c, 0x6d, 0x6e, 0x6f, 0x80, 0x81, 0x83, 0x86, 0x87, 0x88,
                                      0x89, 0x9a, 0xa2, 0xa3, 0xa4, 0xa5, 0xaa, 0xab, 0xc6, 0xc7, 0xcd, 0xe4, 0xe5,
                                      0xe6, 0xe7, 0xea, 0xec, 0xed, 0xee, 0xef, 0xfa, 0xfb, 0xfe, 0xff};
static const uint8_t interesting_two[] = {0x01, 0x06, 0x09, 0x20, 0x21, 0x22, 0x23, 0x30, 0x31, 0x32, 0xa2,
                                          0xab, 0xb0, 0xb1, 0xb3, 0xba, 0xbb, 0xc0, 0xc1, 0xc3, 0xc7};

static unsigned put_opcode(uint8_t *bytes)
{
    unsigned choice = (unsigned)(random_next() % 8);

    if (choice == 0)
        return 1; /* any at all */
    if (choice < 4) {
        bytes[0] = 0x0f;
        bytes[1] = interesting_two[random_next() % sizeof(interesting_two)];
        return 2;
    }
    bytes[0] = interesting[random_next() % sizeof(interesting)];
    return 1;
}

/* Prefixes of each group, one of a group at most, in random order and some repeated. */
static unsigned put_prefixes(uint8_t *bytes)
{
    static const uint8_t segments[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65}, repeats[] = {0xf0, 0xf2, 0xf3};
    const uint8_t group[4] = {segments[random_next() % sizeof(segments)], repeats[random_next() % sizeof(repeats)],
                              0x66, 0x67};
    unsigned count = (unsigned)(random_next() % 5), wanted = (unsigned)random_next();

    for (unsigned i = 0; i < count; i++)
        bytes[i] = group[(wanted >> 2 * i) % 4];
    return count;
}

static void test_random(void **state)
{
    uint8_t bytes[64];

    (void)state;
    compared = found = differences = 0;
    for (unsigned i = 0; i < 600000; i++) {
        enum decode_mode mode = (enum decode_mode)(random_next() % 3);
        unsigned at;

        fill_random(bytes, sizeof(bytes));
        at = put_prefixes(bytes);
        if (mode == DECODE_64 && random_next() % 2)
            bytes[at++] = (uint8_t)(0x40 + random_next() % 16);
        put_opcode(bytes + at);
        fill_frame();
        check(mode, bytes, true);
    }
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustive),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, open_capstone, close_capstone);
}
