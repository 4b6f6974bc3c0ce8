/* SPDX-License-Identifier: MIT */
/* The operands of a decoded instruction: registers of the frame, and where its memory operand is. */
#pragma once

#include <stdint.h>

struct cpu_frame;
struct instruction;

/* General registers by their numbers in instructions. */
enum {
    OPERAND_RAX,
    OPERAND_RCX,
    OPERAND_RDX,
    OPERAND_RBX,
    OPERAND_RSP,
    OPERAND_RBP,
    OPERAND_RSI,
    OPERAND_RDI,
};

/* Register @number, 0 to 15, as far as it is @bytes wide: 1, 2, 4 or 8.  Writing 4 bytes clears the upper half. */
uint64_t operand_get_register(const struct cpu_frame *frame, unsigned number, unsigned bytes);
void operand_set_register(struct cpu_frame *frame, unsigned number, unsigned bytes, uint64_t value);

/* The operand of @instruction that is a register or an immediate; set it, where it is a register. */
uint64_t operand_get(const struct cpu_frame *frame, const struct instruction *instruction);
void operand_set(struct cpu_frame *frame, const struct instruction *instruction, uint64_t value);

/*
 * Where the memory operand of @instruction begins, counted from the base of its segment; @frame->rip is the
 * instruction's.  Of a string instruction: of what it writes for movs, stos and ins, of what it reads for outs.
 */
uint64_t operand_offset(const struct cpu_frame *frame, const struct instruction *instruction);

/* Step one element on in a string instruction: register @number, rsi or rdi. */
void operand_step(struct cpu_frame *frame, const struct instruction *instruction, unsigned number);
