/* SPDX-License-Identifier: MIT */
/*
 * The way into virtual-8086 mode: iretl with edi as flags, esi as code segment, edx as all data segments.  The same
 * bytes mean the same in 32-bit code.
 */
#include <guests/tests/vm86/enter.h>

    .text
    .globl vm86_enter, vm86_enter_end
vm86_enter:
    movl $VM86_FRAME_AT, %esp
    movl $0, (%rsp)
    movl %esi, 4(%rsp)
    movl %edi, 8(%rsp)
    movl $VM86_ESP, 12(%rsp)
    movl $VM86_SS, 16(%rsp)
    movl %edx, 20(%rsp)
    movl %edx, 24(%rsp)
    movl %edx, 28(%rsp)
    movl %edx, 32(%rsp)
    iretl
vm86_enter_end:

    .section .note.GNU-stack, "", @progbits
