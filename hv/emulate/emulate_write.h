/* SPDX-License-Identifier: MIT */
/* Writes to L1 tables. */
#pragma once

#include <stdint.h>

#include <hv/emulate/emulate_result.h>

struct hv_vcpu;

/*
 * The guest's kernel wrote to @address and faulted with @error, as the processor gave it.  If that is an L1 table of
 * its own, mapped read-only, do the write (table_write_emulate()): one element of a repeated instruction.
 */
enum emulate_result emulate_write(struct hv_vcpu *vcpu, uint64_t address, uint64_t error);
