/* SPDX-License-Identifier: MIT */
/*
 * From a PVH loader to C: 32-bit mode without paging, ebx holds the physical address of struct hvm_start_info.
 * One L2 of 2 MiB pages maps the first GiB, at VIRT_BASE for good and at 0 until the jump.
 */
#include <guest/layout.h>
#include <guest/native.h>

#define PHYSICAL(symbol) (symbol - VIRT_BASE)
#define L3_SLOT          (VIRT_BASE >> 30)
#define PAGE_TABLE       0x001 /* present; other rights an entry of the L3 does not have */
#define PAGE_2M          0x083 /* present, writable, 2 MiB */

#define CR0_BITS 0x80010003 /* PG WP MP PE */
#define CR4_BITS 0x6a0      /* OSXMMEXCPT OSFXSR PGE PAE */
#define EFER     0xc0000080
#define EFER_NEW 0x800 /* NXE */

    .text
    .globl native_start
    .type native_start, @function
native_start:
    cli
    cld
    movl %ebx, %ebp

    movl $PHYSICAL(native_l2), %edi
    movl $PAGE_2M, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    loop 1b
    movl $PHYSICAL(native_l2) + PAGE_TABLE, PHYSICAL(native_l3)
    movl $PHYSICAL(native_l2) + PAGE_TABLE, PHYSICAL(native_l3) + L3_SLOT * 8

    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $PHYSICAL(native_l3), %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    movl $EFER_NEW, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    lgdt PHYSICAL(2f)
    ljmp $NATIVE_CS, $native_start_high
2:  .word NATIVE_GDT_FIRST + NATIVE_GDT_SLOTS * 8 - 1
    .long PHYSICAL(native_gdt) - NATIVE_GDT_FIRST

native_start_high:
    movl $NATIVE_SS, %eax
    movl %eax, %ss
    movl %eax, %ds
    movl %eax, %es
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl $boot_stack + STACK_SIZE, %esp
    /* Address 0 belongs to user mode now. */
    movl $0, native_l3
    movl %cr3, %eax
    movl %eax, %cr3
    subl $4, %esp /* where a function is called, the stack is aligned to 16 */
    pushl $native_l3
    pushl $0
    pushl %ebp
    xorl %ebp, %ebp
    call native_main
    ud2
    .size native_start, . - native_start

    .bss
    .balign 4096
native_l3:
    .skip 4096
native_l2:
    .skip 4096

    .section .note.GNU-stack, "", @progbits
