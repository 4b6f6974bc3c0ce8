/* SPDX-License-Identifier: MIT */
/* In order: who runs; segments; memory; fetch and decode; the end of the instruction; CR0. */
#include <abi/segment.h>
#include <engine/access.h>
#include <engine/reach.h>
#include <hv/base/asm.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>

#define DR6_STEP UINT64_C(0x4000)

bool emulation_in_kernel(const struct hv_vcpu *vcpu)
{
    return !hv_vcpu_in_user_mode(vcpu);
}

/* The hypervisor's own descriptor, which 64-bit kernels run on: nothing to look up. */
bool emulation_in_flat_code(const struct hv_vcpu *vcpu)
{
    return hv_vcpu_is_64bit(vcpu) && (vcpu->frame->cs & 0xffff) == FLAT_KERNEL_CS64;
}

/*
 * ---- Segments.  The descriptor may have changed since the processor loaded it; who depends on that compares the
 * result with the address that faulted.
 */

/* The processor still holds the guest's data segments. */
static unsigned selector_of(const struct hv_vcpu *vcpu, enum segment segment)
{
    uint16_t selector = 0;

    switch (segment) {
    case SEGMENT_CS:
        return vcpu->frame->cs & 0xffff;
    case SEGMENT_SS:
        return vcpu->frame->ss & 0xffff;
    case SEGMENT_DS:
        __asm__ volatile("mov %%ds, %0" : "=r"(selector));
        break;
    case SEGMENT_ES:
        __asm__ volatile("mov %%es, %0" : "=r"(selector));
        break;
    case SEGMENT_FS:
        __asm__ volatile("mov %%fs, %0" : "=r"(selector));
        break;
    case SEGMENT_GS:
        __asm__ volatile("mov %%gs, %0" : "=r"(selector));
        break;
    }
    return selector;
}

/* The bases of fs and gs are registers of their own in every mode. */
static uint64_t base_of(enum segment segment, uint64_t descriptor)
{
    if (segment == SEGMENT_FS)
        return state_fs_base();
    if (segment == SEGMENT_GS)
        return state_gs_base();
    return segment_base(descriptor);
}

static bool find_segment(const struct emulation *emulation, enum segment segment, uint64_t *descriptor)
{
    const struct hv_vcpu *vcpu = emulation->vcpu;
    unsigned selector = selector_of(vcpu, segment);

    *descriptor = emulation->code;
    if (segment == SEGMENT_CS)
        return true;
    return segment_find(vcpu, selector, descriptor) &&
           segment_is_open(*descriptor, selector, (unsigned)TRAP_RING(vcpu->frame));
}

bool emulation_linear(const struct emulation *emulation, struct place place, uint64_t *linear)
{
    uint64_t descriptor = 0;

    if (emulation->mode == DECODE_64) {
        *linear = base_of(place.segment, 0) + place.offset;
        return true;
    }
    if (!find_segment(emulation, place.segment, &descriptor) || !segment_allows(descriptor, place.use) ||
        !segment_holds(descriptor, place.offset, place.bytes))
        return false;
    *linear = (uint32_t)(base_of(place.segment, descriptor) + place.offset);
    return true;
}

bool emulation_operand(struct emulation *emulation, struct place place, uint64_t *linear)
{
    if (emulation_linear(emulation, place, linear))
        return true;
    if (place.segment == SEGMENT_SS) {
        bounce_exception_error(emulation->vcpu, VECTOR_STACK, 0);
        emulation->result = EMULATE_DONE;
    }
    return false;
}

/*
 * ---- Memory.
 */

/*
 * Where the kernel's pages are kept from programs by their user bit, the hypervisor is not kept from them.  Whoever
 * changes an entry afterwards is the guest's kernel, on another processor, and has yet to flush this one.
 */
static bool may_reach(const struct emulation *emulation, uint64_t linear, unsigned size)
{
    return !emulation->by_program || reach_by_program(&emulation->vcpu->engine, VADDR(linear), size);
}

static bool try_in(const struct emulation *emulation, void *to, uint64_t linear, unsigned size)
{
    return may_reach(emulation, linear, size) && access_read(&emulation->vcpu->engine, to, VADDR(linear), size);
}

static bool try_out(const struct emulation *emulation, uint64_t linear, const void *from, unsigned size)
{
    return may_reach(emulation, linear, size) && access_write(&emulation->vcpu->engine, VADDR(linear), from, size);
}

static uint64_t next_page(uint64_t linear)
{
    return (linear | (PAGE_SIZE - 1)) + 1;
}

/* The error code tells a page that is there, read-only or the kernel's, from one that is not; and who it was. */
static bool fault_at(struct emulation *emulation, uint64_t linear, uint64_t error)
{
    struct hv_vcpu *vcpu = emulation->vcpu;
    uint8_t byte;

    if (!access_address_ok(vcpu->engine.domain, linear))
        return false;
    if (access_read(&vcpu->engine, &byte, VADDR(linear), 1))
        error |= PAGE_FAULT_PRESENT;
    if (emulation->by_program)
        error |= PAGE_FAULT_USER;
    bounce_page_fault(vcpu, linear, error);
    emulation->result = EMULATE_DONE;
    return false;
}

/* What reaches into a second page, and fails there, does not fail where it begins. */
bool emulation_copy_in(struct emulation *emulation, void *to, uint64_t linear, unsigned size)
{
    if (try_in(emulation, to, linear, size))
        return true;
    return fault_at(emulation, try_in(emulation, to, linear, 1) ? next_page(linear) : linear, 0);
}

bool emulation_copy_out(struct emulation *emulation, uint64_t linear, const void *from, unsigned size)
{
    if (try_out(emulation, linear, from, size))
        return true;
    return fault_at(emulation, try_out(emulation, linear, from, 1) ? next_page(linear) : linear, PAGE_FAULT_WRITE);
}

bool emulation_read(struct emulation *emulation, uint64_t linear, uint64_t *value)
{
    *value = 0;
    return emulation_copy_in(emulation, value, linear, emulation->instruction.bytes);
}

bool emulation_write(struct emulation *emulation, uint64_t linear, uint64_t value)
{
    return emulation_copy_out(emulation, linear, &value, emulation->instruction.bytes);
}

/*
 * ---- Fetch and decode.
 */

static unsigned rip_bytes(enum decode_mode mode)
{
    static const unsigned bytes[] = {[DECODE_16] = 2, [DECODE_32] = 4, [DECODE_64] = 8};

    return bytes[mode];
}

static bool find_code(const struct emulation *emulation, unsigned offset, unsigned bytes, uint64_t *linear)
{
    uint64_t at = emulation->vcpu->frame->rip + offset;

    /* What 64-bit kernels and their programs run: cs has no base there. */
    if (emulation->mode == DECODE_64) {
        *linear = at;
        return true;
    }
    return emulation_linear(emulation, (struct place){SEGMENT_CS, (uint32_t)at, bytes, SEGMENT_EXECUTE}, linear);
}

/* How many of @wanted bytes, the first of which is @offset behind rip and at *@linear, its segment and page have. */
static unsigned code_room(const struct emulation *emulation, unsigned offset, unsigned wanted, uint64_t *linear)
{
    if (!find_code(emulation, offset, 1, linear))
        return 0;
    if (wanted > PAGE_SIZE - *linear % PAGE_SIZE)
        wanted = (unsigned)(PAGE_SIZE - *linear % PAGE_SIZE);
    while (emulation->mode != DECODE_64 && !find_code(emulation, offset, wanted, linear))
        wanted--;
    return wanted;
}

bool emulation_open(struct emulation *emulation, struct hv_vcpu *vcpu)
{
    bool wide = hv_vcpu_is_64bit(vcpu);

    *emulation = (struct emulation){
        .vcpu = vcpu,
        .result = EMULATE_UNKNOWN,
        .mode = DECODE_64,
        .by_program = !wide && TRAP_RING(vcpu->frame) == 3,
    };
    if (emulation_in_flat_code(vcpu))
        return true;
    if (!segment_find(vcpu, vcpu->frame->cs & 0xffff, &emulation->code) ||
        !segment_allows(emulation->code, SEGMENT_EXECUTE))
        return false;
    emulation->mode = segment_mode(emulation->code);
    return wide || emulation->mode != DECODE_64;
}

bool emulation_get_code(const struct emulation *emulation, unsigned offset, uint8_t *bytes, unsigned count)
{
    uint64_t linear;

    return find_code(emulation, offset, count, &linear) && try_in(emulation, bytes, linear, count);
}

void emulation_fault_code(struct emulation *emulation, unsigned offset)
{
    uint64_t linear;

    if (find_code(emulation, offset, 1, &linear))
        fault_at(emulation, linear, PAGE_FAULT_FETCH);
}

bool emulation_begin(struct emulation *emulation, struct hv_vcpu *vcpu)
{
    uint8_t bytes[INSTRUCTION_BYTES_MAX];
    enum decode_result decoded;
    unsigned count = 0;

    if (!emulation_open(emulation, vcpu))
        return false;
    /* Page by page, since the instruction may end before a page that cannot be read. */
    do {
        uint64_t linear;
        unsigned part = code_room(emulation, count, INSTRUCTION_BYTES_MAX - count, &linear);

        if (part == 0)
            return false;
        if (!try_in(emulation, bytes + count, linear, part))
            return fault_at(emulation, linear, PAGE_FAULT_FETCH);
        count += part;
        decoded = decode(emulation->mode, bytes, count, &emulation->instruction);
    } while (decoded == DECODE_SHORT);
    return decoded == DECODE_OK;
}

/*
 * ---- The end of the instruction.
 */

bool emulation_is_spent(const struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;

    return instruction->repeat &&
           operand_get_register(emulation->vcpu->frame, OPERAND_RCX, instruction->address_bytes) == 0;
}

/* Count an element of a repeated instruction.  True: there are more. */
static bool count_element(const struct emulation *emulation)
{
    const struct instruction *instruction = &emulation->instruction;
    struct cpu_frame *frame = emulation->vcpu->frame;
    uint64_t left;

    if (!instruction->repeat || emulation_is_spent(emulation))
        return false;
    left = operand_get_register(frame, OPERAND_RCX, instruction->address_bytes) - 1;
    operand_set_register(frame, OPERAND_RCX, instruction->address_bytes, left);
    return left != 0;
}

void emulation_step(struct hv_vcpu *vcpu)
{
    vcpu->state.debug[6] |= DR6_STEP;
    bounce_exception(vcpu, VECTOR_DEBUG);
}

void emulation_finish(const struct emulation *emulation)
{
    struct cpu_frame *frame = emulation->vcpu->frame;

    if (!count_element(emulation))
        frame->rip = alu_truncate(frame->rip + emulation->instruction.length, rip_bytes(emulation->mode));
    emulation_retire(emulation->vcpu);
}

uint64_t emulation_cr0(const struct hv_vcpu *vcpu)
{
    uint64_t cr0 = asm_read_cr0() & ~CR0_TS;

    return vcpu->state.task_switched ? cr0 | CR0_TS : cr0;
}
