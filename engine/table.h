/* SPDX-License-Identifier: MIT */
/*
 * Whole tables: validating one entry by entry, and taking it apart again.  The level is data (engine/level.h); the
 * recursion lives on the vCPU's own hypervisor stack.  Validating descends one level a call, so four calls deep at
 * most.  So does taking apart, but that on each level above 1 a table may have been the last to refer to another one of
 * its level, which refers to none (engine/linear.h): seven calls at most.
 */
#pragma once

#include <engine/frame.h>
#include <engine/op.h>

/*
 * Validate @frame, which is promoting to the table type @type: each present entry takes its references and is stored as
 * the processor shall see it; the hypervisor's slots are filled in.
 * 0: done.  Otherwise the error of the first entry that was refused; the references of all others are dropped again,
 * while their adjustments stay.  Drops and retakes locks at preemption points: before the table, and in each 32 entries
 * that it has.
 */
int __must_check table_promote(struct op *op, struct frame *frame, enum frame_type type);

/* Drop the references of all entries of @frame, which is demoting.  Preempts likewise.  Cannot fail. */
void table_demote(struct op *op, struct frame *frame);
