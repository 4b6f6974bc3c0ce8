/* SPDX-License-Identifier: MIT */
/* The iret call with a frame that is wherever it is, and all registers known. */
#include <abi/hypercall.h>
#include <guest/x86_64/registers.h>

    .text

/* void ways_go(const struct iret_context *frame, uintptr_t *stack): user_return(*stack) comes back to the caller. */
    .globl ways_go
    .type ways_go, @function
ways_go:
    save_preserved
    movq %rsp, (%rsi)
    movq %rdi, %rsp
    xorl %ebx, %ebx
    movl $0x11111111, %edx
    movl $0x22222222, %esi
    movl $0x33333333, %edi
    movq $-1, %rbp
    movl $8, %r8d
    movl $9, %r9d
    movl $10, %r10d
    movl $12, %r12d
    movl $13, %r13d
    movl $14, %r14d
    movl $15, %r15d
    movl $__HYPERVISOR_iret, %eax
    syscall
    ud2
    .size ways_go, . - ways_go

/* The handlers of system calls and page faults: what flags they begin with, then the library's. */
    .macro handler name, library
    .globl \name
    .type \name, @function
\name:
    pushfq
    popq ways_flags(%rip)
    jmp *\library(%rip)
    .size \name, . - \name
    .endm

    handler ways_syscall, ways_library
    handler ways_page_fault, ways_library_fault

    .section .note.GNU-stack, "", @progbits
