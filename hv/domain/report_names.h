/* SPDX-License-Identifier: MIT */
/* Numbers in reports by the names that abi/ has for them. */
#pragma once

#include <stdint.h>

/* Print the name of hypercall @number, or of an error that a call has returned; numbers where there is none. */
void report_print_call(uint64_t number);
void report_print_result(int64_t result);
