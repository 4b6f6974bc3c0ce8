/* SPDX-License-Identifier: MIT */
/*
 * Every gate of a guest's is stored with privilege 0 (engine/descriptor.c), so that the processor refuses its use; what
 * it was to allow stands in the RPL of its target.  From there on this does what the processor would: Intel SDM volume
 * 2, CALL, and volume 3, 5.8.3 to 5.8.5, with the stack of [stack_switch] in place of the TSS's.
 *
 * In order: exceptions; the gate; its target; the stack; the whole.
 */
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/emulate_gate.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

#define GATE_SYSTEM_TYPE(descriptor) ((unsigned)((descriptor) >> 40) & 0x1fu) /* with the bit that tells a segment */
#define TYPE_CALL_GATE               0xcu
#define PARAMETERS_MAX               31u
#define WORD                         4u

/* What a call leaves on the stack: the return address, and with a change of stack the old one above the parameters. */
#define WORDS_SAME  2u
#define WORDS_INNER 4u

struct gate {
    uint32_t offset;
    unsigned selector;   /* of the target; its RPL is not looked at */
    unsigned privilege;  /* the least that may use it */
    unsigned parameters; /* words to copy to another stack */
};

struct stack {
    unsigned selector;
    uint64_t descriptor; /* of its segment */
    uint32_t pointer;
    unsigned error; /* of a stack fault */
};

struct passage {
    struct emulation emulation;
    struct gate gate;
    uint64_t code;     /* the descriptor of the target */
    unsigned from, to; /* rings */
};

/*
 * ---- Exceptions.  All of them come at the instruction, and nothing has changed.
 */

static bool raise(struct passage *passage, unsigned vector, unsigned selector)
{
    bounce_exception_error(passage->emulation.vcpu, vector, selector & ~SELECTOR_PRIVILEGE);
    passage->emulation.result = EMULATE_DONE;
    return false;
}

/*
 * ---- The gate.
 */

/* The gate that @selector names, which the processor has refused. */
static bool find_gate(const struct hv_vcpu *vcpu, unsigned selector, struct gate *gate)
{
    uint64_t descriptor;

    if (!segment_find(vcpu, selector, &descriptor) || !(descriptor & DESCRIPTOR_PRESENT) ||
        GATE_SYSTEM_TYPE(descriptor) != TYPE_CALL_GATE)
        return false;
    gate->offset = (uint32_t)((descriptor & 0xffff) | (descriptor >> 32 & 0xffff0000));
    gate->selector = (unsigned)(descriptor >> 16) & 0xffff & ~SELECTOR_PRIVILEGE;
    gate->privilege = (unsigned)(descriptor >> 16) & SELECTOR_PRIVILEGE;
    gate->parameters = (unsigned)(descriptor >> 32) & PARAMETERS_MAX;
    return true;
}

/* The selector that the instruction names, in itself or behind an offset in memory. */
static bool read_selector(struct passage *passage, unsigned *selector)
{
    struct emulation *emulation = &passage->emulation;
    const struct instruction *instruction = &emulation->instruction;
    struct place place = {instruction->segment, 0, instruction->bytes + 2, SEGMENT_READ};
    uint8_t pointer[10];
    uint64_t linear;

    *selector = instruction->selector;
    if (instruction->kind == OPERAND_IMMEDIATE)
        return true;
    place.offset = operand_offset(emulation->vcpu->frame, instruction);
    if (!emulation_operand(emulation, place, &linear) || !emulation_copy_in(emulation, pointer, linear, place.bytes))
        return false;
    *selector = pointer[instruction->bytes] | (unsigned)pointer[instruction->bytes + 1] << 8;
    return true;
}

/* Is it such an instruction, through the gate that faulted, and may whoever runs use that? */
static bool begin(struct passage *passage, struct hv_vcpu *vcpu)
{
    struct emulation *emulation = &passage->emulation;
    unsigned selector, error = (unsigned)vcpu->frame->error & 0xffff;

    if (!emulation_begin(emulation, vcpu) || emulation->instruction.operation < OPERATION_CALL_FAR ||
        !find_gate(vcpu, error, &passage->gate) || !read_selector(passage, &selector))
        return false;
    passage->from = (unsigned)TRAP_RING(vcpu->frame);
    return ((selector ^ error) & ~SELECTOR_PRIVILEGE) == 0 && passage->from <= passage->gate.privilege &&
           (selector & SELECTOR_PRIVILEGE) <= passage->gate.privilege;
}

/*
 * ---- The target.
 */

/* Nobody gets to a ring with fewer rights, and by a jump to no other at all; no guest has one below its kernel's. */
static bool target_is_open(const struct passage *passage)
{
    bool may_enter =
        (passage->code & DESCRIPTOR_CONFORMING) || passage->emulation.instruction.operation == OPERATION_CALL_FAR;
    unsigned privilege = segment_privilege(passage->code), least = may_enter ? NARROW_KERNEL_RING : passage->from;

    return privilege >= least && privilege <= passage->from && !(passage->code & DESCRIPTOR_LONG);
}

static bool find_target(struct passage *passage)
{
    const uint64_t kind = DESCRIPTOR_SEGMENT | DESCRIPTOR_CODE;
    unsigned selector = passage->gate.selector;

    if (selector == 0)
        return raise(passage, VECTOR_PROTECTION, 0);
    if (!segment_find(passage->emulation.vcpu, selector, &passage->code) || (passage->code & kind) != kind ||
        !target_is_open(passage))
        return raise(passage, VECTOR_PROTECTION, selector);
    if (!(passage->code & DESCRIPTOR_PRESENT))
        return raise(passage, VECTOR_NO_SEGMENT, selector);
    passage->to = passage->code & DESCRIPTOR_CONFORMING ? passage->from : segment_privilege(passage->code);
    return true;
}

/*
 * ---- The stack.
 */

/* The one in use, whose descriptor may be gone since. */
static bool current_stack(struct passage *passage, struct stack *stack)
{
    const struct cpu_frame *frame = passage->emulation.vcpu->frame;

    *stack = (struct stack){frame->ss & 0xffff, 0, (uint32_t)frame->rsp, 0};
    return segment_find(passage->emulation.vcpu, stack->selector, &stack->descriptor) ||
           raise(passage, VECTOR_STACK, 0);
}

/* The kernel's; a guest has none for ring 2, as with a null selector in a TSS. */
static bool kernel_stack(struct passage *passage, struct stack *stack)
{
    const struct hv_vcpu *vcpu = passage->emulation.vcpu;
    unsigned selector = (vcpu->bounce.kernel_ss & 0xffff & ~SELECTOR_PRIVILEGE) | NARROW_KERNEL_RING;

    if (passage->to != NARROW_KERNEL_RING || selector == NARROW_KERNEL_RING)
        return raise(passage, VECTOR_INVALID_TSS, 0);
    *stack = (struct stack){selector, 0, (uint32_t)vcpu->bounce.kernel_sp, selector};
    if (!segment_find(vcpu, selector, &stack->descriptor) ||
        segment_privilege(stack->descriptor) != NARROW_KERNEL_RING ||
        !segment_allows(stack->descriptor | DESCRIPTOR_PRESENT, SEGMENT_WRITE))
        return raise(passage, VECTOR_INVALID_TSS, selector);
    return (stack->descriptor & DESCRIPTOR_PRESENT) || raise(passage, VECTOR_STACK, selector);
}

/* A stack pointer has as many bits as its segment says. */
static uint32_t pointer_mask(const struct stack *stack)
{
    return stack->descriptor & DESCRIPTOR_DEFAULT ? UINT32_MAX : UINT16_MAX;
}

/* Where the @bytes lie that the stack pointer is at. */
static bool find_on_stack(struct passage *passage, const struct stack *stack, unsigned bytes, enum segment_use use,
                          uint64_t *linear)
{
    uint32_t offset = stack->pointer & pointer_mask(stack);

    *linear = (uint32_t)(segment_base(stack->descriptor) + offset);
    return (segment_allows(stack->descriptor, use) && segment_holds(stack->descriptor, offset, bytes)) ||
           raise(passage, VECTOR_STACK, stack->error);
}

/* They are read with the rights of who passes them. */
static bool copy_parameters(struct passage *passage, uint32_t *words)
{
    unsigned bytes = passage->gate.parameters * WORD;
    struct stack old;
    uint64_t linear;

    return bytes == 0 || (current_stack(passage, &old) && find_on_stack(passage, &old, bytes, SEGMENT_READ, &linear) &&
                          emulation_copy_in(&passage->emulation, words, linear, bytes));
}

static uint32_t return_address(const struct emulation *emulation)
{
    return (uint32_t)(emulation->vcpu->frame->rip + emulation->instruction.length);
}

/* Onto the stack of the ring that is entered, with that one's rights; the bits that are none of its pointer's stay. */
static bool push(struct passage *passage, struct stack *stack, const uint32_t *words, unsigned count)
{
    uint32_t mask = pointer_mask(stack);
    uint64_t linear;

    stack->pointer = (stack->pointer & ~mask) | ((stack->pointer - count * WORD) & mask);
    passage->emulation.by_program = passage->to == 3;
    return find_on_stack(passage, stack, count * WORD, SEGMENT_WRITE, &linear) &&
           emulation_copy_out(&passage->emulation, linear, words, count * WORD);
}

static bool push_inner(struct passage *passage, struct stack *stack)
{
    const struct cpu_frame *frame = passage->emulation.vcpu->frame;
    uint32_t words[PARAMETERS_MAX + WORDS_INNER] = {return_address(&passage->emulation), (uint16_t)frame->cs};
    unsigned count = passage->gate.parameters + WORDS_INNER;

    words[count - 2] = (uint32_t)frame->rsp;
    words[count - 1] = (uint16_t)frame->ss;
    return kernel_stack(passage, stack) && copy_parameters(passage, words + 2) && push(passage, stack, words, count);
}

static bool push_same(struct passage *passage, struct stack *stack)
{
    const uint32_t words[WORDS_SAME] = {return_address(&passage->emulation),
                                        (uint16_t)passage->emulation.vcpu->frame->cs};

    return current_stack(passage, stack) && push(passage, stack, words, WORDS_SAME);
}

/*
 * ---- The whole.
 */

static bool pass(struct passage *passage)
{
    struct hv_vcpu *vcpu = passage->emulation.vcpu;
    struct cpu_frame *frame = vcpu->frame;
    struct stack stack = {.selector = frame->ss & 0xffff, .pointer = (uint32_t)frame->rsp};

    if (!find_target(passage))
        return false;
    if (!segment_holds(passage->code, passage->gate.offset, 1))
        return raise(passage, VECTOR_PROTECTION, 0);
    if (passage->emulation.instruction.operation == OPERATION_CALL_FAR &&
        !(passage->to < passage->from ? push_inner(passage, &stack) : push_same(passage, &stack)))
        return false;
    frame->cs = passage->gate.selector | passage->to;
    frame->rip = passage->gate.offset;
    frame->ss = stack.selector;
    frame->rsp = stack.pointer;
    emulation_retire(vcpu);
    return true;
}

enum emulate_result emulate_gate(struct hv_vcpu *vcpu)
{
    struct passage passage;

    if (hv_vcpu_is_64bit(vcpu))
        return EMULATE_UNKNOWN;
    if (!begin(&passage, vcpu))
        return passage.emulation.result;
    return pass(&passage) ? EMULATE_DONE : passage.emulation.result;
}
