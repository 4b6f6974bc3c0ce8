/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_grant_table_op. */
#pragma once

#include <engine/op.h>

/* [grant_table_op] of abi/grant.h: the calling vCPU of @op with the call's argument registers. */
int64_t grant_table_op(struct op *op, const uint64_t args[6]);
