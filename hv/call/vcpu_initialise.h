/* SPDX-License-Identifier: MIT */
/* One sub-operation of vcpu_op, long enough for a file of its own. */
#pragma once

#include <engine/types.h>

struct hv_vcpu;

/*
 * VCPUOP_initialise: give @vcpu, of the domain of @caller, which runs, the state of the vcpu_guest_context at @context.
 * It stays down.  0, or an error of abi/vcpu.h: then @vcpu can be initialised another time.
 */
int __must_check vcpu_initialise(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t context);
