/* SPDX-License-Identifier: MIT */
/*
 * What such a vCPU does: it tries the instruction, has a look at a frame, and lets the others run for ever.
 */
#include <abi/hypercall.h>

    .text
    .globl another_code, another_protection, another_undefined
another_code:
    cli
    movl $1, another_may_cli
another_protection:
    ud2
another_undefined:
    movq 32(%rsp), %rax /* behind rcx, r11, rip and cs */
    movq %rax, another_rflags
1:  movl $__HYPERVISOR_sched_op, %eax
    xorl %edi, %edi
    syscall
    jmp 1b

    .section .note.GNU-stack, "", @progbits
