/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_multicall; the entry to everything is engine_hypercall() in engine/engine.h. */
#pragma once

#include <engine/op.h>

/*
 * Carry out one hypercall for @vcpu: the engine's own, or the machine's.  @nested: as an entry of a multicall.
 */
int64_t hypercall_run(struct vcpu *vcpu, uint64_t number, const uint64_t args[6], bool nested);

int64_t multicall(struct op *op, vaddr_t list, uint32_t count);
