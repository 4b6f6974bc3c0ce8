/* SPDX-License-Identifier: MIT */
/* The programs.  They are copied to CODE_BASE. */
#include <guests/paravirt/program.h>

#define CODE_BASE     0x400000
#define DATA_BASE     0x40000000
#define HERE(label)   (label - program_begin + CODE_BASE)

    .macro call_kernel number
    movl $\number, %eax
    int $0x80
    .endm

    .section .rodata
    .globl program_begin, program_end, program_family, program_yield, program_forest, program_stray, program_code
program_begin:

/* Three children; child n writes a line, adds n to a word that it shares with nobody, and ends with it. */
program_family:
    movl $DATA_BASE, %ebx
    movl $100, (%ebx)
    movl $1, %ebp
1:  call_kernel SYSCALL_FORK
    testl %eax, %eax
    jz child
    js failed
    incl %ebp
    cmpl $3, %ebp
    jbe 1b
    xorl %ecx, %ecx
2:  call_kernel SYSCALL_WAIT
    testl %eax, %eax
    js 3f
    addl %edx, %ecx
    jmp 2b
3:  cmpl $100, (%ebx) /* what the children wrote is not here */
    jne failed
    movl %ecx, %edi
    call_kernel SYSCALL_EXIT
child:
    call_kernel SYSCALL_YIELD
    addl %ebp, (%ebx)
    movl $HERE(line), %edi
    movl $line_end - line, %esi
    call_kernel SYSCALL_WRITE
    call_kernel SYSCALL_YIELD
    movl (%ebx), %edi
    call_kernel SYSCALL_EXIT
failed:
    movl $-1, %edi
    call_kernel SYSCALL_EXIT
line:
    .ascii "a child says hello\n"
line_end:

/* Count to 50 in a register, in memory and on a stack, with a yield after each; registers are what they were. */
program_yield:
    movl $DATA_BASE, %ebx
    movl $DATA_BASE + 0x2000, %esp
    xorl %ebp, %ebp
1:  incl %ebp
    incl (%ebx)
    pushl %ebp
    leal 1(%ebp), %edx
    leal 2(%ebp), %ecx
    call_kernel SYSCALL_YIELD
    decl %edx
    subl $2, %ecx
    cmpl %edx, %ecx
    jne failed
    popl %eax
    cmpl %edx, %eax
    jne failed
    cmpl %ebp, (%ebx)
    jne failed
    cmpl $50, %ebp
    jb 1b
    movl %ebp, %edi
    call_kernel SYSCALL_EXIT

/* What the kernel says. */
program_forest:
    xorl %edi, %edi
next:
    call_kernel SYSCALL_NEXT
    movl $1024, %ecx
    cmpl $NEXT_FILL, %eax
    je fill
    cmpl $NEXT_VERIFY, %eax
    je verify
    cmpl $NEXT_FORK, %eax
    jne program_forest
    call_kernel SYSCALL_FORK
    jmp program_forest
fill:
    movl %esi, (%edx)
    addl $4, %edx
    addl $SIGNATURE_STEP, %esi
    loop fill
    jmp program_forest
verify:
    xorl %edi, %edi
1:  xorl %eax, %eax
    cmpl %esi, (%edx)
    setne %al
    addl %eax, %edi
    addl $4, %edx
    addl $SIGNATURE_STEP, %esi
    loop 1b
    jmp next

/* Write where nothing is; write to the code. */
program_stray:
    movl $0, 8
    call_kernel SYSCALL_EXIT
program_code:
    movl $0, HERE(program_begin)
    call_kernel SYSCALL_EXIT
program_end:

    .section .note.GNU-stack, "", @progbits
