/* SPDX-License-Identifier: MIT */
/* The notes of the image, which a domain builder reads. */
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
    note XEN_ELFNOTE_VIRT_BASE, NOTE_ADDRESS VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET, NOTE_ADDRESS 0
    note XEN_ELFNOTE_ENTRY, NOTE_ADDRESS start
    note XEN_ELFNOTE_HYPERCALL_PAGE, NOTE_ADDRESS hypercall_page
    note XEN_ELFNOTE_FEATURES, .ascii "!writable_page_tables|pae_pgdir_above_4gb"
    /* bit 0 writable_page_tables, bit 11 dom0: the image may be started as initial domain */
    note XEN_ELFNOTE_SUPPORTED_FEATURES, .long 0x801
    note XEN_ELFNOTE_PAE_MODE, .asciz "yes"

    .section .note.GNU-stack, "", @progbits
