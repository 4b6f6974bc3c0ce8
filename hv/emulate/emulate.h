/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the guest that the hypervisor carries out in its place.  @vcpu is the one that runs, the processor
 * still holds its data segments, and vcpu->frame is as the trap left it.
 *
 * After EMULATE_DONE the frame is changed: rip is behind the instruction (of a repeated one with elements left still at
 * it, and RF is clear), or the guest is about to get a page fault for bytes that could not be read or written, or the
 * debug exception of an instruction that it steps over.  rip may be the address just above the lower half of the
 * address space, which is not canonical.
 */
#pragma once

#include <stdint.h>

struct hv_vcpu;

enum emulate_result {
    EMULATE_DONE,    /* the guest goes on at vcpu->frame */
    EMULATE_UNKNOWN, /* nothing has changed: the fault is the guest's */
};

/*
 * The guest's kernel wrote to @address and faulted with @error, as the processor gave it.  If that is an L1 table of
 * its own, mapped read-only, do the write (table_write_emulate()): one element of a repeated instruction.
 */
enum emulate_result emulate_write(struct hv_vcpu *vcpu, uint64_t address, uint64_t error);

/* #GP(0) at vcpu->frame->rip: a privileged instruction that is emulated?  If it is refused: EMULATE_UNKNOWN. */
enum emulate_result emulate_privileged(struct hv_vcpu *vcpu);

/* #UD: the prefix ud2, "xen", cpuid? */
enum emulate_result emulate_forced(struct hv_vcpu *vcpu);

/*
 * #GP with the IDT bit of its error code: an `INT n`?  EMULATE_DONE: *@vector is n, by the instruction and not by the
 * error code, in which QEMU before 8.0 doubles it.  The frame is as it was: the instruction has two bytes.
 */
enum emulate_result emulate_software_interrupt(struct hv_vcpu *vcpu, unsigned *vector);
