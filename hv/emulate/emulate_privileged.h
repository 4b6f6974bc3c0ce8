/* SPDX-License-Identifier: MIT */
/* Instructions that fault in ring 3. */
#pragma once

#include <stdbool.h>

#include <hv/emulate/emulate_result.h>

struct hv_vcpu;

/* #GP(0) at vcpu->frame->rip: a privileged instruction that is emulated?  If it is refused: EMULATE_UNKNOWN. */
enum emulate_result emulate_privileged(struct hv_vcpu *vcpu);

/*
 * The same of what 64-bit code asks for most often and what touches nothing but the vCPU's own, without the house's
 * lock, to be tried before.  False: it is none of that, and nothing has changed.
 */
bool emulate_short(struct hv_vcpu *vcpu);

/* #UD: the prefix ud2, "xen", cpuid? */
enum emulate_result emulate_forced(struct hv_vcpu *vcpu);

/*
 * #GP with the IDT bit of its error code: an `INT n`?  EMULATE_DONE: *@vector is n, by the instruction and not by the
 * error code, in which QEMU before 8.0 doubles it.  The frame is as it was: the instruction has two bytes.
 */
enum emulate_result emulate_software_interrupt(struct hv_vcpu *vcpu, unsigned *vector);
