/* SPDX-License-Identifier: MIT */
/* What the emulators share: from vcpu->frame to a decoded instruction, and from there past it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/domain/vcpu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulate_result.h>
#include <hv/emulate/segment.h>

struct emulation {
    struct hv_vcpu *vcpu;
    enum decode_mode mode;
    uint64_t code;   /* the descriptor that it runs in, where that is not 64-bit code */
    bool by_program; /* memory is reached with the rights of a 32-bit guest's ring 3; otherwise with its kernel's */
    struct instruction instruction;
    enum emulate_result result; /* where something has failed: EMULATE_DONE if the guest got an exception for it */
};

/* Bytes of memory, and what is done with them. */
struct place {
    enum segment segment;
    uint64_t offset;
    unsigned bytes;
    enum segment_use use;
};

/* Look at the code segment that the vCPU runs in.  False: there is none. */
bool emulation_open(struct emulation *emulation, struct hv_vcpu *vcpu);

/* @count bytes, the first @offset behind rip.  False: one cannot be read. */
bool emulation_get_code(const struct emulation *emulation, unsigned offset, uint8_t *bytes, unsigned count);

/* The guest gets a page fault for that: emulation->result. */
void emulation_fault_code(struct emulation *emulation, unsigned offset);

/*
 * Read and decode the instruction at the vCPU's rip.  Its bytes are read once: what another vCPU makes of them
 * meanwhile changes nothing (XSA-202).  False: emulation->result.
 */
bool emulation_begin(struct emulation *emulation, struct hv_vcpu *vcpu);

/* Is the guest's kernel what runs? */
bool emulation_in_kernel(const struct hv_vcpu *vcpu);

/* Does the vCPU run in 64-bit code whose segment begins at 0, for certain?  Otherwise emulation_open() finds out. */
bool emulation_in_flat_code(const struct hv_vcpu *vcpu);

/*
 * The linear address of @place.  False: there is no such segment for the code that runs, or it does not allow that
 * use, or not there.
 */
bool emulation_linear(const struct emulation *emulation, struct place place, uint64_t *linear);

/*
 * The same for an operand that the processor has not looked at.  False: emulation->result; the guest has got a stack
 * fault for it, or is to get a general protection fault.
 */
bool emulation_operand(struct emulation *emulation, struct place place, uint64_t *linear);

/* Copy from or to guest memory at @linear.  False: emulation->result; a part may have been copied. */
bool emulation_copy_in(struct emulation *emulation, void *to, uint64_t linear, unsigned size);
bool emulation_copy_out(struct emulation *emulation, uint64_t linear, const void *from, unsigned size);

/* The same for as many bytes as the instruction's operand has. */
bool emulation_read(struct emulation *emulation, uint64_t linear, uint64_t *value);
bool emulation_write(struct emulation *emulation, uint64_t linear, uint64_t value);

/* Is the instruction a repeated one whose count is zero, which does nothing? */
bool emulation_is_spent(const struct emulation *emulation);

/*
 * The instruction has been carried out, one element of it if it is a repeated one: have the guest go on behind it, or
 * execute it again for the next element.  A guest that steps gets its debug exception.
 */
void emulation_finish(const struct emulation *emulation);

/* The end of it where rip is set already; for a guest that steps, its debug exception. */
void emulation_step(struct hv_vcpu *vcpu);
static inline void emulation_retire(struct hv_vcpu *vcpu)
{
    vcpu->frame->rflags &= ~RFLAGS_RF;
    if (vcpu->frame->rflags & RFLAGS_TF)
        emulation_step(vcpu);
}

/* in, out, ins, outs, at a port that the guest may use.  False: emulation->result. */
bool emulation_port(struct emulation *emulation);

/* sgdt, sidt, sldt, str, smsw.  False: emulation->result. */
bool emulation_system(struct emulation *emulation);

/* CR0 as the guest reads it. */
uint64_t emulation_cr0(const struct hv_vcpu *vcpu);
