/* SPDX-License-Identifier: MIT */
/* What the emulators share: from vcpu->frame to a decoded instruction, and from there past it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <hv/emulate/decode.h>
#include <hv/emulate/emulate_result.h>

struct hv_vcpu;

struct emulation {
    struct hv_vcpu *vcpu;
    enum decode_mode mode;
    struct instruction instruction;
    enum emulate_result result; /* where something has failed: EMULATE_DONE if the guest got an exception for it */
};

/* Look at the code segment that the vCPU runs in.  False: there is none. */
bool emulation_open(struct emulation *emulation, struct hv_vcpu *vcpu);

/* The byte @offset behind rip.  False: it cannot be read. */
bool emulation_get_code(const struct emulation *emulation, unsigned offset, uint8_t *byte);

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

/* The linear address of @offset in @segment.  False: the segment cannot be found. */
bool emulation_linear(const struct emulation *emulation, enum segment segment, uint64_t offset, uint64_t *linear);

/*
 * Read or write as many bytes of guest memory at @linear as the instruction's operand has, with the rights of the
 * guest's kernel.  False: emulation->result.
 */
bool emulation_read(struct emulation *emulation, uint64_t linear, uint64_t *value);
bool emulation_write(struct emulation *emulation, uint64_t linear, uint64_t value);

/* Is the instruction a repeated one whose count is zero, which does nothing? */
bool emulation_is_spent(const struct emulation *emulation);

/*
 * The instruction has been carried out, one element of it if it is a repeated one: have the guest go on behind it, or
 * execute it again for the next element.  A guest that steps gets its debug exception.
 */
void emulation_finish(const struct emulation *emulation);

/* in, out, ins, outs, at a port that the guest may use.  False: emulation->result. */
bool emulation_port(struct emulation *emulation);

/* sgdt, sidt, sldt, str, smsw.  False: emulation->result. */
bool emulation_system(struct emulation *emulation);

/* CR0 as the guest reads it. */
uint64_t emulation_cr0(const struct hv_vcpu *vcpu);
