/* SPDX-License-Identifier: MIT */
/* What the files of ways in share, and nobody else: the frame, as they push and pop it, and where faults go on. */
#pragma once

#include <hv/cpu/entry.h>

#ifdef __ASSEMBLER__
/* clang-format off */

#define RFLAGS_CLEAR 0x2 /* no DF, AC, NT, TF, IF; bit 1 is always set */
#define RFLAGS_IF 0x200

/* Offsets into struct cpu_frame: its registers end with the first; the others count from the vector on. */
#define FRAME_REGISTERS 120
#define FRAME_RIP 16
#define FRAME_CS 24
#define FRAME_RFLAGS 32
#define FRAME_RSP 40
#define FRAME_SIZE 176
#define RFLAGS_VM86 0x20000

/* Push and pop, and tell the debugger; what it is told is in .debug_frame, and in no memory. */
        .cfi_sections .debug_frame

        .macro PUSH register
        pushq %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .macro POP register
        popq %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore \register
        .endm

/* What C preserves. */
        .macro PUSH_PRESERVED
        PUSH rbx
        PUSH rbp
        PUSH r12
        PUSH r13
        PUSH r14
        PUSH r15
        .endm

        .macro POP_PRESERVED
        POP r15
        POP r14
        POP r13
        POP r12
        POP rbp
        POP rbx
        .endm

/* All registers of the frame, in two parts: hv/cpu/entry_short.S does with the first as long as it can. */
        .macro SAVE_FIRST
        PUSH rdi
        PUSH rsi
        PUSH rdx
        PUSH rcx
        PUSH rax
        .endm

        .macro SAVE_REST
        PUSH r8
        PUSH r9
        PUSH r10
        PUSH r11
        PUSH_PRESERVED
        .endm

        .macro SAVE_REGISTERS
        SAVE_FIRST
        SAVE_REST
        .endm

        .macro RESTORE_FIRST
        POP rax
        POP rcx
        POP rdx
        POP rsi
        POP rdi
        addq $16, %rsp /* vector, error code */
        .cfi_adjust_cfa_offset -16
        .endm

        .macro RESTORE_REGISTERS
        POP_PRESERVED
        POP r11
        POP r10
        POP r9
        POP r8
        RESTORE_FIRST
        .endm

/* For the debugger: from here to .cfi_endproc the stack holds a frame, but for its registers. */
        .macro FRAME_BEGINS
        .cfi_startproc simple
        .cfi_def_cfa rsp, FRAME_SIZE - FRAME_REGISTERS
        .cfi_offset rip, FRAME_REGISTERS + FRAME_RIP - FRAME_SIZE
        .cfi_offset rsp, FRAME_REGISTERS + FRAME_RSP - FRAME_SIZE
        .endm

/* The same with the registers. */
        .macro WHOLE_FRAME_BEGINS
        FRAME_BEGINS
        .cfi_def_cfa_offset FRAME_SIZE
        .cfi_rel_offset r15, 0
        .cfi_rel_offset r14, 8
        .cfi_rel_offset r13, 16
        .cfi_rel_offset r12, 24
        .cfi_rel_offset rbp, 32
        .cfi_rel_offset rbx, 40
        .cfi_rel_offset r11, 48
        .cfi_rel_offset r10, 56
        .cfi_rel_offset r9, 64
        .cfi_rel_offset r8, 72
        .cfi_rel_offset rax, 80
        .cfi_rel_offset rcx, 88
        .cfi_rel_offset rdx, 96
        .cfi_rel_offset rsi, 104
        .cfi_rel_offset rdi, 112
        .endm

/* The frame at the stack pointer is proper, in ring 3 or as @proper says; otherwise go on at @improper.  Uses rax. */
        .macro NEEDS_PROPER improper, proper=ENTRY_PROPER
        movl FRAME_REGISTERS + FRAME_RFLAGS(%rsp), %eax
        movb FRAME_REGISTERS + FRAME_CS(%rsp), %al
        andl $ENTRY_PROPER_MASK, %eax
        cmpl $\proper, %eax
        jne \improper
        .endm

/* A fault at the first address continues at the second: struct recovery of hv/trap.c. */
        .macro RECOVER fault, resume
        .pushsection .recovery, "a"
        .balign 4
        .long \fault - ., \resume - .
        .popsection
        .endm

/* clang-format on */
#endif
