/* SPDX-License-Identifier: MIT */
/* What makes the image startable on bare hardware, beside the notes of guest/notes.S: the entry for PVH loaders. */
#include <abi/elfnote.h>
#include <guest/layout.h>

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
1:  NOTE_ADDRESS native_start - VIRT_BASE
2:

    .section .note.GNU-stack, "", @progbits
