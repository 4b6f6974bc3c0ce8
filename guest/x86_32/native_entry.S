/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and system calls on bare hardware: they become the same struct regs that trap_entry.S makes, and leave by
 * iret.
 */
#include <guest/layout.h>
#include <guest/native.h>
#include <guest/x86_32/registers.h>

    .text

    .altmacro
.macro native_entry vector, has_error
    .balign 16
    .if \has_error == 0
    pushl $0
    .endif
    pushl $\vector
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

    .type native_common, @function
native_common:
    movw $0, REGS_CS + 2 - REGS_VECTOR(%esp) /* the processor may leave anything there; no event mask */
    save_registers
    movl %esp, %ebx
    andl $-16, %esp
    subl $12, %esp
    pushl %ebx
    call native_dispatch
    movl %ebx, %esp
native_return:
    restore_registers
    iretl
    .size native_common, . - native_common

/*
 * void native_user_switch(struct regs *regs, uintptr_t *kernel_stack)
 * As user_switch() of trap_entry.S; user_return() leads back.
 */
    .globl native_user_switch
    .type native_user_switch, @function
native_user_switch:
    save_preserved
    movl ARGUMENTS(%esp), %esi
    movl ARGUMENTS + 4(%esp), %eax
    movl %esp, (%eax)
    movl %esp, native_tss + NATIVE_TSS_RSP0
    movl $NATIVE_SS, native_tss + NATIVE_TSS_RSP0 + 4
    subl $REGS_SIZE, %esp
    movl %esp, %edi
    movl $REGS_SIZE / 4, %ecx
    rep movsl
    jmp native_return
    .size native_user_switch, . - native_user_switch

    .bss
    .balign 16
    .globl native_tss
native_tss:
    .skip NATIVE_TSS_SIZE

    .section .note.GNU-stack, "", @progbits
