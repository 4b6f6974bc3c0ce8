/* SPDX-License-Identifier: MIT */
/*
 * From a PVH loader to C: 32-bit mode without paging, ebx holds the physical address of struct hvm_start_info.
 * One L2 of 2 MiB pages maps the first GiB, at VIRT_BASE for good and at 0 until the jump.
 */
#include <guest/layout.h>
#include <guest/native.h>

#define PHYSICAL(symbol) (symbol - VIRT_BASE)
#define PAGE_TABLE       0x003 /* present, writable */
#define PAGE_2M          0x083 /* the same, 2 MiB */

#define CR0_BITS 0x80010003 /* PG WP MP PE */
#define CR4_BITS 0x6a0      /* OSXMMEXCPT OSFXSR PGE PAE */
#define EFER     0xc0000080
#define EFER_NEW 0x901 /* NXE LME SCE */

    .text
    .code32
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
    movl $PHYSICAL(native_l2) + PAGE_TABLE, PHYSICAL(native_l3) + 510 * 8
    movl $PHYSICAL(native_l3) + PAGE_TABLE, PHYSICAL(native_l4)
    movl $PHYSICAL(native_l3) + PAGE_TABLE, PHYSICAL(native_l4) + 511 * 8

    movl $CR4_BITS, %eax
    movl %eax, %cr4
    movl $PHYSICAL(native_l4), %eax
    movl %eax, %cr3
    movl $EFER, %ecx
    movl $EFER_NEW, %eax
    xorl %edx, %edx
    wrmsr
    movl $CR0_BITS, %eax
    movl %eax, %cr0
    lgdt PHYSICAL(2f)
    ljmp $NATIVE_CS, $PHYSICAL(native_start_64)
2:  .word NATIVE_GDT_FIRST + NATIVE_GDT_SLOTS * 8 - 1
    .long PHYSICAL(native_gdt) - NATIVE_GDT_FIRST
    .size native_start, . - native_start

    .code64
native_start_64:
    movl $NATIVE_SS, %eax
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movabsq $native_start_high, %rax
    jmp *%rax
native_start_high:
    leaq boot_stack + STACK_SIZE(%rip), %rsp
    movl %ebp, %edi
    xorl %ebp, %ebp
    /* Address 0 belongs to user mode now: the L3 had two slots for the kernel's L2 only because it was at hand. */
    movq $0, native_l4(%rip)
    movq $0, native_l3(%rip)
    movq %cr3, %rax
    movq %rax, %cr3
    leaq native_l4(%rip), %rsi
    call native_main
    ud2

    .bss
    .balign 4096
native_l4:
    .skip 4096
native_l3:
    .skip 4096
native_l2:
    .skip 4096

    .section .note.GNU-stack, "", @progbits
