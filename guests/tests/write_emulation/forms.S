/* SPDX-License-Identifier: MIT */
/*
 * Instructions that write memory, each as a function: rdi is the address of 8 bytes, the other registers are operands.
 * form_table lists them: name, address, and 1 for what a hypervisor need not know; a name of
 * 0 ends it.
 */
    .text

.macro form name:req, code:req, optional=0
    .pushsection .rodata.names, "aMS", @progbits, 1
5:  .asciz "\name"
    .popsection
    .pushsection .rodata.forms, "a"
    .quad 5b, 6f, \optional
    .popsection
6:  \code
    ret
.endm

    .pushsection .rodata.forms, "a"
    .balign 8
    .globl form_table
form_table:
    .popsection

    /* mov: sizes and addressing */
    form "movb to byte 0", "movb %cl, (%rdi)"
    form "movb to byte 7", "movb %cl, 7(%rdi)"
    form "movb from ch", "movb %ch, 3(%rdi)"
    form "movb from sil", "movb %sil, 3(%rdi)"
    form "movw", "movw %cx, (%rdi)"
    form "movw to byte 6", "movw %cx, 6(%rdi)"
    form "movl", "movl %ecx, (%rdi)"
    form "movl to the upper half", "movl %ecx, 4(%rdi)"
    form "movq", "movq %rcx, (%rdi)"
    form "movq from r9", "movq %r9, (%rdi)"
    form "movb immediate", "movb $0x12, 2(%rdi)"
    form "movw immediate", "movw $0x1234, 2(%rdi)"
    form "movl immediate", "movl $0x12345678, (%rdi)"
    form "movq immediate, sign-extended", "movq $-0x7654322, (%rdi)"
    form "movq, base only r10", "movq %rdi, %r10; movq %rcx, (%r10)"
    form "movq, base r12 (with a SIB byte)", "pushq %r12; movq %rdi, %r12; movq %rcx, (%r12); popq %r12"
    form "movq, base r13 (with a displacement)", "pushq %r13; movq %rdi, %r13; movq %rcx, (%r13); popq %r13"
    form "movq, base rbp", "pushq %rbp; movq %rdi, %rbp; movq %rcx, (%rbp); popq %rbp"
    form "movq, displacement of 8 bits", "subq $64, %rdi; movq %rcx, 64(%rdi)"
    form "movq, displacement of 32 bits", "addq $0x1000, %rdi; movq %rcx, -0x1000(%rdi)"
    form "movq, base and index", "subq $16, %rdi; pushq $16; popq %r8; movq %rcx, (%rdi, %r8)"
    form "movq, index scaled by 8", "subq $80, %rdi; pushq $9; popq %r8; movq %rcx, 8(%rdi, %r8, 8)"
    form "movq, index r15 scaled by 4", "pushq %r15; pushq $-4; popq %r15; movq %rcx, 16(%rdi, %r15, 4); popq %r15"
    form "movq, index only", "movq %rdi, %r8; shrq $1, %r8; movq %rcx, (, %r8, 2)"
    form "movl, 16-bit displacement prefix unused", ".byte 0x2e; movl %ecx, (%rdi)"
    form "movnti", "movntiq %rcx, (%rdi)"
    /* string instructions */
    form "stosb", "movb $0x5a, %al; stosb"
    form "stosw", "stosw"
    form "stosl", "stosl"
    form "stosq", "stosq"
    form "stosq backwards", "std; stosq; cld"
    form "rep stosq, 3 times", "movl $3, %ecx; rep stosq"
    form "rep stosl, 5 times", "movl $5, %ecx; rep stosl"
    form "rep stosq, not once", "xorl %ecx, %ecx; rep stosq"
    form "movsb", "movsb"
    form "movsw", "movsw"
    form "movsl", "movsl"
    form "movsq", "movsq"
    form "rep movsq, 3 times", "movl $3, %ecx; rep movsq"
    form "rep movsl, 3 times", "movl $3, %ecx; rep movsl"
    /* exchanges */
    form "xchgb", "xchgb %cl, (%rdi)"
    form "xchgw", "xchgw %cx, (%rdi)"
    form "xchgl", "xchgl %ecx, (%rdi)"
    form "xchgq", "xchgq %rcx, (%rdi)"
    form "lock xchgq", "lock xchgq %rcx, (%rdi)"
    form "cmpxchgq, equal", "movq (%rdi), %rax; lock cmpxchgq %rcx, (%rdi)"
    form "cmpxchgq, equal, no lock", "movq (%rdi), %rax; cmpxchgq %rcx, (%rdi)"
    form "cmpxchgq, different", "lock cmpxchgq %rcx, (%rdi)"
    form "cmpxchgl, equal", "movl (%rdi), %eax; lock cmpxchgl %ecx, (%rdi)"
    form "cmpxchgl, different", "lock cmpxchgl %ecx, (%rdi)"
    form "cmpxchgb, equal", "movb 1(%rdi), %al; lock cmpxchgb %cl, 1(%rdi)"
    form "cmpxchg8b, equal", "movl (%rdi), %eax; movl 4(%rdi), %edx; lock cmpxchg8b (%rdi)"
    form "cmpxchg8b, equal, no lock", "movl (%rdi), %eax; movl 4(%rdi), %edx; cmpxchg8b (%rdi)"
    form "cmpxchg8b, different", "lock cmpxchg8b (%rdi)"
    form "xaddq", "lock xaddq %rcx, (%rdi)"
    form "xaddl", "lock xaddl %ecx, (%rdi)"
    form "xaddb", "xaddb %cl, (%rdi)"
    /* read, compute, write; with and without lock */
    form "lock andq", "lock andq %rcx, (%rdi)"
    form "lock andl", "lock andl %ecx, (%rdi)"
    form "lock andb", "lock andb %cl, (%rdi)"
    form "andq immediate byte", "andq $-2, (%rdi)"
    form "lock andl immediate", "lock andl $0xfffff0ff, (%rdi)"
    form "lock andb immediate", "lock andb $0xfd, (%rdi)"
    form "lock orq", "lock orq %rcx, (%rdi)"
    form "orw", "orw %cx, 2(%rdi)"
    form "orb immediate", "orb $0x40, (%rdi)"
    form "lock orl immediate", "lock orl $0x40, (%rdi)"
    form "lock xorq", "lock xorq %rcx, (%rdi)"
    form "xorl immediate", "xorl $0x600, (%rdi)"
    form "lock addq", "lock addq %rcx, (%rdi)"
    form "addq immediate byte", "addq $0x40, (%rdi)"
    form "addb", "addb %cl, 1(%rdi)"
    form "lock subq", "lock subq %rcx, (%rdi)"
    form "subl immediate", "subl $0x1000, (%rdi)"
    form "adcq with carry", "stc; adcq %rcx, (%rdi)", 1
    form "sbbq with carry", "stc; sbbq %rcx, (%rdi)", 1
    form "lock incq", "lock incq (%rdi)", 1
    form "incl", "incl (%rdi)", 1
    form "lock decq", "lock decq (%rdi)", 1
    form "lock notq", "lock notq (%rdi)", 1
    form "lock negq", "lock negq (%rdi)"
    /* bits */
    form "lock btsq immediate", "lock btsq $9, (%rdi)"
    form "lock btrq immediate", "lock btrq $6, (%rdi)"
    form "lock btcq immediate", "lock btcq $10, (%rdi)"
    form "lock btrl immediate", "lock btrl $5, (%rdi)"
    form "lock btrw immediate", "lock btrw $5, (%rdi)"
    form "lock btsq register", "movl $11, %edx; lock btsq %rdx, (%rdi)"
    form "lock btrq register", "movl $5, %edx; lock btrq %rdx, (%rdi)"
    form "btcq register", "movl $62, %edx; btcq %rdx, (%rdi)"
    form "btsq register, bit of the next entry", "movl $73, %edx; lock btsq %rdx, (%rdi)"
    form "btrq register, bit of the entry before", "movq $-55, %rdx; lock btrq %rdx, (%rdi)"
    /* what else a compiler may use */
    form "setc", "stc; setc (%rdi)", 1
    form "pop", "pushq %rcx; popq (%rdi)", 1
    form "shlq", "shlq $1, (%rdi)", 1
    form "shrl by cl", "movb $3, %cl; shrl %cl, (%rdi)", 1

    .pushsection .rodata.forms, "a"
    .quad 0, 0, 0
    .popsection

/* void form_run(uint64_t code, struct operands *operands): load the registers, run, store them and the flags. */
    .globl form_run
form_run:
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    movq %rsi, %rbp
    movq (%rbp), %rax
    movq 8(%rbp), %rcx
    movq 16(%rbp), %rdx
    movq 24(%rbp), %rbx
    movq 32(%rbp), %rsi
    movq 40(%rbp), %rdi
    movq 48(%rbp), %r8
    movq 56(%rbp), %r9
    pushq 64(%rbp)
    popfq
    callq *(%rsp)
    pushfq
    movq 16(%rsp), %rbp /* struct operands */
    movq %rax, (%rbp)
    movq %rcx, 8(%rbp)
    movq %rdx, 16(%rbp)
    movq %rbx, 24(%rbp)
    movq %rsi, 32(%rbp)
    movq %rdi, 40(%rbp)
    movq %r8, 48(%rbp)
    movq %r9, 56(%rbp)
    popq 64(%rbp)
    cld
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    ret

    .section .note.GNU-stack, "", @progbits
