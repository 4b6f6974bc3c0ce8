/* SPDX-License-Identifier: MIT */
/*
 * From an exception or interrupt to trap_handle() and back.  Each vector has a stub of 16 bytes, which makes all frames
 * alike: those without an error code get a zero in its place.  The layout is struct cpu_frame of hv/trap.h.
 */
#include <hv/layout.h>

#define STUB_SIZE 16
#define RFLAGS_CLEAR 0x2 /* no DF, AC, NT, TF, IF; bit 1 is always set */

        .text
        .globl entry_stubs
        .balign STUB_SIZE
entry_stubs:
        vector = 0
        .rept 256
        .balign STUB_SIZE
        /* Vectors with an error code: Intel SDM volume 3, table 6-1; AMD APM volume 2, table 8-1. */
        .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
        pushq $0
        .endif
        pushq $vector
        jmp entry_common
        vector = vector + 1
        .endr

        .balign 16
entry_common:
        pushq %rdi
        pushq %rsi
        pushq %rdx
        pushq %rcx
        pushq %rax
        pushq %r8
        pushq %r9
        pushq %r10
        pushq %r11
        pushq %rbx
        pushq %rbp
        pushq %r12
        pushq %r13
        pushq %r14
        pushq %r15
        pushq $RFLAGS_CLEAR
        popfq
        movq %rsp, %rdi
        call trap_handle
        popq %r15
        popq %r14
        popq %r13
        popq %r12
        popq %rbp
        popq %rbx
        popq %r11
        popq %r10
        popq %r9
        popq %r8
        popq %rax
        popq %rcx
        popq %rdx
        popq %rsi
        popq %rdi
        addq $16, %rsp /* vector, error code */
        iretq

/* void entry_reload_segments(void): the selectors of the hypervisor's GDT, after it has been loaded. */
        .globl entry_reload_segments
entry_reload_segments:
        xorl %eax, %eax
        movl %eax, %ds
        movl %eax, %es
        movl %eax, %fs
        movl %eax, %gs
        movl $HV_DS, %eax
        movl %eax, %ss
        popq %rax
        pushq $HV_CS
        pushq %rax
        lretq

/*
 * size_t copy_recover(void *to, const void *from, size_t size): copy; where memory cannot be reached, stop.
 * Returns how many bytes have not been copied.
 */
        .globl copy_recover
copy_recover:
        movq %rdx, %rcx
1:      rep movsb
2:      movq %rcx, %rax
        ret

/* A fault at the first address continues at the second: struct recovery of hv/trap.c. */
        .section .recovery, "a"
        .balign 4
        .long 1b - ., 2b - .

        .section .note.GNU-stack, "", @progbits
