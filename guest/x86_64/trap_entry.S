/* SPDX-License-Identifier: MIT */
/*
 * Entries from the hypervisor.  It stores rcx, r11, [error code], rip, cs, rflags, rsp, ss; here they become a struct
 * regs.  The way back is the iret call, which wants the same words with rax, r11, rcx and flags below them.
 */
#include <abi/hypercall.h>
#include <guest/layout.h>
#include <guest/x86_64/registers.h>

    .text

    .altmacro
.macro entry vector, has_error
    .balign 32
    popq %rcx
    popq %r11
    .if \has_error
    movl $\vector, 4(%rsp)
    .else
    pushq $0
    movl $\vector, 4(%rsp)
    .endif
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
    popq %rcx
    popq %r11
    addq $24, %rsp /* ds es fs; gs makes room for the vector */
    movq $0, (%rsp)
    movl $VECTOR_FAILSAFE, 4(%rsp)
    jmp trap_common
    .else
    entry %vector, 0
    .endif
    .set vector, vector + 1
    .endr

    .type trap_common, @function
trap_common:
    cld
    save_registers
    movq %rsp, %rdi
    movq %rsp, %rbx
    andq $-16, %rsp
    call trap_dispatch
    movq %rbx, %rsp
    /* fall through */

/* Continue with the struct regs at rsp. */
    .globl trap_return
trap_return:
    restore_registers
    movq $0, (%rsp) /* iret_context.flags in place of error and vector */
    jmp hypercall_page + __HYPERVISOR_iret * 32
    .size trap_common, . - trap_common

/*
 * void user_switch(struct regs *regs, uint64_t *kernel_stack)
 * Leave for user mode with *regs.  user_return() comes back to the caller, on the stack noted in *kernel_stack.
 */
    .globl user_switch
    .type user_switch, @function
user_switch:
    save_preserved
    movq %rsp, (%rsi)
    movq %rdi, %rbx
    /* The stack for entries from user mode begins below what was saved. */
    movq $0xe02b, %rdi
    movq %rsp, %rsi
    subq $8, %rsp
    call hypercall_page + __HYPERVISOR_stack_switch * 32
    /* iret takes its frame from the stack: copy *regs there. */
    subq $168, %rsp
    movq %rbx, %rsi
    movq %rsp, %rdi
    movl $21, %ecx
    rep movsq
    jmp trap_return
    .size user_switch, . - user_switch

/* void user_return(uint64_t kernel_stack) */
    .globl user_return
    .type user_return, @function
user_return:
    movq %rdi, %rsp
    restore_preserved
    ret
    .size user_return, . - user_return

    .section .note.GNU-stack, "", @progbits
