/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmu_update: arguments, results and errors as documented in abi/mmu.h. */
#pragma once

#include <engine/op.h>

int64_t mmu_update(struct op *op, const uint64_t args[6]);
