/* SPDX-License-Identifier: MIT */
/*
 * From a start-up interrupt to 64-bit C, for each processor but the first, one after the other: hv/processors.c.
 *
 * The interrupt brings a processor to the beginning of a page below 1 MiB, in real mode; the few instructions for that
 * are copied there.  They go on in the image, by the tables that the first processor has begun with.
 */
#include <hv/base/layout.h>
#include <hv/head.h>

        .cfi_sections .debug_frame

/*
 * ---- The copy.  It works at the beginning of any page: cs says which.
 */
        .section .rodata
        .globl other_real_mode, other_real_mode_end
        .code16
other_real_mode:
        cli
        cld
        movw %cs, %ax
        movw %ax, %ds
        lgdtl gdt_pointer - other_real_mode
        movl %cr0, %eax
        orl $CR0_PE, %eax
        movl %eax, %cr0
        ljmpl $BOOT_CS32, $other_protected_mode
gdt_pointer:
        .short BOOT_GDT_SIZE - 1
        .long boot_gdt
other_real_mode_end:

/*
 * ---- In the image, without paging, then with the early tables.  Processors that boot this know long mode and the
 * execute-disable bit, and what one of them knows the others do: hv/cpu/cpu.c looks at the rest.
 */
        .section .boot, "ax"
        .code32
other_protected_mode:
        movw $BOOT_DS, %ax
        movw %ax, %ds
        movw %ax, %ss
        ENTER_LONG_MODE
        ljmp $BOOT_CS, $1f
        .code64
1:      movabsq $enter_other, %rax
        jmp *%rax

/*
 * ---- At the image's own address, on the hypervisor's tables.  The stack is there for one that comes: who finds none
 * is too late.  On it lies where to go on, as if that had been called: hv/processors.c.
 */
        .text
enter_other:
        .cfi_startproc
        .cfi_undefined rip /* for a debugger: nothing called this */
        CLEAR_SEGMENTS
        movq other_root(%rip), %rcx
        movq %rcx, %cr3
        xchgq %rax, other_stack(%rip)
        testq %rax, %rax
        jz 2f
        movq %rax, %rsp
        xorl %ebp, %ebp
        ret
2:      cli
        hlt
        jmp 2b
        .cfi_endproc

        .data
        .globl other_root, other_stack
        .balign 8
other_root:
        .quad 0
other_stack:
        .quad 0

        .section .note.GNU-stack, "", @progbits
