/* SPDX-License-Identifier: MIT */
/* Ports of a guest that has a right to none of them: they read as all ones, and what is written is dropped. */
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

#define NOTHING_THERE UINT64_MAX

static bool is_read(const struct instruction *instruction)
{
    return instruction->operation == OPERATION_IN || instruction->operation == OPERATION_INS;
}

/* ins writes to es:rdi; outs reads at rsi, in a segment that a prefix may choose. */
static bool transfer_element(struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;
    struct cpu_frame *frame = emulation->vcpu->frame;
    bool read = is_read(instruction);
    uint64_t linear, value;

    if (!emulation_linear(emulation, read ? SEGMENT_ES : instruction->segment, operand_offset(frame, instruction),
                          &linear))
        return false;
    if (read && !emulation_write(emulation, linear, NOTHING_THERE))
        return false;
    if (!read && !emulation_read(emulation, linear, &value))
        return false;
    operand_step(frame, instruction, read ? OPERAND_RDI : OPERAND_RSI);
    return true;
}

static bool is_string(const struct instruction *instruction)
{
    return instruction->operation == OPERATION_INS || instruction->operation == OPERATION_OUTS;
}

bool emulation_port(struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;
    const struct hv_vcpu *vcpu = emulation->vcpu;

    if (!is_string(instruction)) {
        if (is_read(instruction))
            operand_set_register(vcpu->frame, OPERAND_RAX, instruction->bytes, NOTHING_THERE);
        return true;
    }
    /* Memory is reached with the rights of the kernel.  A 64-bit guest's user mode has tables of its own; here not. */
    if (!hv_domain_is_64bit(hv_vcpu_domain(vcpu)) && !emulation_in_kernel(vcpu))
        return false;
    return emulation_is_spent(emulation) || transfer_element(emulation);
}
