/* SPDX-License-Identifier: MIT */
/*
 * Roots: the tables that vCPUs run on.  Each root that a vCPU has, loaded or not, holds a type and a general reference;
 * the old one is dropped only after the processor has left it (XSA-438).
 */
#pragma once

#include <engine/op.h>

/* MMUEXT_NEW_BASEPTR and MMUEXT_NEW_USER_BASEPTR (frame 0: none) for the calling vCPU.  -XEN_EINVAL and as for pins. */
int __must_check root_set_kernel(struct op *op, mfn_t mfn);
int __must_check root_set_user(struct op *op, mfn_t mfn);

/* Drop both roots of a vCPU that does not run any more. */
void root_drop(struct op *op, struct vcpu *vcpu);
