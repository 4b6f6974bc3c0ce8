/* SPDX-License-Identifier: MIT */
/*
 * bool msr_read_recover(uint32_t msr, uint64_t *value): read a register that may not exist.  False: it does not, and
 * *value is as it was.
 */
        .cfi_sections .debug_frame
        .text
        .globl msr_read_recover
msr_read_recover:
        .cfi_startproc
        movl %edi, %ecx
1:      rdmsr
        shlq $32, %rdx
        orq %rdx, %rax
        movq %rax, (%rsi)
        movl $1, %eax
        ret
2:      xorl %eax, %eax
        ret
        .cfi_endproc

/* A fault at the first address continues at the second: struct recovery of hv/trap.c. */
        .section .recovery, "a"
        .balign 4
        .long 1b - ., 2b - .

        .section .note.GNU-stack, "", @progbits
