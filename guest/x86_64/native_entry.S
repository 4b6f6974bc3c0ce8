/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and system calls on bare hardware: they become the same struct regs that trap_entry.S makes, and leave by
 * iretq.
 */
#include <guest/layout.h>
#include <guest/x86_64/registers.h>
#include <guest/native.h>

    .text

    .altmacro
.macro native_entry vector, has_error
    .balign 16
    .if \has_error == 0
    pushq $0
    .endif
    movl $\vector, 4(%rsp)
    jmp native_common
.endm

    .balign 16
    .globl native_entries
native_entries:
    .set vector, 0
    .rept 256
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
    native_entry %vector, 1
    .else
    native_entry %vector, 0
    .endif
    .set vector, vector + 1
    .endr

/* The syscall instruction has no stack of its own and leaves rip in rcx, rflags in r11. */
    .globl native_syscall
native_syscall:
    movq %rsp, user_rsp(%rip)
    movq native_tss + NATIVE_TSS_RSP0(%rip), %rsp
    pushq $0xe02b
    pushq user_rsp(%rip)
    pushq %r11
    pushq $0xe033
    pushq %rcx
    pushq $0
    movl $VECTOR_SYSCALL, 4(%rsp)
    /* fall through */

    .type native_common, @function
native_common:
    cld
    save_registers
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    call native_dispatch
    movq %rbx, %rsp
native_return:
    restore_registers
    addq $8, %rsp
    iretq
    .size native_common, . - native_common

/*
 * void native_user_switch(struct regs *regs, uint64_t *kernel_stack)
 * As user_switch() of trap_entry.S; user_return() leads back.
 */
    .globl native_user_switch
    .type native_user_switch, @function
native_user_switch:
    save_preserved
    movq %rsp, (%rsi)
    /* The processor takes this stack as it is, and aligns what it pushes itself. */
    movq %rsp, native_tss + NATIVE_TSS_RSP0(%rip)
    subq $168, %rsp
    movq %rdi, %rsi
    movq %rsp, %rdi
    movl $21, %ecx
    rep movsq
    jmp native_return
    .size native_user_switch, . - native_user_switch

    .bss
    .balign 16
    .globl native_tss
native_tss:
    .skip NATIVE_TSS_SIZE
user_rsp:
    .skip 8

    .section .note.GNU-stack, "", @progbits
