/* SPDX-License-Identifier: MIT */
/*
 * Walking a guest's tables in software: by frame numbers through the port's direct map, never through a translation of
 * the guest's, so that nothing here depends on what a TLB holds (XSA-286).
 */
#pragma once

#include <engine/frame.h>
#include <engine/op.h>

/*
 * Find the L1 table and slot that map @vaddr under @vcpu's kernel root.  The lock of the vCPU's domain is held; what is
 * found stays true until it is dropped.  No reference is taken: the tables hang on a loaded root.
 * False: the address is not the guest's, or an upper entry is not present; or the walk leads through a linear table, so
 * that it ends at a table of another level, or in the hypervisor's slots.
 */
bool __must_check walk_find_l1(const struct vcpu *vcpu, vaddr_t vaddr, struct frame **table, unsigned *index);

/* The L1 entry that maps @vaddr; 0, which is not present, if there is none. */
uint64_t walk_read_l1(const struct vcpu *vcpu, vaddr_t vaddr);
