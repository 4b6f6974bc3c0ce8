/* SPDX-License-Identifier: MIT */
/* Traps that a guest causes by `INT n`. */
#pragma once

struct hv_vcpu;

/*
 * #GP with a number of the interrupt table in its error code: `INT n` whose gate is not open to ring 3, or another
 * fault of a gate.  The guest gets the one that it has asked for, if its own table opens it, or the fault.
 */
void trap_by_number(struct hv_vcpu *vcpu);

/* `INT 0x80`, whose gate is open to ring 3. */
void trap_by_80(struct hv_vcpu *vcpu);
