/* SPDX-License-Identifier: MIT */
/*
 * Entries from the hypervisor.  It stores [error code], eip, cs, eflags, [esp, ss]; here they become a struct regs.
 * The way back is the iret call, which wants the same words.
 */
#include <abi/hypercall.h>
#include <abi/segment.h>
#include <guest/layout.h>
#include <guest/x86_32/registers.h>

    .text

    .altmacro
.macro entry vector, has_error
    .balign 32
    .if \has_error == 0
    pushl $0
    .endif
    pushl $\vector
    jmp trap_common
.endm

    .balign 32
    .globl trap_entries
trap_entries:
    .set vector, 0
    .rept 256
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21)
    entry %vector, 1
    .else
    entry %vector, 0
    .endif
    .set vector, vector + 1
    .endr
    /* Callbacks, in the order of their pseudo vectors. */
    .rept NR_VECTORS - 256
    .if vector == VECTOR_FAILSAFE
    .balign 32
    addl $12, %esp /* ds es fs; gs makes room for the error code */
    movl $0, (%esp)
    pushl $VECTOR_FAILSAFE
    jmp trap_common
    .else
    entry %vector, 0
    .endif
    .set vector, vector + 1
    .endr

    .type trap_common, @function
trap_common:
    save_registers
    movl %esp, %ebx
    andl $-16, %esp
    subl $12, %esp
    pushl %ebx
    call trap_dispatch
    movl %ebx, %esp
    /* fall through */

/* Continue with the struct regs at esp. */
    .globl trap_return
trap_return:
    restore_registers
    jmp hypercall_page + __HYPERVISOR_iret * 32
    .size trap_common, . - trap_common

/*
 * void user_switch(struct regs *regs, uintptr_t *kernel_stack)
 * Leave for user mode with *regs.  user_return() comes back to the caller, on the stack noted in *kernel_stack.
 */
    .globl user_switch
    .type user_switch, @function
user_switch:
    save_preserved
    movl ARGUMENTS + 4(%esp), %eax
    movl %esp, (%eax)
    /* The stack for entries from user mode begins below what was saved. */
    movl $FLAT_RING1_SS, %ebx
    movl %esp, %ecx
    call hypercall_page + __HYPERVISOR_stack_switch * 32
    /* iret takes its frame from the stack: copy *regs there. */
    movl ARGUMENTS(%esp), %esi
    subl $REGS_SIZE, %esp
    movl %esp, %edi
    movl $REGS_SIZE / 4, %ecx
    rep movsl
    jmp trap_return
    .size user_switch, . - user_switch

/* void user_return(uintptr_t kernel_stack) */
    .globl user_return
    .type user_return, @function
user_return:
    movl 4(%esp), %esp
    restore_preserved
    ret
    .size user_return, . - user_return

    .section .note.GNU-stack, "", @progbits
