/* SPDX-License-Identifier: MIT */
/* Numbers in reports, in words. */
#pragma once

#include <stdint.h>

/* What a guest does without a hypercall, CALL_*; static, and NULL where there is none. */
const char *report_step_name(unsigned call);

/* Print the name of hypercall @number, or of an error that a call has returned; numbers where there is none. */
void report_print_call(uint64_t number);
void report_print_result(int64_t result);

/* What a frame of this type is, of which there are those of engine/type.h. */
const char *report_type_name(uint64_t type);

/* The name of flag @i of an entry of a table of @level (0: not known), below REPORT_FLAGS; NULL: it is not set. */
#define REPORT_FLAGS 8u
const char *report_flag_name(unsigned i, uint64_t entry, unsigned level);

/* Print the flags of an entry, with @first in front if there are any; the entry, with its frame in front of them. */
void report_print_flags(uint64_t entry, unsigned level, const char *first);
void report_print_entry(uint64_t entry, unsigned level);
