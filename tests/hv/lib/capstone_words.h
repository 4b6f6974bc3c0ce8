/* SPDX-License-Identifier: MIT */
/* What another decoder, Capstone, has found, in the words of hv/emulate/decode.h. */
#pragma once

#include <capstone/capstone.h>

#include <hv/emulate/decode.h>

/* The number of a register by its name; *@column says how wide it is: 1 << column bytes, 4 for a high byte. */
unsigned capstone_register(csh handle, unsigned name, unsigned *column);

/* Is @name that of a control or debug register? */
bool capstone_is_control(unsigned name);

/* The operation that the decoder should find in @insn, with its details; OPERATION_NONE: none that it knows. */
enum operation capstone_operation(csh handle, const cs_insn *insn);
