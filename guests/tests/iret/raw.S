/* SPDX-License-Identifier: MIT */
/* Returns by the call and by the instruction, and what they leave in registers and flags. */
#include <abi/hypercall.h>

    .text
/* void iret_call(const struct iret_context *frame): the call, with the frame copied to this stack. */
    .globl iret_call
iret_call:
    subq $72, %rsp
    movq %rdi, %rsi
    movq %rsp, %rdi
    movl $9, %ecx
    rep movsq
    movl $__HYPERVISOR_iret, %eax
    syscall
    ud2

/* uint64_t iret_native(void): the instruction iretq, from kernel mode to kernel mode; returns rflags from behind it. */
    .globl iret_native
iret_native:
    movq %rsp, %rax
    movl %ss, %ecx
    pushq %rcx
    pushq %rax
    pushfq
    orq $0x40801, (%rsp) /* AC, OF, CF */
    movl %cs, %ecx
    pushq %rcx
    leaq 1f(%rip), %rcx
    pushq %rcx
    iretq
1:  pushfq
    popq %rax
    pushq $2
    popfq
    ret

/* uint64_t iret_registers(void): a return into kernel mode restores rax, rcx, r11; 0 if so. */
    .globl iret_registers
iret_registers:
    movq %rsp, %rdx
    pushq $0xe02b
    pushq %rdx
    pushq $0x202
    pushq $0xe030
    leaq 1f(%rip), %rcx
    pushq %rcx
    pushq $0
    pushq $0x33 /* rcx */
    pushq $0x11 /* r11 */
    pushq $0x77 /* rax */
    movl $__HYPERVISOR_iret, %eax
    syscall
    ud2
1:  xorq $0x77, %rax
    xorq $0x33, %rcx
    xorq $0x11, %r11
    orq %rcx, %rax
    orq %r11, %rax
    subq %rsp, %rdx
    orq %rdx, %rax
    ret

/* uint64_t iret_flags(uint64_t rflags): a return by the call into kernel mode with these; returns those behind it. */
    .globl iret_flags
iret_flags:
    movq %rsp, %rdx
    pushq $0xe02b
    pushq %rdx
    pushq %rdi
    pushq $0xe030
    leaq 1f(%rip), %rcx
    pushq %rcx
    pushq $0
    pushq %rcx
    pushq %r11
    pushq %rax
    movl $__HYPERVISOR_iret, %eax
    syscall
    ud2
1:  pushfq
    popq %rax
    pushq $2
    popfq
    ret

    .section .note.GNU-stack, "", @progbits
