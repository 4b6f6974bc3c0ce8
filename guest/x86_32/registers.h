/* SPDX-License-Identifier: MIT */
/* For assembly: registers on the stack and from it: those of struct regs, regs.h; those that C preserves. */
#pragma once

#ifdef __ASSEMBLER__
/* clang-format off */

#define REGS_VECTOR 36
#define REGS_ERROR  40
#define REGS_EIP    44
#define REGS_CS     48
#define REGS_EFLAGS 52
#define REGS_ESP    56
#define REGS_SIZE   64

/* What save_preserved leaves between the stack pointer and the arguments of a function. */
#define ARGUMENTS 20

.macro save_preserved
    pushl %ebx
    pushl %ebp
    pushl %esi
    pushl %edi
.endm

.macro restore_preserved
    popl %edi
    popl %esi
    popl %ebp
    popl %ebx
.endm

/*
 * From vector, error, eip, cs, eflags, and esp and ss if user mode was interrupted, to a whole struct regs: kernel mode
 * has had its stack pointer where the frame ends.  C finds its segments.
 */
.macro save_registers
    testb $2, REGS_CS - REGS_VECTOR(%esp)
    jnz 1f
    subl $8, %esp
    .irp word, 0, 4, 8, 12, 16
    pushl \word + 8(%esp)
    popl \word(%esp)
    .endr
    movl $0, REGS_SIZE - 4 - REGS_VECTOR(%esp)
    movw %ss, REGS_SIZE - 4 - REGS_VECTOR(%esp)
    pushl %eax
    leal 4 + REGS_SIZE - REGS_VECTOR(%esp), %eax
    movl %eax, 4 + REGS_ESP - REGS_VECTOR(%esp)
    popl %eax
1:
    pushl %eax
    pushl %ecx
    pushl %edx
    pushl %ebx
    pushl %ebp
    pushl %esi
    pushl %edi
    pushl %ds
    pushl %es
    movl %ss, %eax
    movl %eax, %ds
    movl %eax, %es
    cld
.endm

/*
 * The way back: eip, cs, eflags are where the stack pointer is, and esp and ss behind them for user mode.  For kernel
 * mode the three go below the stack pointer that is asked for, which may be where they come from.
 */
.macro restore_registers
    testb $2, REGS_CS(%esp)
    jnz 1f
    movl REGS_ESP(%esp), %edi
    movl REGS_EIP(%esp), %eax
    movl REGS_CS(%esp), %ecx
    movl REGS_EFLAGS(%esp), %edx
    subl $12, %edi
    movl %eax, (%edi)
    movl %ecx, 4(%edi)
    movl %edx, 8(%edi)
    jmp 2f
1:  leal REGS_EIP(%esp), %edi
2:  movl %edi, REGS_ERROR(%esp)
    popl %es
    popl %ds
    popl %edi
    popl %esi
    popl %ebp
    popl %ebx
    popl %edx
    popl %ecx
    popl %eax
    addl $4, %esp
    popl %esp
.endm

/* clang-format on */
#endif
