/* SPDX-License-Identifier: MIT */
/* In order: segments; fetch and decode; memory; the end of the instruction; CR0. */
#include <abi/segment.h>
#include <engine/access.h>
#include <hv/base/asm.h>
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/alu.h>
#include <hv/emulate/emulation.h>
#include <hv/emulate/operand.h>
#include <hv/mem/window.h>

/* Descriptors: Intel SDM volume 3, 3.4.5. */
#define SELECTOR_TABLE     4u /* the LDT */
#define SELECTOR_PRIVILEGE 3u
#define DESCRIPTOR_SEGMENT (UINT64_C(1) << 44) /* not a system descriptor */
#define DESCRIPTOR_PRESENT (UINT64_C(1) << 47)
#define DESCRIPTOR_LONG    (UINT64_C(1) << 53)
#define DESCRIPTOR_DEFAULT (UINT64_C(1) << 54)

#define DR6_STEP UINT64_C(0x4000)

bool emulation_in_kernel(const struct hv_vcpu *vcpu)
{
    return hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? !vcpu->engine.user_mode : TRAP_RING(vcpu->frame) == 1;
}

/* The hypervisor's own descriptor, which 64-bit kernels run on: nothing to look up. */
bool emulation_in_flat_code(const struct hv_vcpu *vcpu)
{
    return hv_domain_is_64bit(hv_vcpu_domain(vcpu)) && (vcpu->frame->cs & 0xffff) == FLAT_KERNEL_CS64;
}

/*
 * ---- Segments.  The descriptor may have changed since the processor loaded it; who depends on that compares the
 * result with the address that faulted.
 */

/* The limit of the LDT is the guest's, not that of its window (XSA-298). */
static bool find_descriptor(const struct hv_vcpu *vcpu, unsigned selector, uint64_t *descriptor)
{
    uint64_t place = window_base(vcpu->window) + (selector & ~7u);

    if ((selector & ~SELECTOR_PRIVILEGE) == 0)
        return false;
    if (selector & SELECTOR_TABLE) {
        if (selector / 8 >= vcpu->engine.ldt_entries)
            return false;
        place += (uint64_t)LDT_WINDOW * PAGE_SIZE;
    }
    if (copy_recover(descriptor, (const void *)place, sizeof(*descriptor)))
        return false;
    return (*descriptor & DESCRIPTOR_PRESENT) && (*descriptor & DESCRIPTOR_SEGMENT);
}

static uint64_t descriptor_base(uint64_t descriptor)
{
    return (descriptor >> 16 & 0xffffff) | (descriptor >> 56) << 24;
}

static enum decode_mode descriptor_mode(uint64_t descriptor)
{
    if (descriptor & DESCRIPTOR_LONG)
        return DECODE_64;
    return descriptor & DESCRIPTOR_DEFAULT ? DECODE_32 : DECODE_16;
}

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
    case SEGMENT_GS:
        break;
    }
    return selector;
}

/* The bases of fs and gs are registers of their own in every mode. */
static bool find_base(const struct emulation *emulation, enum segment segment, uint64_t *base)
{
    uint64_t descriptor;

    *base = 0;
    if (segment == SEGMENT_FS || segment == SEGMENT_GS) {
        *base = segment == SEGMENT_FS ? state_fs_base() : state_gs_base();
        return true;
    }
    if (emulation->mode == DECODE_64)
        return true;
    if (!find_descriptor(emulation->vcpu, selector_of(emulation->vcpu, segment), &descriptor))
        return false;
    *base = descriptor_base(descriptor);
    return true;
}

bool emulation_linear(const struct emulation *emulation, enum segment segment, uint64_t offset, uint64_t *linear)
{
    uint64_t base;

    if (!find_base(emulation, segment, &base))
        return false;
    *linear = alu_truncate(base + offset, emulation->mode == DECODE_64 ? 8 : 4);
    return true;
}

/*
 * ---- Fetch and decode.
 */

static bool fault_at(struct emulation *emulation, uint64_t linear, uint64_t error)
{
    struct hv_vcpu *vcpu = emulation->vcpu;

    if (access_address_ok(vcpu->engine.domain, linear)) {
        bounce_page_fault(vcpu, linear, error);
        emulation->result = EMULATE_DONE;
    }
    return false;
}

static bool find_code(const struct emulation *emulation, unsigned offset, uint64_t *linear)
{
    return emulation_linear(emulation, SEGMENT_CS, emulation->vcpu->frame->rip + offset, linear);
}

bool emulation_open(struct emulation *emulation, struct hv_vcpu *vcpu)
{
    uint64_t descriptor;

    *emulation = (struct emulation){.vcpu = vcpu, .result = EMULATE_UNKNOWN, .mode = DECODE_64};
    if (emulation_in_flat_code(vcpu))
        return true;
    if (!find_descriptor(vcpu, vcpu->frame->cs & 0xffff, &descriptor))
        return false;
    emulation->mode = descriptor_mode(descriptor);
    return true;
}

bool emulation_get_code(const struct emulation *emulation, unsigned offset, uint8_t *byte)
{
    uint64_t linear;

    return find_code(emulation, offset, &linear) && access_read(&emulation->vcpu->engine, byte, VADDR(linear), 1);
}

void emulation_fault_code(struct emulation *emulation, unsigned offset)
{
    uint64_t linear;

    if (find_code(emulation, offset, &linear))
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
        unsigned part = INSTRUCTION_BYTES_MAX - count;
        uint64_t linear, room;

        if (!find_code(emulation, count, &linear))
            return false;
        room = PAGE_SIZE - linear % PAGE_SIZE;
        if (part > room)
            part = (unsigned)room;
        if (!access_read(&vcpu->engine, bytes + count, VADDR(linear), part))
            return fault_at(emulation, linear, PAGE_FAULT_FETCH);
        count += part;
        decoded = decode(emulation->mode, bytes, count, &emulation->instruction);
    } while (decoded == DECODE_SHORT);
    return decoded == DECODE_OK;
}

/*
 * ---- Memory.
 */

bool emulation_read(struct emulation *emulation, uint64_t linear, uint64_t *value)
{
    *value = 0;
    if (access_read(&emulation->vcpu->engine, value, VADDR(linear), emulation->instruction.bytes))
        return true;
    return fault_at(emulation, linear, 0);
}

/* The error code tells a page that is there, and read-only, from one that is not. */
bool emulation_write(struct emulation *emulation, uint64_t linear, uint64_t value)
{
    struct vcpu *vcpu = &emulation->vcpu->engine;
    uint64_t error = PAGE_FAULT_WRITE;
    uint8_t byte;

    if (access_write(vcpu, VADDR(linear), &value, emulation->instruction.bytes))
        return true;
    if (access_read(vcpu, &byte, VADDR(linear), 1))
        error |= PAGE_FAULT_PRESENT;
    return fault_at(emulation, linear, error);
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

void emulation_finish(const struct emulation *emulation)
{
    static const unsigned rip_bytes[] = {[DECODE_16] = 2, [DECODE_32] = 4, [DECODE_64] = 8};
    struct hv_vcpu *vcpu = emulation->vcpu;
    struct cpu_frame *frame = vcpu->frame;

    if (!count_element(emulation))
        frame->rip = alu_truncate(frame->rip + emulation->instruction.length, rip_bytes[emulation->mode]);
    frame->rflags &= ~RFLAGS_RF;
    if (frame->rflags & RFLAGS_TF) {
        vcpu->state.debug[6] |= DR6_STEP;
        bounce_exception(vcpu, VECTOR_DEBUG);
    }
}

uint64_t emulation_cr0(const struct hv_vcpu *vcpu)
{
    uint64_t cr0 = asm_read_cr0() & ~CR0_TS;

    return vcpu->state.task_switched ? cr0 | CR0_TS : cr0;
}
