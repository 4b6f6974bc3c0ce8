/* SPDX-License-Identifier: MIT */
/*
 * From a loader to 64-bit C.  In order: the headers that loaders look for, the entry points, the check of the
 * processor, the early page tables, the step to 64 bits.
 *
 * Multiboot 1, Multiboot 2 and PVH all enter in 32-bit protected mode without paging, with flat segments, ebx holding
 * the machine address of their structure.  What else is in a register or in a descriptor table is not relied on.
 */
#include <abi/elfnote.h>

#include <hv/boot/boot_magic.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/head.h>

#define MB1_PAGE_ALIGN 0x00000001
#define MB1_MEMORY     0x00000002
#define MB1_ADDRESSES  0x00010000
#define MB1_FLAGS      (MB1_PAGE_ALIGN | MB1_MEMORY | MB1_ADDRESSES)

#define MB2_I386             0
#define MB2_TAG_END          0
#define MB2_TAG_REQUEST      1
#define MB2_TAG_MODULE_ALIGN 6
#define MB2_WANT_MODULE      3
#define MB2_WANT_MEMORY_MAP  6

#define EFLAGS_ID     (1 << 21)
#define CPUID_LONG    29 /* leaf 0x80000001, edx */
#define CPUID_NX      20

#define SERIAL_PORT   0x3f8
#define SERIAL_STATUS 5
#define SERIAL_EMPTY  0x20
#define SERIAL_SENT   0x40 /* and nothing is under way any more */
#define SERIAL_SPINS  0x10000

#define ENTRY_TABLE   0x003 /* present, writable */
#define ENTRY_LARGE   0x083 /* and 2 MiB large */

#define IMAGE_SLOT    259

        .cfi_sections .debug_frame

/*
 * ---- Headers.  Multiboot 1 wants its own in the first 8 KiB of the file, Multiboot 2 in the first 32.
 */
        .section .boot.header, "ax"
        .balign 8
mb1_header:
        .long MB1_HEADER_MAGIC
        .long MB1_FLAGS
        .long -(MB1_HEADER_MAGIC + MB1_FLAGS)
        /* Loaders that take an ELF file only if it is of 32 bits go by these addresses instead. */
        .long mb1_header
        .long IMAGE_START
        .long PHYS(image_data_end)
        .long PHYS(image_end)
        .long boot_entry

        .balign 8
mb2_header:
        .long MB2_HEADER_MAGIC
        .long MB2_I386
        .long mb2_header_end - mb2_header
        .long -(MB2_HEADER_MAGIC + MB2_I386 + (mb2_header_end - mb2_header))
        .short MB2_TAG_REQUEST, 0
        .long 16
        .long MB2_WANT_MODULE, MB2_WANT_MEMORY_MAP
        .short MB2_TAG_MODULE_ALIGN, 0
        .long 8
        .short MB2_TAG_END, 0
        .long 8
mb2_header_end:

        .section .note.Xen, "a", @note
        .balign 4
        .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
        .asciz "Xen"
        .quad pvh_entry

/*
 * ---- Entry points.
 */
        .section .boot, "ax"
        .code32
        .globl boot_entry
pvh_entry:
        movl $PVH_MAGIC, %eax
boot_entry:
        cli
        cld
        movl %eax, %ebp
        movl %ebx, %esi

        /* Whatever the loader did about it, the .bss is zero from here on. */
        xorl %eax, %eax
        movl $PHYS(image_guard_start), %edi
        movl $PHYS(image_end), %ecx
        subl %edi, %ecx
        shrl $2, %ecx
        rep stosl
        movl $PHYS(boot_stack_end - STACK_OWNER_SIZE), %esp
        pushl %esi
        pushl %ebp
        call check_processor
        call make_early_tables
        popl %edi
        popl %esi

        ENTER_LONG_MODE
        lgdt boot_gdt_pointer
        ljmp $BOOT_CS, $enter_image

/*
 * ---- The processor: long mode and the execute-disable bit.  All else that is needed comes with long mode.
 */
check_processor:
        pushfl
        popl %eax
        movl %eax, %ecx
        xorl $EFLAGS_ID, %eax
        pushl %eax
        popfl
        pushfl
        popl %eax
        movl $lacks_cpuid, %esi
        xorl %ecx, %eax
        testl $EFLAGS_ID, %eax
        jz refuse

        movl $0x80000000, %eax
        cpuid
        movl $lacks_long_mode, %esi
        cmpl $0x80000001, %eax
        jb refuse
        movl $0x80000001, %eax
        cpuid
        btl $CPUID_LONG, %edx
        jnc refuse
        movl $lacks_nx, %esi
        btl $CPUID_NX, %edx
        jnc refuse
        ret

/* Say what is missing, the string at esi, on the serial line, and end. */
refuse:
        pushl %esi
        movl $refusal, %esi
        call put_string
        popl %esi
        call put_string
        movl $end_of_line, %esi
        call put_string
        /* What is still on its way would end with the machine. */
        movb $SERIAL_SENT, %bl
        call await_line
        movb $EXIT_UNSUPPORTED, %al
        outb %al, $EXIT_PORT
1:      hlt
        jmp 1b

put_string:
        movb $SERIAL_EMPTY, %bl
        call await_line
        lodsb
        testb %al, %al
        jz 1f
        movw $SERIAL_PORT, %dx
        outb %al, %dx
        jmp put_string
1:      ret

/* Until the line's status has the bit of bl, or for as long as can be expected. */
await_line:
        movl $SERIAL_SPINS, %ecx
        movw $(SERIAL_PORT + SERIAL_STATUS), %dx
1:      inb %dx, %al
        testb %bl, %al
        jnz 2f
        loop 1b
2:      ret

refusal:
        .asciz "Paravane cannot run here: the processor lacks "
lacks_cpuid:
        .asciz "the CPUID instruction"
lacks_long_mode:
        .asciz "long mode (it is not a 64-bit processor)"
lacks_nx:
        .asciz "the execute-disable bit (NX)"
end_of_line:
        .asciz "\r\n"

/*
 * ---- Early tables: 4 GiB in pages of 2 MiB, at address 0 and at IMAGE_BASE.
 */
make_early_tables:
        movl $PHYS(early_l2), %edi
        movl $ENTRY_LARGE, %eax
        movl $(EARLY_L2S * 512), %ecx
1:      movl %eax, (%edi)
        addl $0x200000, %eax
        addl $8, %edi
        loop 1b

        movl $PHYS(early_l3), %edi
        movl $(PHYS(early_l2) + ENTRY_TABLE), %eax
        movl $EARLY_L2S, %ecx
2:      movl %eax, (%edi)
        addl $0x1000, %eax
        addl $8, %edi
        loop 2b

        movl $(PHYS(early_l3) + ENTRY_TABLE), %eax
        movl %eax, PHYS(early_l4)
        movl %eax, PHYS(early_l4) + IMAGE_SLOT * 8
        ret

/*
 * ---- 64 bits.
 */
        .code64
enter_image:
        .cfi_startproc
        .cfi_undefined rip /* for a debugger: nothing called this */
        CLEAR_SEGMENTS
        xorl %ebp, %ebp
        movabsq $(boot_stack_end - STACK_OWNER_SIZE), %rsp
        movabsq $cpu_boot, %rax
        movq %rax, (%rsp) /* hv/cpu/stack_owner.h: no vCPU's */
        movl %edi, %edi
        movl %esi, %esi
        movabsq $main_start, %rax
        call *%rax
        ud2
        .cfi_endproc

        .balign 8
boot_gdt_pointer:
        .short BOOT_GDT_SIZE - 1
        .long boot_gdt

        .section .note.GNU-stack, "", @progbits
