/* SPDX-License-Identifier: MIT */
/* For assembly: registers on the stack and from it: those of struct regs, guest/trap.h; those that C preserves. */
#pragma once

#ifdef __ASSEMBLER__
/* clang-format off */

.macro save_preserved
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm

.macro restore_preserved
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
.endm

.macro save_registers
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    save_preserved
.endm

.macro restore_registers
    restore_preserved
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
.endm

/* clang-format on */
#endif
