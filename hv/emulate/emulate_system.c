/* SPDX-License-Identifier: MIT */
/*
 * What CR4.UMIP keeps from ring 3, where it would tell any program where the hypervisor's tables lie: sgdt, sidt, sldt,
 * str, smsw.  The guest's kernel gets what the processor holds, as it would without UMIP; its user mode #GP.
 */
#include <hv/base/asm.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

#define LIMIT_BYTES 2u

static bool find_operand(struct emulation *emulation, unsigned bytes, uint64_t *linear)
{
    const struct instruction *instruction = &emulation->instruction;
    const struct place place = {instruction->segment, operand_offset(emulation->vcpu->frame, instruction), bytes,
                                SEGMENT_WRITE};

    return emulation_operand(emulation, place, linear);
}

/* The limit, and behind it as much of the base as the operand has: struct table_pointer is laid out so. */
static bool store_pointer(struct emulation *emulation, struct table_pointer pointer)
{
    unsigned bytes = LIMIT_BYTES + emulation->instruction.bytes;
    uint64_t linear;

    return find_operand(emulation, bytes, &linear) && emulation_copy_out(emulation, linear, &pointer, bytes);
}

static bool store_value(struct emulation *emulation, uint64_t value)
{
    uint64_t linear;

    if (emulation->instruction.kind == OPERAND_REGISTER) {
        operand_set(emulation->vcpu->frame, &emulation->instruction, value);
        return true;
    }
    return find_operand(emulation, emulation->instruction.bytes, &linear) && emulation_write(emulation, linear, value);
}

bool emulation_system(struct emulation *emulation)
{
    switch (emulation->instruction.operation) {
    case OPERATION_SGDT:
        return store_pointer(emulation, asm_store_gdt());
    case OPERATION_SIDT:
        return store_pointer(emulation, asm_store_idt());
    case OPERATION_SLDT:
        return store_value(emulation, asm_store_ldt());
    case OPERATION_STR:
        return store_value(emulation, asm_store_task());
    case OPERATION_SMSW:
        return store_value(emulation, emulation_cr0(emulation->vcpu));
    default:
        return false;
    }
}
