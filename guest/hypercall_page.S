/* SPDX-License-Identifier: MIT */
/*
 * The way into the hypervisor.  The builder fills the page with the entry points of the calls; until then each says
 * ENOSYS, so that its absence shows.
 */

    .section .hypercall_page, "ax", @progbits
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .rept 128
    .balign 32
    movq $-38, %rax
    ret
    .endr
    .balign 4096

    .section .note.GNU-stack, "", @progbits
