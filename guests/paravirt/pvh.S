/* SPDX-License-Identifier: MIT */
/* What makes the image startable on bare hardware, beside the notes of guest/start.S: the entry for PVH loaders. */
#include <abi/elfnote.h>
#include <guest/layout.h>

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad native_start - VIRT_BASE

    .section .note.GNU-stack, "", @progbits
