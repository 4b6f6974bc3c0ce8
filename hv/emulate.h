/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the guest that the hypervisor carries out in its place.  Each function has vcpu->frame changed and
 * returns EMULATE_DONE, or has changed nothing and says whose the fault is.
 */
#pragma once

#include <stdint.h>

struct hv_vcpu;

enum emulate_result {
    EMULATE_DONE,    /* the guest goes on at vcpu->frame; it may have got an exception instead (bounce.h) */
    EMULATE_UNKNOWN, /* not one of those that are emulated: the fault is the guest's */
};

/*
 * The guest's kernel wrote to @address and faulted with @error, P and W set.  If that is an L1 table of its own, mapped
 * read-only, do the write (table_write_emulate()).
 */
enum emulate_result emulate_write(struct hv_vcpu *vcpu, uint64_t address, uint64_t error);

/* #GP(0) at vcpu->frame->rip: a privileged instruction, abi-facts 4.8 and 4.9? */
enum emulate_result emulate_privileged(struct hv_vcpu *vcpu);

/* #UD: the prefix ud2, "xen", cpuid? */
enum emulate_result emulate_forced(struct hv_vcpu *vcpu);

/* #GP with the IDT bit of its error code: an `INT n`?  Then *@vector is n, by the instruction and not by the error. */
enum emulate_result emulate_software_interrupt(struct hv_vcpu *vcpu, unsigned *vector);
