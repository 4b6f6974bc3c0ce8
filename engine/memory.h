/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_memory_op, as far as it moves frames between owners: as documented in abi/memory.h. */
#pragma once

#include <engine/op.h>

/* All commands but those that the machine answers (the memory map and the like), which go to port_hypercall(). */
int64_t memory_op(struct op *op, const uint64_t args[6]);
