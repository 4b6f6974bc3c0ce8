/* SPDX-License-Identifier: MIT */
/* In order: bytes; prefixes; the memory operand; what follows an opcode; the whole. */
#include <hv/emulate/decode.h>
#include <hv/emulate/decode_table.h>

#define PREFIX_LOCK         0xf0u
#define PREFIX_REPNE        0xf2u
#define PREFIX_REP          0xf3u
#define PREFIX_OPERAND_SIZE 0x66u
#define PREFIX_ADDRESS_SIZE 0x67u
#define OPCODE_ESCAPE       0x0fu

#define REX_B 1u
#define REX_X 2u
#define REX_R 4u
#define REX_W 8u

#define REGISTER_RAX 0u
#define REGISTER_RBX 3u
#define REGISTER_RSP 4u
#define REGISTER_RBP 5u
#define REGISTER_RSI 6u
#define REGISTER_RDI 7u

/* What of the bytes has been read, and of the instruction understood. */
struct decoder {
    const uint8_t *bytes;
    size_t count;
    enum decode_result result; /* once it is not DECODE_OK, it stays */
    enum decode_mode mode;
    unsigned rex;
    bool lock, operand_size, address_size, repeat, segment_override;
    const struct opcode *opcode;
    unsigned mod, reg, rm; /* of ModRM, not extended */
    struct instruction *out;
};

/*
 * ---- Bytes.  One that cannot be had reads as 0 and settles the result.
 */

static unsigned take(struct decoder *decoder)
{
    if (decoder->result != DECODE_OK)
        return 0;
    if (decoder->out->length < INSTRUCTION_BYTES_MAX && decoder->out->length < decoder->count)
        return decoder->bytes[decoder->out->length++];
    decoder->result = decoder->out->length < INSTRUCTION_BYTES_MAX ? DECODE_SHORT : DECODE_UNKNOWN;
    return 0;
}

static void refuse_unless(struct decoder *decoder, bool condition)
{
    if (decoder->result == DECODE_OK && !condition)
        decoder->result = DECODE_UNKNOWN;
}

static uint64_t take_unsigned(struct decoder *decoder, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)take(decoder) << 8 * i;
    return value;
}

static uint64_t take_signed(struct decoder *decoder, unsigned size)
{
    uint64_t sign = UINT64_C(1) << (8 * size - 1);

    return (take_unsigned(decoder, size) ^ sign) - sign;
}

/*
 * ---- Prefixes: any number in any order; of two that exclude each other the last counts.
 */

/* In 64-bit mode the other segments are all the same, and their prefixes do nothing. */
static void set_segment(struct decoder *decoder, enum segment segment)
{
    if (decoder->mode == DECODE_64 && segment < SEGMENT_FS)
        return;
    decoder->segment_override = true;
    decoder->out->segment = segment;
}

static bool is_prefix(struct decoder *decoder, unsigned byte)
{
    switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
        set_segment(decoder, (enum segment)(byte >> 3 & 3));
        return true;
    case 0x64:
    case 0x65:
        set_segment(decoder, byte == 0x64 ? SEGMENT_FS : SEGMENT_GS);
        return true;
    case PREFIX_OPERAND_SIZE:
        decoder->operand_size = true;
        return true;
    case PREFIX_ADDRESS_SIZE:
        decoder->address_size = true;
        return true;
    case PREFIX_LOCK:
        decoder->lock = true;
        return true;
    case PREFIX_REPNE:
    case PREFIX_REP:
        decoder->repeat = true;
        return true;
    }
    return false;
}

/* REX counts only where the opcode follows it at once.  Returns the opcode's first byte. */
static unsigned take_prefixes(struct decoder *decoder)
{
    for (;;) {
        unsigned byte = take(decoder);

        if (decoder->mode == DECODE_64 && (byte & 0xf0) == 0x40)
            decoder->rex = byte;
        else if (is_prefix(decoder, byte))
            decoder->rex = 0;
        else
            return byte;
    }
}

static unsigned address_bytes(const struct decoder *decoder)
{
    switch (decoder->mode) {
    case DECODE_64:
        return decoder->address_size ? 4 : 8;
    case DECODE_32:
        return decoder->address_size ? 2 : 4;
    case DECODE_16:
        return decoder->address_size ? 4 : 2;
    }
    return 0;
}

static unsigned operand_bytes(const struct decoder *decoder)
{
    if (decoder->opcode->flags & OPCODE_BYTE)
        return 1;
    if (decoder->rex & REX_W)
        return decoder->opcode->flags & OPCODE_AT_MOST_4 ? 4 : 8;
    if (decoder->opcode->flags & OPCODE_AT_LEAST_4)
        return 4;
    return decoder->operand_size == (decoder->mode == DECODE_16) ? 4 : 2;
}

/*
 * ---- The memory operand.
 */

static unsigned extended(const struct decoder *decoder, unsigned number, unsigned rex_bit)
{
    return decoder->rex & rex_bit ? number + 8 : number;
}

static void set_base(struct decoder *decoder, unsigned number)
{
    decoder->out->address.base = (uint8_t)number;
    if (!decoder->segment_override && (number == REGISTER_RSP || number == REGISTER_RBP))
        decoder->out->segment = SEGMENT_SS;
}

static void set_displacement(struct decoder *decoder, unsigned wide)
{
    if (decoder->mod == 1)
        decoder->out->address.displacement = take_signed(decoder, 1);
    else if (decoder->mod == 2)
        decoder->out->address.displacement = take_signed(decoder, wide);
}

static void take_memory_16(struct decoder *decoder)
{
    static const uint8_t bases[] = {REGISTER_RBX, REGISTER_RBX, REGISTER_RBP, REGISTER_RBP,
                                    REGISTER_RSI, REGISTER_RDI, REGISTER_RBP, REGISTER_RBX};

    if (decoder->mod == 0 && decoder->rm == 6) {
        decoder->out->address.displacement = take_unsigned(decoder, 2);
        return;
    }
    set_base(decoder, bases[decoder->rm]);
    if (decoder->rm < 4)
        decoder->out->address.index = decoder->rm & 1 ? REGISTER_RDI : REGISTER_RSI;
    set_displacement(decoder, 2);
}

static void take_sib(struct decoder *decoder)
{
    unsigned sib = take(decoder), index = extended(decoder, sib >> 3 & 7, REX_X), base = sib & 7;

    if (index != REGISTER_RSP) {
        decoder->out->address.index = (uint8_t)index;
        decoder->out->address.shift = (uint8_t)(sib >> 6);
    }
    if (base == REGISTER_RBP && decoder->mod == 0)
        decoder->out->address.displacement = take_signed(decoder, 4);
    else
        set_base(decoder, extended(decoder, base, REX_B));
}

static void take_memory(struct decoder *decoder)
{
    refuse_unless(decoder, decoder->mod != 3);
    if (decoder->out->address_bytes == 2) {
        take_memory_16(decoder);
        return;
    }
    if (decoder->rm == REGISTER_RSP) {
        take_sib(decoder);
    } else if (decoder->rm == REGISTER_RBP && decoder->mod == 0) {
        decoder->out->address.displacement = take_signed(decoder, 4);
        decoder->out->address.from_rip = decoder->mode == DECODE_64;
    } else {
        set_base(decoder, extended(decoder, decoder->rm, REX_B));
    }
    set_displacement(decoder, 4);
}

static void take_modrm(struct decoder *decoder)
{
    unsigned modrm = take(decoder);

    decoder->mod = modrm >> 6;
    decoder->reg = modrm >> 3 & 7;
    decoder->rm = modrm & 7;
}

/*
 * ---- What follows an opcode.
 */

/* Without REX, the 8-bit registers 4 to 7 are the second bytes of 0 to 3. */
static void set_register(struct decoder *decoder, unsigned number)
{
    bool high = decoder->out->bytes == 1 && !decoder->rex && number >= 4;

    decoder->out->kind = high ? OPERAND_HIGH_BYTE : OPERAND_REGISTER;
    decoder->out->number = high ? number - 4 : number;
}

static void set_immediate(struct decoder *decoder, uint64_t value)
{
    decoder->out->kind = OPERAND_IMMEDIATE;
    decoder->out->immediate = value;
}

static void take_group(struct decoder *decoder)
{
    const struct opcode *opcode = decoder->opcode;

    take_modrm(decoder);
    if (opcode->operation == OPERATION_NONE)
        decoder->out->operation = (enum operation)decode_groups[opcode->detail][decoder->reg];
    refuse_unless(decoder, decoder->out->operation != OPERATION_NONE);
    take_memory(decoder);
    /* Its operand has 8 bytes whatever the prefixes say (XSA-200), but 16 with REX.W. */
    if (decoder->out->operation == OPERATION_CMPXCHG8B) {
        refuse_unless(decoder, !(decoder->rex & REX_W));
        decoder->out->bytes = 8;
    }
    /* inc and dec, with which these share an opcode, may be locked. */
    if (decoder->out->operation >= OPERATION_CALL_FAR)
        refuse_unless(decoder, !decoder->lock);
}

static void take_far(struct decoder *decoder)
{
    set_immediate(decoder, take_unsigned(decoder, decoder->out->bytes));
    decoder->out->selector = (unsigned)take_unsigned(decoder, 2);
}

static void take_control(struct decoder *decoder)
{
    take_modrm(decoder);
    decoder->out->bytes = decoder->mode == DECODE_64 ? 8 : 4;
    decoder->out->control = extended(decoder, decoder->reg, REX_R);
    set_register(decoder, extended(decoder, decoder->rm, REX_B));
}

/* Of memory, two bytes, or a table's limit and base.  A register is written as wide as the prefixes say. */
static void take_system_memory(struct decoder *decoder)
{
    enum operation operation = decoder->out->operation;

    take_memory(decoder);
    decoder->out->bytes = 2;
    if (operation == OPERATION_SGDT || operation == OPERATION_SIDT)
        decoder->out->bytes = decoder->mode == DECODE_64 ? 8 : 4;
}

#define XSETBV_REG 2u
#define XSETBV_RM  1u

/* In the place of forms with a register that make no sense stand instructions without operands: one of them counts. */
static void take_system(struct decoder *decoder)
{
    struct instruction *out = decoder->out;

    take_modrm(decoder);
    out->operation = (enum operation)decode_groups[decoder->opcode->detail][decoder->reg];
    if (decoder->mod != 3) {
        refuse_unless(decoder, out->operation != OPERATION_NONE);
        take_system_memory(decoder);
    } else if (decoder->opcode->detail == GROUP_GDT && decoder->reg == XSETBV_REG && decoder->rm == XSETBV_RM) {
        refuse_unless(decoder, !decoder->operand_size && !decoder->repeat);
        out->operation = OPERATION_XSETBV;
    } else {
        refuse_unless(decoder, out->operation >= OPERATION_SLDT);
        set_register(decoder, extended(decoder, decoder->rm, REX_B));
    }
}

static void take_operands(struct decoder *decoder)
{
    struct instruction *out = decoder->out;

    switch ((enum form)decoder->opcode->form) {
    case FORM_NONE:
        refuse_unless(decoder, false);
        break;
    case FORM_PLAIN:
        break;
    case FORM_MEMORY:
        take_group(decoder);
        break;
    case FORM_MEMORY_REG:
        take_group(decoder);
        set_register(decoder, extended(decoder, decoder->reg, REX_R));
        break;
    case FORM_MEMORY_IMM:
        take_group(decoder);
        set_immediate(decoder, take_signed(decoder, out->bytes < 4 ? out->bytes : 4));
        break;
    case FORM_MEMORY_IMM8:
        take_group(decoder);
        set_immediate(decoder, take_signed(decoder, 1));
        break;
    case FORM_ABSOLUTE:
        out->address.displacement = take_unsigned(decoder, out->address_bytes);
        set_register(decoder, REGISTER_RAX);
        break;
    case FORM_STRING:
        out->repeat = decoder->repeat;
        break;
    case FORM_PORT_DX:
        break;
    case FORM_PORT_IMM:
    case FORM_VECTOR:
        set_immediate(decoder, take_unsigned(decoder, 1));
        break;
    case FORM_CONTROL:
        take_control(decoder);
        break;
    case FORM_SYSTEM:
        take_system(decoder);
        break;
    case FORM_FAR:
        take_far(decoder);
        break;
    }
}

/*
 * ---- The whole.
 */

static bool prefixes_ok(const struct decoder *decoder)
{
    unsigned flags = decoder->opcode->flags;

    if (decoder->lock && !(flags & OPCODE_LOCK))
        return false;
    if (decoder->mode == DECODE_64 && (flags & OPCODE_NOT_64))
        return false;
    return !(flags & OPCODE_NO_PREFIX) || !(decoder->operand_size || decoder->repeat);
}

enum decode_result decode(enum decode_mode mode, const uint8_t *bytes, size_t count, struct instruction *instruction)
{
    struct decoder decoder = {.bytes = bytes, .count = count, .mode = mode, .out = instruction};
    unsigned byte;

    *instruction =
        (struct instruction){.segment = SEGMENT_DS, .address = {.base = REGISTER_NONE, .index = REGISTER_NONE}};
    byte = take_prefixes(&decoder);
    decoder.opcode = byte == OPCODE_ESCAPE ? &decode_two_byte[take(&decoder)] : &decode_one_byte[byte];
    if (decoder.result != DECODE_OK)
        return decoder.result;
    refuse_unless(&decoder, prefixes_ok(&decoder));
    instruction->operation = (enum operation)decoder.opcode->operation;
    instruction->bytes = operand_bytes(&decoder);
    instruction->address_bytes = address_bytes(&decoder);
    take_operands(&decoder);
    return decoder.result;
}
