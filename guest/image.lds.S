/* SPDX-License-Identifier: MIT */
/* A kernel image: p_paddr is the distance from VIRT_BASE, which is what a domain builder places segments by. */
#include <guest/layout.h>

OUTPUT_FORMAT(IMAGE_FORMAT)
ENTRY(start)

PHDRS
{
    text PT_LOAD FLAGS(5);
    data PT_LOAD FLAGS(6);
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = VIRT_BASE + IMAGE_OFFSET;
    image_start = .;

    .text : AT(ADDR(.text) - VIRT_BASE) {
        *(.hypercall_page)
        *(.text .text.*)
    } :text

    . = ALIGN(16);
    .rodata : AT(ADDR(.rodata) - VIRT_BASE) { *(.rodata .rodata.*) } :text

    .note : AT(ADDR(.note) - VIRT_BASE) { *(.note.Xen) } :text :note

    . = ALIGN(4096);
    .data : AT(ADDR(.data) - VIRT_BASE) { *(.data .data.*) } :data
    .bss : AT(ADDR(.bss) - VIRT_BASE) { *(.bss .bss.* COMMON) } :data
    . = ALIGN(4096);
    image_end = .;

    /DISCARD/ : { *(.comment) *(.note.GNU-stack) *(.eh_frame) *(.note.gnu.property) }
}
