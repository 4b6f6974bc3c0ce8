/* SPDX-License-Identifier: MIT */
/* XENMEM_exchange: as documented in abi/memory.h. */
#pragma once

#include <engine/op.h>

int64_t exchange_memory(struct op *op, vaddr_t argument);
