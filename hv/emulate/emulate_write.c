/* SPDX-License-Identifier: MIT */
/*
 * Writes of a guest's kernel to its page tables: [vm_assist] of abi/.  The instruction becomes a struct table_write,
 * which the engine judges and carries out as one step; registers and flags follow from what it saw.
 */
#include <engine/engine.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/code_word.h>
#include <hv/emulate/emulate_write.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

enum source {
    SOURCE_OPERAND, /* the register or immediate */
    SOURCE_MEMORY,  /* rsi */
    SOURCE_ACCUMULATOR,
    SOURCE_PAIR, /* ecx:ebx */
    SOURCE_ONE,
    SOURCE_TARGET, /* what stands where the instruction writes to; the write compares with it */
    SOURCE_BIT,    /* the one that the operand numbers */
};

enum adjust {
    ADJUST_NONE,
    ADJUST_NEGATE,
    ADJUST_INVERT,
};

enum outcome {
    OUTCOME_NONE,
    OUTCOME_ADD,
    OUTCOME_SUBTRACT,
    OUTCOME_NEGATE, /* subtraction from 0 */
    OUTCOME_LOGIC,
    OUTCOME_BIT,          /* CF is the bit that was there */
    OUTCOME_COMPARE,      /* cmpxchg: flags and the accumulator */
    OUTCOME_COMPARE_PAIR, /* cmpxchg8b: ZF and edx:eax */
};

/* How an instruction is done as one write. */
struct rule {
    enum write_form form;
    enum source source;
    enum adjust adjust; /* from the source to the operand of the write */
    enum outcome outcome;
    bool adds_carry; /* to the source */
    bool keeps_carry;
    bool returns_seen; /* in its register operand */
};

static const struct rule rules[] = {
    [OPERATION_MOV] = {.form = WRITE_MOV, .source = SOURCE_OPERAND},
    [OPERATION_MOVS] = {.form = WRITE_MOV, .source = SOURCE_MEMORY},
    [OPERATION_STOS] = {.form = WRITE_MOV, .source = SOURCE_ACCUMULATOR},
    [OPERATION_XCHG] = {.form = WRITE_XCHG, .source = SOURCE_OPERAND, .returns_seen = true},
    [OPERATION_CMPXCHG] = {.form = WRITE_CMPXCHG, .source = SOURCE_OPERAND, .outcome = OUTCOME_COMPARE},
    [OPERATION_CMPXCHG8B] = {.form = WRITE_CMPXCHG, .source = SOURCE_PAIR, .outcome = OUTCOME_COMPARE_PAIR},
    [OPERATION_XADD] = {.form = WRITE_ADD, .source = SOURCE_OPERAND, .outcome = OUTCOME_ADD, .returns_seen = true},
    [OPERATION_ADD] = {.form = WRITE_ADD, .source = SOURCE_OPERAND, .outcome = OUTCOME_ADD},
    [OPERATION_ADC] = {.form = WRITE_ADD, .source = SOURCE_OPERAND, .outcome = OUTCOME_ADD, .adds_carry = true},
    [OPERATION_SBB] = {.form = WRITE_ADD,
                       .source = SOURCE_OPERAND,
                       .adjust = ADJUST_NEGATE,
                       .outcome = OUTCOME_SUBTRACT,
                       .adds_carry = true},
    [OPERATION_SUB] = {.form = WRITE_ADD,
                       .source = SOURCE_OPERAND,
                       .adjust = ADJUST_NEGATE,
                       .outcome = OUTCOME_SUBTRACT},
    [OPERATION_AND] = {.form = WRITE_AND, .source = SOURCE_OPERAND, .outcome = OUTCOME_LOGIC},
    [OPERATION_OR] = {.form = WRITE_OR, .source = SOURCE_OPERAND, .outcome = OUTCOME_LOGIC},
    [OPERATION_XOR] = {.form = WRITE_XOR, .source = SOURCE_OPERAND, .outcome = OUTCOME_LOGIC},
    [OPERATION_INC] = {.form = WRITE_ADD, .source = SOURCE_ONE, .outcome = OUTCOME_ADD, .keeps_carry = true},
    [OPERATION_DEC] = {.form = WRITE_ADD,
                       .source = SOURCE_ONE,
                       .adjust = ADJUST_NEGATE,
                       .outcome = OUTCOME_SUBTRACT,
                       .keeps_carry = true},
    [OPERATION_NOT] = {.form = WRITE_XOR, .source = SOURCE_ONE, .adjust = ADJUST_NEGATE},
    [OPERATION_NEG] = {.form = WRITE_CMPXCHG,
                       .source = SOURCE_TARGET,
                       .adjust = ADJUST_NEGATE,
                       .outcome = OUTCOME_NEGATE},
    [OPERATION_BTS] = {.form = WRITE_OR, .source = SOURCE_BIT, .outcome = OUTCOME_BIT},
    [OPERATION_BTR] = {.form = WRITE_AND, .source = SOURCE_BIT, .adjust = ADJUST_INVERT, .outcome = OUTCOME_BIT},
    [OPERATION_BTC] = {.form = WRITE_XOR, .source = SOURCE_BIT, .outcome = OUTCOME_BIT},
};
_Static_assert(ARRAY_SIZE(rules) == OPERATION_BTC + 1, "the operations that write to memory come first");

static const struct rule *find_rule(enum operation operation)
{
    return operation != OPERATION_NONE && operation < ARRAY_SIZE(rules) ? &rules[operation] : NULL;
}

static uint64_t register_pair(const struct cpu_frame *frame, unsigned high, unsigned low)
{
    return operand_get_register(frame, high, 4) << 32 | operand_get_register(frame, low, 4);
}

/* What movs reads before it writes. */
static bool read_memory(struct emulation *emulation, uint64_t *value)
{
    const struct instruction *instruction = &emulation->instruction;
    uint64_t offset = operand_get_register(emulation->vcpu->frame, OPERAND_RSI, instruction->address_bytes), linear;
    const struct place place = {instruction->segment, offset, instruction->bytes, SEGMENT_READ};

    return emulation_linear(emulation, place, &linear) && emulation_read(emulation, linear, value);
}

/* @address is where the instruction writes to.  False: emulation->result. */
static bool find_source(struct emulation *emulation, enum source source, uint64_t address, uint64_t *value)
{
    const struct instruction *instruction = &emulation->instruction;
    const struct cpu_frame *frame = emulation->vcpu->frame;

    switch (source) {
    case SOURCE_OPERAND:
        *value = operand_get(frame, instruction);
        return true;
    case SOURCE_MEMORY:
        return read_memory(emulation, value);
    case SOURCE_ACCUMULATOR:
        *value = operand_get_register(frame, OPERAND_RAX, instruction->bytes);
        return true;
    case SOURCE_PAIR:
        *value = register_pair(frame, OPERAND_RCX, OPERAND_RBX);
        return true;
    case SOURCE_ONE:
        *value = 1;
        return true;
    case SOURCE_TARGET:
        return emulation_read(emulation, address, value);
    case SOURCE_BIT:
        *value = UINT64_C(1) << operand_get(frame, instruction) % (8 * instruction->bytes);
        return true;
    }
    return false;
}

static bool carry_in(const struct rule *rule, const struct cpu_frame *frame)
{
    return rule->adds_carry && (frame->rflags & RFLAGS_CF);
}

static uint64_t adjusted(uint64_t value, enum adjust adjust)
{
    switch (adjust) {
    case ADJUST_NONE:
        return value;
    case ADJUST_NEGATE:
        return -value;
    case ADJUST_INVERT:
        return ~value;
    }
    return value;
}

static uint64_t logic_result(const struct table_write *write)
{
    switch (write->form) {
    case WRITE_AND:
        return write->seen & write->operand;
    case WRITE_OR:
        return write->seen | write->operand;
    default:
        return write->seen ^ write->operand;
    }
}

static uint64_t set_flag(uint64_t rflags, uint64_t flag, bool set)
{
    return set ? rflags | flag : rflags & ~flag;
}

static uint64_t flags_after(const struct rule *rule, const struct table_write *write, uint64_t source,
                            const struct cpu_frame *frame)
{
    uint64_t rflags = frame->rflags;
    bool carry = carry_in(rule, frame);

    switch (rule->outcome) {
    case OUTCOME_NONE:
        return rflags;
    case OUTCOME_ADD:
        return alu_flags_add(rflags, write->seen, source, carry, write->bytes);
    case OUTCOME_SUBTRACT:
        return alu_flags_subtract(rflags, write->seen, source, carry, write->bytes);
    case OUTCOME_NEGATE:
        return alu_flags_subtract(rflags, 0, write->seen, false, write->bytes);
    case OUTCOME_LOGIC:
        return alu_flags_logic(rflags, logic_result(write), write->bytes);
    case OUTCOME_BIT:
        return set_flag(rflags, RFLAGS_CF, write->seen & source);
    case OUTCOME_COMPARE:
        return alu_flags_subtract(rflags, write->expected, write->seen, false, write->bytes);
    case OUTCOME_COMPARE_PAIR:
        return set_flag(rflags, RFLAGS_ZF, write->expected == write->seen);
    }
    return rflags;
}

/* A comparison that failed leaves what it saw; one that did not changes no register. */
static void set_compared(struct cpu_frame *frame, const struct rule *rule, const struct table_write *write)
{
    if (write->expected == write->seen)
        return;
    if (rule->outcome == OUTCOME_COMPARE) {
        operand_set_register(frame, OPERAND_RAX, write->bytes, write->seen);
    } else if (rule->outcome == OUTCOME_COMPARE_PAIR) {
        operand_set_register(frame, OPERAND_RAX, 4, write->seen);
        operand_set_register(frame, OPERAND_RDX, 4, write->seen >> 32);
    }
}

/* The write has been done: bring the registers up to date. */
static void settle(const struct emulation *emulation, const struct rule *rule, const struct table_write *write,
                   uint64_t source)
{
    const struct instruction *instruction = &emulation->instruction;
    struct cpu_frame *frame = emulation->vcpu->frame;
    uint64_t kept = frame->rflags & RFLAGS_CF;

    frame->rflags = flags_after(rule, write, source, frame);
    if (rule->keeps_carry)
        frame->rflags = set_flag(frame->rflags, RFLAGS_CF, kept);
    if (rule->returns_seen)
        operand_set(frame, instruction, write->seen);
    set_compared(frame, rule, write);
    if (instruction->operation == OPERATION_MOVS)
        operand_step(frame, instruction, OPERAND_RSI);
    if (instruction->operation == OPERATION_MOVS || instruction->operation == OPERATION_STOS)
        operand_step(frame, instruction, OPERAND_RDI);
    emulation_finish(emulation);
}

/* The segment that the instruction writes to; a string instruction's cannot be chosen. */
static enum segment target_segment(const struct instruction *instruction)
{
    bool string = instruction->operation == OPERATION_MOVS || instruction->operation == OPERATION_STOS;

    return string ? SEGMENT_ES : instruction->segment;
}

/* Is the instruction what faulted?  Another vCPU may have changed it. */
static bool writes_to(const struct emulation *emulation, uint64_t address)
{
    const struct instruction *instruction = &emulation->instruction;
    const struct place place = {target_segment(instruction), operand_offset(emulation->vcpu->frame, instruction),
                                instruction->bytes, SEGMENT_WRITE};
    uint64_t linear;

    return emulation_linear(emulation, place, &linear) && linear == address;
}

static uint64_t expected_value(const struct emulation *emulation, const struct rule *rule, uint64_t source)
{
    const struct cpu_frame *frame = emulation->vcpu->frame;

    if (rule->source == SOURCE_TARGET)
        return source;
    if (rule->outcome == OUTCOME_COMPARE_PAIR)
        return register_pair(frame, OPERAND_RDX, OPERAND_RAX);
    return operand_get_register(frame, OPERAND_RAX, emulation->instruction.bytes);
}

/*
 * ---- The short way of what 64-bit kernels write entries with: mov and xchg of a register of 64 bits, with REX and no
 * other prefix, to [register], with a displacement or without.  What it does not know goes the long way, which reads
 * the code anew; what it does know, the long way would do the same.
 */

#define REX_W       0x48u
#define REX_R       0x04u
#define REX_X       0x02u
#define REX_B       0x01u
#define OPCODE_XCHG 0x87u
#define OPCODE_MOV  0x89u

struct short_write {
    unsigned length, source; /* of the instruction; the register that is stored */
    bool exchanges;
    uint64_t address;
};

/* @code: eight bytes, of which the instruction has seven at most. */
static bool decode_short(const struct cpu_frame *frame, uint64_t code, struct short_write *found)
{
    unsigned rex = code & 0xff, opcode = code >> 8 & 0xff, mode = code >> 22 & 3, base = code >> 16 & 7;
    int64_t displacement = 0;

    if ((rex & ~(REX_R | REX_X | REX_B)) != REX_W || (opcode != OPCODE_MOV && opcode != OPCODE_XCHG))
        return false;
    /* Two registers; a further byte says more; relative to rip. */
    if (mode == 3 || base == 4 || (mode == 0 && base == 5))
        return false;
    if (mode == 1)
        displacement = (int8_t)(code >> 24);
    else if (mode == 2)
        displacement = (int32_t)(code >> 24);
    base |= rex & REX_B ? 8 : 0;
    *found = (struct short_write){
        .length = mode == 0   ? 3
                  : mode == 1 ? 4
                              : 7,
        .source = (code >> 19 & 7) | (rex & REX_R ? 8 : 0),
        .exchanges = opcode == OPCODE_XCHG,
        .address = operand_get_register(frame, base, 8) + (uint64_t)displacement,
    };
    return true;
}

static enum emulate_result write_short(struct hv_vcpu *vcpu, const struct short_write *found)
{
    struct cpu_frame *frame = vcpu->frame;
    struct table_write write = {
        .form = found->exchanges ? WRITE_XCHG : WRITE_MOV,
        .vaddr = VADDR(found->address),
        .bytes = 8,
        .operand = operand_get_register(frame, found->source, 8),
    };

    if (table_write_emulate(&vcpu->engine, &write))
        return EMULATE_UNKNOWN;
    if (found->exchanges)
        operand_set_register(frame, found->source, 8, write.seen);
    code_word_pass(vcpu, found->length);
    return EMULATE_DONE;
}

/* By itself, so that the short way needs no room for it. */
static __attribute__((noinline)) enum emulate_result write_long(struct hv_vcpu *vcpu, uint64_t address)
{
    struct emulation emulation;
    struct table_write write;
    const struct rule *rule;
    uint64_t source = 0;

    if (!emulation_begin(&emulation, vcpu))
        return emulation.result;
    rule = find_rule(emulation.instruction.operation);
    if (!rule || emulation_is_spent(&emulation) || !writes_to(&emulation, address))
        return EMULATE_UNKNOWN;
    if (!find_source(&emulation, rule->source, address, &source))
        return emulation.result;
    write = (struct table_write){
        .form = rule->form,
        .vaddr = VADDR(address),
        .bytes = emulation.instruction.bytes,
        .operand = adjusted(source + carry_in(rule, vcpu->frame), rule->adjust),
        .expected = expected_value(&emulation, rule, source),
    };
    if (table_write_emulate(&vcpu->engine, &write))
        return EMULATE_UNKNOWN;
    /* Somebody has changed what was read: the guest executes the instruction again. */
    if (rule->source == SOURCE_TARGET && write.seen != write.expected)
        return EMULATE_DONE;
    settle(&emulation, rule, &write, source);
    return EMULATE_DONE;
}

enum emulate_result emulate_write(struct hv_vcpu *vcpu, uint64_t address, uint64_t error)
{
    const uint64_t cause = PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE;
    struct short_write found;
    uint64_t code;

    if (!vcpu->engine.domain->writable_tables || !emulation_in_kernel(vcpu) || (error & ~PAGE_FAULT_USER) != cause)
        return EMULATE_UNKNOWN;
    if (code_word_read(vcpu, &code) && decode_short(vcpu->frame, code, &found) && found.address == address)
        return write_short(vcpu, &found);
    return write_long(vcpu, address);
}
