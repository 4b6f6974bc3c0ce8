/* SPDX-License-Identifier: MIT */
/* Start of day of a PV guest: the first instructions. */
#include <guest/layout.h>

    .cfi_sections .debug_frame

    .text
    .globl start
    .type start, @function
start:
    .cfi_startproc
    .cfi_undefined eip /* for a debugger: nothing called this */
    cld
    /* The boot stack has one page; its end is told to the kernel, which must not hand it out as free. */
    movl %esp, %eax
    movl $boot_stack + STACK_SIZE, %esp
    xorl %ebp, %ebp
    subl $4, %esp /* where a function is called, the stack is aligned to 16 */
    pushl $0
    pushl %eax
    pushl %esi
    call guest_start
    ud2
    .cfi_endproc
    .size start, . - start

    .bss
    .balign 4096
    .globl boot_stack
boot_stack:
    .skip STACK_SIZE

    .section .note.GNU-stack, "", @progbits
