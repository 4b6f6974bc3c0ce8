/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's descriptor tables: the GDT's frames, and the LDT's, which are mapped on demand.  Each frame in a window
 * holds a SEGDESC and a general reference.
 */
#pragma once

#include <engine/op.h>

/* HYPERVISOR_set_gdt: errors as documented in abi/segment.h; on an error the old GDT stays. */
int64_t segment_set_gdt(struct op *op, vaddr_t frames, uint64_t entries);

/* HYPERVISOR_update_descriptor: writes one descriptor at machine address @maddr. */
int64_t segment_update_descriptor(struct op *op, maddr_t maddr, uint64_t descriptor);

/* MMUEXT_SET_LDT for @vcpu.  The operation has begun on its own domain. */
int __must_check segment_set_ldt(struct op *op, struct vcpu *vcpu, vaddr_t base, uint32_t entries);

/* Drop the frames of the LDT that are mapped; those of LDT and GDT. */
void segment_unmap_ldt(struct op *op, struct vcpu *vcpu);
void segment_drop(struct op *op, struct vcpu *vcpu);
