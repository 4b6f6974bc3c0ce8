/* SPDX-License-Identifier: MIT */
/* A call that can be left from a trap in the midst of it: the registers that C preserves, saved and restored. */

#include <guest/x86_32/registers.h>

    .text

/*
 * bool trap_call(void (*function)(void *), void *arg, struct recovery *recovery)
 * Remember in *recovery what trap_recover() needs, and call.
 */
    .globl trap_call
    .type trap_call, @function
trap_call:
    save_preserved
    movl ARGUMENTS(%esp), %eax
    movl ARGUMENTS + 4(%esp), %ecx
    movl ARGUMENTS + 8(%esp), %edx
    movl %esp, (%edx)
    subl $8, %esp
    pushl %ecx
    call *%eax
    addl $12, %esp
    movl $1, %eax
1:  restore_preserved
    ret
/* A fault continues here, with esp as trap_call() stored it. */
    .globl trap_recover
trap_recover:
    cld
    xorl %eax, %eax
    jmp 1b
    .size trap_call, . - trap_call

    .section .note.GNU-stack, "", @progbits
