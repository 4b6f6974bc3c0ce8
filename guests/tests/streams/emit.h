/* SPDX-License-Identifier: MIT */
/* An assembler that knows the size of the code segment. */
#pragma once

#include <guest/types.h>

enum general { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

/* The next bytes; a new stream, a new unit. */
void emit_begin(void);
void emit_unit(void);
void emit(unsigned byte);
void emit_bytes(const void *bytes, size_t count);
void emit_number(uint64_t number, unsigned bytes);

/* A size of operands, in bytes, that this code can have; the prefix for it. */
unsigned emit_some_size(void);
void emit_size(unsigned bytes);

/* 32 bits into a register. */
void emit_load(enum general reg, uint32_t value);

/* @count fields of @bytes each on the stack, the first at the stack pointer. */
void emit_stack(const uint32_t *fields, unsigned count, unsigned bytes);

/* Prefix for 32-bit addresses, where they need one; then ModRM and SIB: the operand at the stack pointer. */
void emit_address_size(void);
void emit_at_stack(unsigned reg);
