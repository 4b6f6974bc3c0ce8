/* SPDX-License-Identifier: MIT */
/* Registers by their numbers, and the parts of a cpu_frame that they are. */
#include <stddef.h>

#include <hv/cpu/trap.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/operand.h>

static const uint8_t places[] = {
    offsetof(struct cpu_frame, rax), offsetof(struct cpu_frame, rcx), offsetof(struct cpu_frame, rdx),
    offsetof(struct cpu_frame, rbx), offsetof(struct cpu_frame, rsp), offsetof(struct cpu_frame, rbp),
    offsetof(struct cpu_frame, rsi), offsetof(struct cpu_frame, rdi), offsetof(struct cpu_frame, r8),
    offsetof(struct cpu_frame, r9),  offsetof(struct cpu_frame, r10), offsetof(struct cpu_frame, r11),
    offsetof(struct cpu_frame, r12), offsetof(struct cpu_frame, r13), offsetof(struct cpu_frame, r14),
    offsetof(struct cpu_frame, r15),
};
_Static_assert(sizeof(places) == 16, "as many as instructions can name");

static uint64_t *find(struct cpu_frame *frame, unsigned number)
{
    return (uint64_t *)((uint8_t *)frame + places[number % 16]);
}

static uint64_t read_whole(const struct cpu_frame *frame, unsigned number)
{
    return *(const uint64_t *)((const uint8_t *)frame + places[number % 16]);
}

uint64_t operand_get_register(const struct cpu_frame *frame, unsigned number, unsigned bytes)
{
    return alu_truncate(read_whole(frame, number), bytes);
}

void operand_set_register(struct cpu_frame *frame, unsigned number, unsigned bytes, uint64_t value)
{
    uint64_t *place = find(frame, number), kept = bytes < 4 ? ~alu_truncate(UINT64_MAX, bytes) : 0;

    *place = (*place & kept) | alu_truncate(value, bytes);
}

uint64_t operand_get(const struct cpu_frame *frame, const struct instruction *instruction)
{
    switch (instruction->kind) {
    case OPERAND_NONE:
        break;
    case OPERAND_IMMEDIATE:
        return alu_truncate(instruction->immediate, instruction->bytes);
    case OPERAND_REGISTER:
        return operand_get_register(frame, instruction->number, instruction->bytes);
    case OPERAND_HIGH_BYTE:
        return operand_get_register(frame, instruction->number, 2) >> 8;
    }
    return 0;
}

void operand_set(struct cpu_frame *frame, const struct instruction *instruction, uint64_t value)
{
    if (instruction->kind == OPERAND_REGISTER)
        operand_set_register(frame, instruction->number, instruction->bytes, value);
    else if (instruction->kind == OPERAND_HIGH_BYTE)
        operand_set_register(frame, instruction->number, 2,
                             (value & 0xff) << 8 | operand_get_register(frame, instruction->number, 1));
}

static bool is_bit_operation(const struct instruction *instruction)
{
    return instruction->operation >= OPERATION_BTS && instruction->operation <= OPERATION_BTC;
}

/*
 * A bit number in a register is signed and reaches beyond the operand that the address names: the operand meant is as
 * many operands further.
 */
static uint64_t bit_displacement(const struct cpu_frame *frame, const struct instruction *instruction)
{
    unsigned bits = 8 * instruction->bytes;
    uint64_t sign = UINT64_C(1) << (bits - 1), number = operand_get(frame, instruction);

    if (!is_bit_operation(instruction) || instruction->kind != OPERAND_REGISTER)
        return 0;
    number = ((number ^ sign) - sign) & ~(uint64_t)(bits - 1);
    /* A division by 8 that keeps the sign. */
    return number >> 3 | (number & UINT64_C(1) << 63 ? UINT64_C(7) << 61 : 0);
}

uint64_t operand_offset(const struct cpu_frame *frame, const struct instruction *instruction)
{
    const struct decode_address *address = &instruction->address;
    uint64_t offset = address->displacement + bit_displacement(frame, instruction);

    switch (instruction->operation) {
    case OPERATION_OUTS:
        return operand_get_register(frame, OPERAND_RSI, instruction->address_bytes);
    case OPERATION_INS:
    case OPERATION_MOVS:
    case OPERATION_STOS:
        return operand_get_register(frame, OPERAND_RDI, instruction->address_bytes);
    default:
        break;
    }
    if (address->base != REGISTER_NONE)
        offset += read_whole(frame, address->base);
    if (address->index != REGISTER_NONE)
        offset += read_whole(frame, address->index) << address->shift;
    if (address->from_rip)
        offset += frame->rip + instruction->length;
    return alu_truncate(offset, instruction->address_bytes);
}

void operand_step(struct cpu_frame *frame, const struct instruction *instruction, unsigned number)
{
    uint64_t value = operand_get_register(frame, number, instruction->address_bytes);

    value = frame->rflags & RFLAGS_DF ? value - instruction->bytes : value + instruction->bytes;
    operand_set_register(frame, number, instruction->address_bytes, value);
}
