/* SPDX-License-Identifier: MIT */
/* Start of day of a PV guest: the notes that a domain builder reads, and the first instructions. */
#include <abi/elfnote.h>
#include <guest/layout.h>

/* One note: TYPE, and the assembler directives that make its contents. */
.macro note type:req, contents:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 2f - 1f, 4f - 3f, \type
1:  .asciz "Xen"
2:  .balign 4
3:  \contents
4:  .balign 4
    .popsection
.endm

    note XEN_ELFNOTE_GUEST_OS, .asciz "paravane"
    note XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
    note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
    note XEN_ELFNOTE_LOADER, .asciz "generic"
    note XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
    note XEN_ELFNOTE_ENTRY, .quad start
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    note XEN_ELFNOTE_FEATURES, .ascii "!writable_page_tables|pae_pgdir_above_4gb"
    /* bit 0 writable_page_tables, bit 11 dom0: the image may be started as initial domain */
    note XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x801
    note XEN_ELFNOTE_PAE_MODE, .asciz "yes"

    .cfi_sections .debug_frame

    .text
    .globl start
    .type start, @function
start:
    .cfi_startproc
    .cfi_undefined rip /* for a debugger: nothing called this */
    cld
    /* The boot stack has one page; its end is told to the kernel, which must not hand it out as free. */
    movq %rsi, %rdi
    movq %rsp, %rsi
    leaq boot_stack + STACK_SIZE(%rip), %rsp
    xorl %ebp, %ebp
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
