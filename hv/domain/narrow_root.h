/* SPDX-License-Identifier: MIT */
/*
 * What a processor runs a 32-bit guest on.
 *
 * The hypervisor stays in long mode, where a walk begins with an L4; the guest's topmost table is an L3 with four
 * entries.  So each vCPU of such a guest has two tables of the hypervisor's own: an L4, with the hypervisor's slots and
 * in slot 0 an L3, which has copies of the guest's four entries and nothing else.  What the guest keeps in the rest of
 * its page no processor takes for entries.
 *
 * The copies are to the guest's entries what a translation is: cached.  They are taken anew whenever the root is loaded
 * and at each flush of the TLB, before it, so that what a flush promises of translations is true of them as well.  And
 * as no TLB knows that an entry is absent, one that has come since the last flush counts when it is missed.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>

struct hv_vcpu;

struct narrow_root {
    uint64_t *tables; /* the L4, and in the page behind it the L3; NULL: not a 32-bit guest's */
    mfn_t frame;      /* of the L4 */
};

/* Make the tables of @vcpu if its guest is a 32-bit one; with nothing of the guest's in them.  -XEN_ENOMEM. */
int __must_check narrow_root_create(struct hv_vcpu *vcpu);

/* Give the frames back, if there are any; no processor has the root loaded. */
void narrow_root_destroy(struct hv_vcpu *vcpu);

/*
 * Copy the entries of the guest's L3, which @vcpu, of a 32-bit guest, has as kernel_root.  True: one that was absent
 * has come.  Where one has changed or gone a flush is due, which is the caller's.
 */
bool narrow_root_copy(const struct hv_vcpu *vcpu);

/* Is there no copy of the entry that leads to @address?  Of a 32-bit guest; elsewhere there is nothing to copy. */
bool narrow_root_lacks(const struct hv_vcpu *vcpu, uint64_t address);

/* @vcpu, of a 32-bit guest, has missed a page: has a copy been missing, that is there now? */
bool narrow_root_catches_up(const struct hv_vcpu *vcpu);
