/* SPDX-License-Identifier: MIT */
/*
 * The image.  What runs before paging is linked at its machine address, everything else at IMAGE_BASE plus its machine
 * address.  In the file the parts lie exactly as far apart as in memory, which a Multiboot 1 loader relies on.
 */
#include <hv/base/layout.h>

OUTPUT_FORMAT(elf64-x86-64)
ENTRY(boot_entry)

PHDRS
{
    boot PT_LOAD FLAGS(5);
    text PT_LOAD FLAGS(5);
    rodata PT_LOAD FLAGS(4);
    data PT_LOAD FLAGS(6);
    bss PT_LOAD FLAGS(6); /* apart, because in the file the others are not aligned as much as a stack is */
    note PT_NOTE FLAGS(4);
}

SECTIONS
{
    . = IMAGE_START;
    .boot : {
        image_boot_start = . + IMAGE_BASE;
        *(.boot.header)
        *(.boot)
    } :boot
    .note : { *(.note.Xen) } :boot :note
    . = ALIGN(4096);

    . += IMAGE_BASE;
    .text : AT(ADDR(.text) - IMAGE_BASE) {
        image_text_start = .;
        *(.text .text.*)
        image_text_end = .;
    } :text

    . = ALIGN(4096);
    .rodata : AT(ADDR(.rodata) - IMAGE_BASE) {
        image_rodata_start = .;
        *(.rodata .rodata.*)
        *(.data.rel.ro .data.rel.ro.*)
        . = ALIGN(4);
        image_recovery_start = .;
        *(.recovery)
        image_recovery_end = .;
        *(.symbols)
        image_rodata_end = .;
    } :rodata

    . = ALIGN(4096);
    .data : AT(ADDR(.data) - IMAGE_BASE) {
        image_data_start = .;
        *(.data .data.*)
        . = ALIGN(4096);
        image_data_end = .;
    } :data

    /* The guard has no memory mapped; the stack grows down towards it. */
    .bss (NOLOAD) : AT(ADDR(.bss) - IMAGE_BASE) {
        . = ALIGN(. + GUARD_SIZE, STACK_SIZE);
        image_guard_start = . - GUARD_SIZE;
        boot_stack = .;
        . += STACK_SIZE;
        boot_stack_end = .;
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        image_end = .;
    } :bss

    /* Nothing may go through tables that a loader would have to fill in. */
    .got : { *(.got .got.*) }
    .plt : { *(.plt .plt.*) *(.iplt) }
    .rela : { *(.rela.*) }
    ASSERT(SIZEOF(.got) == 0 && SIZEOF(.plt) == 0 && SIZEOF(.rela) == 0, "the image needs relocation")

    /DISCARD/ : { *(.comment .note.GNU-stack .note.gnu.property .eh_frame .llvm_addrsig) }
}
