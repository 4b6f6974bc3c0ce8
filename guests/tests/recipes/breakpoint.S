/* SPDX-License-Identifier: MIT */
/* The handler of the first trap: it counts, and returns. */
#include <abi/hypercall.h>

    .text
    .globl breakpoint_entry
    .type breakpoint_entry, @function
/* [handler] */
breakpoint_entry:
    popq %rcx /* the hypervisor has stored rcx and r11 below the processor's frame */
    popq %r11
    incq breakpoints
    pushq $0 /* iret_context.flags: not in a syscall; the entry point stores rcx, r11 and rax below */
    jmp hypercall_page + __HYPERVISOR_iret * 32
/* [/handler] */
    .size breakpoint_entry, . - breakpoint_entry

    .section .note.GNU-stack, "", @progbits
