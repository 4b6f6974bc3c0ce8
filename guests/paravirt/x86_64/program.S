/* SPDX-License-Identifier: MIT */
/* The programs.  They are copied to CODE_BASE; nothing in them depends on where they lie. */
#include <guests/paravirt/program.h>

#define DATA_BASE 0x40000000

    .macro call_kernel number
    movl $\number, %eax
    syscall
    .endm

    .section .rodata
    .globl program_begin, program_end, program_family, program_yield, program_forest, program_stray, program_code
program_begin:

/* Three children; child n writes a line, adds n to a word that it shares with nobody, and ends with it. */
program_family:
    movl $DATA_BASE, %ebx
    movq $100, (%rbx)
    movl $1, %ebp
1:  call_kernel SYSCALL_FORK
    testq %rax, %rax
    jz child
    js failed
    incl %ebp
    cmpl $3, %ebp
    jbe 1b
    xorl %r12d, %r12d
2:  call_kernel SYSCALL_WAIT
    testq %rax, %rax
    js 3f
    addq %rdx, %r12
    jmp 2b
3:  cmpq $100, (%rbx) /* what the children wrote is not here */
    jne failed
    movq %r12, %rdi
    call_kernel SYSCALL_EXIT
child:
    call_kernel SYSCALL_YIELD
    addq %rbp, (%rbx)
    leaq line(%rip), %rdi
    movl $line_end - line, %esi
    call_kernel SYSCALL_WRITE
    call_kernel SYSCALL_YIELD
    movq (%rbx), %rdi
    call_kernel SYSCALL_EXIT
failed:
    movq $-1, %rdi
    call_kernel SYSCALL_EXIT
line:
    .ascii "a child says hello\n"
line_end:

/* Count to 50 in a register, in memory and on a stack, with a yield after each; registers are what they were. */
program_yield:
    movl $DATA_BASE, %ebx
    movl $DATA_BASE + 0x2000, %esp
    xorl %ebp, %ebp
1:  incq %rbp
    incq (%rbx)
    pushq %rbp
    leaq 1(%rbp), %rdx
    leaq 2(%rbp), %r15
    call_kernel SYSCALL_YIELD
    decq %rdx
    subq $2, %r15
    cmpq %rdx, %r15
    jne failed
    popq %rax
    cmpq %rdx, %rax
    jne failed
    cmpq %rbp, (%rbx)
    jne failed
    cmpq $50, %rbp
    jb 1b
    movq %rbp, %rdi
    call_kernel SYSCALL_EXIT

/* What the kernel says. */
program_forest:
    xorl %edi, %edi
next:
    call_kernel SYSCALL_NEXT
    movl $SIGNATURE_STEP, %r8d
    movl $512, %ecx
    cmpl $NEXT_FILL, %eax
    je fill
    cmpl $NEXT_VERIFY, %eax
    je verify
    cmpl $NEXT_FORK, %eax
    jne program_forest
    call_kernel SYSCALL_FORK
    jmp program_forest
fill:
    movq %rsi, (%rdx)
    addq $8, %rdx
    addq %r8, %rsi
    loop fill
    jmp program_forest
verify:
    xorl %edi, %edi
1:  xorl %eax, %eax
    cmpq %rsi, (%rdx)
    setne %al
    addq %rax, %rdi
    addq $8, %rdx
    addq %r8, %rsi
    loop 1b
    jmp next

/* Write where nothing is; write to the code. */
program_stray:
    movq $0, 8
    call_kernel SYSCALL_EXIT
program_code:
    movq $0, program_begin(%rip)
    call_kernel SYSCALL_EXIT
program_end:

    .section .note.GNU-stack, "", @progbits
