/* SPDX-License-Identifier: MIT */
/* GNTTABOP_copy: bytes from one page to another, each granted or the caller's own. */
#pragma once

#include <abi/grant.h>
#include <engine/op.h>

/*
 * Carry out @copy for the calling vCPU of @op, and return its status: [grant_table_op] in abi/grant.h.  Each page is
 * held while its bytes are moved, the destination as writable, so that what is written is what the guest could write
 * itself.  No lock is held.
 */
int16_t grant_copy(struct op *op, const struct gnttab_copy *copy);
