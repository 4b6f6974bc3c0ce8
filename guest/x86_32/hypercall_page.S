/* SPDX-License-Identifier: MIT */
/*
 * The way into the hypervisor.  The builder fills the page with the entry points of the calls; until then each says
 * ENOSYS, so that its absence shows.
 */

    .cfi_sections .debug_frame

    .section .hypercall_page, "ax", @progbits
    .balign 4096
    .globl hypercall_page
    .type hypercall_page, @function
hypercall_page:
    .cfi_startproc
    .rept 128
    .balign 32
    movl $-38, %eax
    ret
    .endr
    .balign 4096
    .cfi_endproc
    .size hypercall_page, . - hypercall_page

    .section .note.GNU-stack, "", @progbits
