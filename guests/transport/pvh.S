/* SPDX-License-Identifier: MIT */
/* What makes the image startable by a PVH loader, the only way it is meant to be started. */
#include <abi/elfnote.h>
#include <guest/layout.h>

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 2f - 1f, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
1:  NOTE_ADDRESS native_start - VIRT_BASE
2:

    .section .note.GNU-stack, "", @progbits
