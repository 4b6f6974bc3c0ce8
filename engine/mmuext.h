/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmuext_op: commands and errors as documented in abi/mmuext.h. */
#pragma once

#include <engine/op.h>

int64_t mmuext_op(struct op *op, const uint64_t args[6]);
