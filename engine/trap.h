/* SPDX-License-Identifier: MIT */
/* A vCPU's table of trap handlers. */
#pragma once

#include <engine/op.h>

/*
 * HYPERVISOR_set_trap_table: @list is an array of trap_info that a zero address ends; NULL clears the table.  Entries
 * before one that is refused have been taken.  -XEN_EFAULT, -XEN_EINVAL (address not canonical).
 */
int64_t set_trap_table(struct op *op, vaddr_t list);
