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
    movl 8(%esp), %eax /* behind eip and cs */
    movl %eax, another_rflags
1:  movl $__HYPERVISOR_sched_op, %eax
    xorl %ebx, %ebx
    int $HYPERCALL_VECTOR
    jmp 1b

    .section .note.GNU-stack, "", @progbits
