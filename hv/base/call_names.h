/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls, their commands and their errors by the names that abi/ has for them.  Each name is static; NULL: there is
 * none.  Pure, and calls nobody, so that the command links it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

const char *call_name(uint64_t number);

/* Of a command of hypercall @number, as its first argument has it, or one of a batch of mmuext_op. */
const char *call_command_name(uint64_t number, uint64_t command);

/* Of what is returned as -@error. */
const char *call_error_name(uint64_t error);
