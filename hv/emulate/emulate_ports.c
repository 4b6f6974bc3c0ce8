/* SPDX-License-Identifier: MIT */
/* Ports: those that the guest has no right to read as all ones, and what is written is dropped. */
#include <hv/device/ports.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

static bool is_read(const struct instruction *instruction)
{
    return instruction->operation == OPERATION_IN || instruction->operation == OPERATION_INS;
}

/* In the instruction, or in dx. */
static uint16_t port_of(const struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;

    if (instruction->kind == OPERAND_IMMEDIATE)
        return (uint16_t)instruction->immediate;
    return (uint16_t)operand_get_register(emulation->vcpu->frame, OPERAND_RDX, 2);
}

static uint64_t read_port(const struct emulation *emulation)
{
    return ports_read(hv_vcpu_domain(emulation->vcpu), port_of(emulation), emulation->instruction.bytes);
}

static void write_port(const struct emulation *emulation, uint64_t value)
{
    ports_write(hv_vcpu_domain(emulation->vcpu), port_of(emulation), emulation->instruction.bytes, (uint32_t)value);
}

static void transfer_register(const struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;
    struct cpu_frame *frame = emulation->vcpu->frame;

    if (is_read(instruction))
        operand_set_register(frame, OPERAND_RAX, instruction->bytes, read_port(emulation));
    else
        write_port(emulation, operand_get_register(frame, OPERAND_RAX, instruction->bytes));
}

/* ins writes to es:rdi; outs reads at rsi, in a segment that a prefix may choose. */
static bool transfer_element(struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;
    struct cpu_frame *frame = emulation->vcpu->frame;
    bool read = is_read(instruction);
    const struct place place = {read ? SEGMENT_ES : instruction->segment, operand_offset(frame, instruction),
                                instruction->bytes, read ? SEGMENT_WRITE : SEGMENT_READ};
    uint64_t linear, value;

    if (!emulation_operand(emulation, place, &linear))
        return false;
    if (read && !emulation_write(emulation, linear, read_port(emulation)))
        return false;
    if (!read) {
        if (!emulation_read(emulation, linear, &value))
            return false;
        write_port(emulation, value);
    }
    operand_step(frame, instruction, read ? OPERAND_RDI : OPERAND_RSI);
    return true;
}

static bool is_string(const struct instruction *instruction)
{
    return instruction->operation == OPERATION_INS || instruction->operation == OPERATION_OUTS;
}

bool emulation_port(struct emulation *emulation)
{
    if (!is_string(&emulation->instruction)) {
        transfer_register(emulation);
        return true;
    }
    return emulation_is_spent(emulation) || transfer_element(emulation);
}
