/* SPDX-License-Identifier: MIT */
/*
 * The three ways that a guest takes more often than all others, for the case that is the ordinary one: the system call
 * of a program to its kernel, the page fault of a program, and the iret of a kernel.  What is done is what trap_call()
 * and trap_from_guest() do, step by step, with five registers instead of all; whatever is not ordinary is found before
 * anything has changed, and goes the long way:
 *
 *   syscall      bounce_syscall() of hv/domain/bounce.c, bounce_wide() of hv/domain/bounce_wide.c, vcpu_enter_kernel()
 *   page fault   page_fault() of hv/trap.c, bounce_page_fault(), bounce_wide_error(), vcpu_enter_kernel()
 *   iret         call_iret() of hv/call/call_trap.c, vcpu_enter_user()
 *   all          prepare_return() of hv/trap.c
 *
 * guests/tests/ways has a guest go both ways, from the same states, and compares.
 */
#include <abi/hypercall.h>
#include <abi/segment.h>

#include <hv/base/layout.h>
#include <hv/cpu/entry_macros.h>

/* What else stands in capitals here is of hv/offsets.c. */

/* The frame, and behind it whose the stack is, from the stack pointer on once five registers are on it. */
#define SAVED_RAX 0
#define SAVED_RCX 8
#define VECTOR 40
#define ERROR 48
#define RIP 56
#define CS 64
#define RFLAGS 72
#define RSP 80
#define SS 88
#define OWNER_CPU 96
#define OWNER_VCPU 104

#define HANDLER_SIZE 56 /* of the frame that a handler finds, or with an error code */
#define HANDLER_ERROR_SIZE 64
#define IN_SYSCALL 0x100 /* VGCF_in_syscall */

/*
 * The addresses of @size bytes from @start on are the guest's, in the half where kernels are: from HYPERVISOR_VIRT_END,
 * 15 times 2^43 below the end, to the end.  Otherwise go on at @no.  Uses rax.
 */
        .macro NEEDS_KERNEL_RANGE start, size, no
        cmpq $-(\size), %\start
        ja \no
        movq %\start, %rax
        sarq $43, %rax
        cmpq $-15, %rax
        jb \no
        .endm

/*
 * The flags in eax are proper, and with @ring 3 what is in their lowest bits is ring 3; and the guest does not see
 * those of I/O privilege.  rdx is the domain then.  Uses rax.
 */
        .macro NEEDS_ORDINARY ring, no
        andl $((ENTRY_PROPER_MASK & ~3) | \ring), %eax
        cmpl $((ENTRY_PROPER & ~3) | \ring), %eax
        jne \no
        movq VCPU_DOMAIN(%rdi), %rdx
        testb $ASSIST_IOPL, DOMAIN_ASSISTS(%rdx)
        jnz \no
        .endm

/* cpu_user_access_begin(), cpu_user_access_end(). */
        .macro USER_ACCESS instruction
        cmpb $0, cpu_features_found + FEATURES_SMAP(%rip)
        je .Lno_smap\@
        \instruction
.Lno_smap\@:
        .endm

/* An access to the guest's memory: where it faults, go on at @fault. */
        .macro GUEST fault, instruction:vararg
.Lguest\@:
        \instruction
        RECOVER .Lguest\@, \fault
        .endm

/* port_mode_load(): rax is the root's frame, and used. */
        .macro LOAD_ROOT
        shlq $12, %rax
        movq %rax, %cr3
        .endm

/*
 * Events are not masked, the kernel has a root, which is in rax then, and a stack that a frame of @size bytes fits on:
 * it goes to rsi.  Otherwise go on at @no.  Uses rax.
 */
        .macro NEEDS_WAY_TO_KERNEL size, no
        movq VCPU_INFO(%rdi), %rax
        cmpb $0, INFO_MASK(%rax)
        jne \no
        movq VCPU_KERNEL_SP(%rdi), %rsi
        andq $-16, %rsi
        subq $\size, %rsi
        NEEDS_KERNEL_RANGE rsi, \size, \no
        movq VCPU_KERNEL_ROOT(%rdi), %rax
        testq %rax, %rax
        js \no /* MFN_NONE */
        .endm

/*
 * ---- From entry_short_stubs of hv/cpu/entry.S: rcx and r11 are rip and rflags.
 */
        .text
        .globl entry_short
        .balign 16
entry_short:
        FRAME_BEGINS
        SAVE_FIRST
        movq OWNER_VCPU(%rsp), %rdi
        cmpb $0, VCPU_USER_MODE(%rdi)
        je .Lcall_of_kernel

/* A program's system call. */
        movl %r11d, %eax
        NEEDS_ORDINARY 0, entry_call_rest
        cmpq $0, VCPU_SYSCALL(%rdi)
        je entry_call_rest
        NEEDS_WAY_TO_KERNEL HANDLER_SIZE, entry_call_rest
        movb $0, VCPU_USER_MODE(%rdi)
        LOAD_ROOT
        swapgs
        movq RFLAGS(%rsp), %r11
        movq RSP(%rsp), %rax
        USER_ACCESS stac
        GUEST .Lsyscall_fault, movq %rcx, (%rsi)
        GUEST .Lsyscall_fault, movq %r11, 8(%rsi)
        GUEST .Lsyscall_fault, movq %rcx, 16(%rsi)
        GUEST .Lsyscall_fault, movq $FLAT_USER_CS64, 24(%rsi)
        GUEST .Lsyscall_fault, movq %r11, 32(%rsi)
        GUEST .Lsyscall_fault, movq %rax, 40(%rsi)
        GUEST .Lsyscall_fault, movq $FLAT_USER_SS64, 48(%rsi)
        USER_ACCESS clac

        movq VCPU_SYSCALL(%rdi), %rax
        movq %rax, RIP(%rsp)
        movl %r11d, %eax
        andl $FLAGS_OF_HANDLER, %eax
        movq %rax, RFLAGS(%rsp)
        movq %rsi, RSP(%rsp)
        movq VCPU_INFO(%rdi), %rsi
        cmpb $0, VCPU_SYSCALL_MASKS(%rdi)
        je .Lreturn_short
        movb $1, INFO_MASK(%rsi)

/* Back to the guest, if nothing asks for attention first; rdi is the vCPU, rsi its vcpu_info. */
.Lreturn_short:
        movq OWNER_CPU(%rsp), %rax
        movl $0, CPU_NMI_TICKS(%rax) /* nmi_watchdog_pet() */
        movzwl (%rsi), %eax
        testb %al, %al
        jz 1f
        testb %ah, %ah
        jz .Lattend_short
1:      cmpb $0, VCPU_ATTENTION(%rdi)
        jne .Lattend_short
        .cfi_remember_state
        RESTORE_FIRST
        jmp entry_iret
        .cfi_restore_state

/* The frame is that of the guest's new state; the registers that are not on it yet are the guest's. */
.Lattend_short:
        .cfi_remember_state
        SAVE_REST
        movq %rsp, %rdi
        call trap_return_short
        jmp entry_resume
        .cfi_restore_state

/* The long way says what has to be said: as if nothing had happened, but that the kernel's root is loaded already. */
.Lsyscall_fault:
        USER_ACCESS clac
        swapgs
        movb $1, VCPU_USER_MODE(%rdi)
        jmp entry_call_rest

/*
 * ---- The iret of a kernel.  rsi is where its frame is; what does not fit into registers waits in the frame here.
 */
.Lcall_of_kernel:
        cmpq $__HYPERVISOR_iret, %rax
        jne entry_hypercall
        movl %r11d, %eax
        NEEDS_ORDINARY 0, entry_hypercall
        cmpb $0, DOMAIN_LINEAR(%rdx) /* access_touch_ok() */
        jne entry_hypercall
        cmpw $0, VCPU_NMI(%rdi) /* none is pending, and none blocked */
        jne entry_hypercall
        movq VCPU_USER_ROOT(%rdi), %rax
        testq %rax, %rax
        js entry_hypercall /* MFN_NONE */
        movq RSP(%rsp), %rsi
        NEEDS_KERNEL_RANGE rsi, IRET_SIZE, entry_hypercall

        USER_ACCESS stac
        GUEST .Liret_fault, movq IRET_CS(%rsi), %rax
        movq %rax, CS(%rsp)
        GUEST .Liret_fault, movq IRET_SS(%rsi), %rax
        movq %rax, SS(%rsp)
        GUEST .Liret_fault, movq IRET_RAX(%rsi), %rax
        movq %rax, ERROR(%rsp)
        GUEST .Liret_fault, movq IRET_RCX(%rsi), %rax
        movq %rax, VECTOR(%rsp)
        GUEST .Liret_fault, movq IRET_R11(%rsi), %r11
        GUEST .Liret_fault, movl IRET_FLAGS(%rsi), %edx
        GUEST .Liret_fault, movq IRET_RIP(%rsi), %rcx
        GUEST .Liret_fault, movq IRET_RFLAGS(%rsi), %rax
        GUEST .Liret_fault, movq IRET_RSP(%rsi), %rsi
        USER_ACCESS clac

        movq %rcx, RIP(%rsp)
        movq %rsi, RSP(%rsp)
        movl %eax, %esi
        andl $FLAGS_OF_GUEST, %esi
        orl $FLAGS_ALWAYS, %esi
        movq %rsi, RFLAGS(%rsp)
        movb CS(%rsp), %cl
        testl $IN_SYSCALL, %edx
        jnz .Liret_in_syscall
        movzwl CS(%rsp), %edx
        orl $3, %edx
        movq %rdx, CS(%rsp)
        movzwl SS(%rsp), %edx
        orl $3, %edx
        movq %rdx, SS(%rsp)
        movq VECTOR(%rsp), %rdx
        movq %rdx, SAVED_RCX(%rsp)
.Liret_registers:
        movq ERROR(%rsp), %rdx
        movq %rdx, SAVED_RAX(%rsp)
        movq VCPU_INFO(%rdi), %rsi
        btl $RFLAGS_IF_BIT, %eax
        setnc INFO_MASK(%rsi)
        andb $3, %cl
        cmpb $3, %cl
        jne .Lreturn_short

        movw $0x101, VCPU_USER_MODE(%rdi) /* and user_cached */
        movq VCPU_USER_ROOT(%rdi), %rax
        LOAD_ROOT
        swapgs
        jmp .Lreturn_short

.Liret_in_syscall:
        movl $FLAT_USER_CS64, %edx
        cmpq $FLAT_USER_CS32, CS(%rsp)
        jne 1f
        movl $FLAT_USER_CS32, %edx
1:      movq %rdx, CS(%rsp)
        movq $FLAT_USER_SS64, SS(%rsp)
        movq RIP(%rsp), %rdx
        movq %rdx, SAVED_RCX(%rsp)
        movq RFLAGS(%rsp), %r11
        jmp .Liret_registers

.Liret_fault:
        USER_ACCESS clac
        movq $VECTOR_SYSCALL, VECTOR(%rsp)
        movq $0, ERROR(%rsp)
        movq $FLAT_RING3_CS64, CS(%rsp)
        movq $FLAT_RING3_SS64, SS(%rsp)
        movq RFLAGS(%rsp), %r11
        jmp entry_hypercall

/* All other calls, and what is not ordinary: trap_call() of a kernel. */
        .globl entry_hypercall
entry_hypercall:
        SAVE_REST
        movq %rsp, %rdi
        NEEDS_PROPER entry_improper
        call trap_hypercall
        jmp entry_resume
        .cfi_endproc

/*
 * ---- A program's page fault, from entry_stubs of hv/cpu/entry.S.  Where the processor itself looked for a descriptor,
 * the error code does not say that it was in user mode.
 */
        .globl entry_page_fault
        .balign 16
entry_page_fault:
        FRAME_BEGINS
        cmpw $HV_CS, FRAME_CS(%rsp)
        je entry_common
        SAVE_FIRST
        movq OWNER_VCPU(%rsp), %rdi
        cmpb $0, VCPU_USER_MODE(%rdi)
        je entry_from_guest_rest
        movl RFLAGS(%rsp), %eax
        movb CS(%rsp), %al
        NEEDS_ORDINARY 3, entry_from_guest_rest
        testb $FAULT_OF_USER, ERROR(%rsp)
        jz entry_from_guest_rest
        cmpq $0, VCPU_FAULT(%rdi)
        je entry_from_guest_rest
        NEEDS_WAY_TO_KERNEL HANDLER_ERROR_SIZE, entry_from_guest_rest

        pushq $RFLAGS_CLEAR
        popfq
        movb $0, VCPU_USER_MODE(%rdi)
        LOAD_ROOT
        swapgs
        movq %cr2, %rcx
        movq VCPU_INFO(%rdi), %rdx
        movq %rcx, INFO_CR2(%rdx)
        USER_ACCESS stac
        movq SAVED_RCX(%rsp), %rax
        GUEST .Lfault_fault, movq %rax, (%rsi)
        GUEST .Lfault_fault, movq %r11, 8(%rsi)
        movq ERROR(%rsp), %rax
        GUEST .Lfault_fault, movq %rax, 16(%rsi)
        movq RIP(%rsp), %rax
        GUEST .Lfault_fault, movq %rax, 24(%rsi)
        movzwl CS(%rsp), %eax
        GUEST .Lfault_fault, movq %rax, 32(%rsi)
        movq RFLAGS(%rsp), %rax
        GUEST .Lfault_fault, movq %rax, 40(%rsi)
        movq RSP(%rsp), %rax
        GUEST .Lfault_fault, movq %rax, 48(%rsi)
        movzwl SS(%rsp), %eax
        GUEST .Lfault_fault, movq %rax, 56(%rsi)
        USER_ACCESS clac

        movq VCPU_FAULT(%rdi), %rax
        movq %rax, RIP(%rsp)
        movq $FLAT_RING3_CS64, CS(%rsp)
        andq $(FLAGS_OF_HANDLER | FLAG_OF_EXCEPTION), RFLAGS(%rsp)
        movq %rsi, RSP(%rsp)
        movq $FLAT_RING3_SS64, SS(%rsp)
        movq %rdx, %rsi
        testb $GATE_MASKS, VCPU_FAULT_FLAGS(%rdi)
        jz .Lreturn_short
        movb $1, INFO_MASK(%rsi)
        jmp .Lreturn_short

/* As where a system call's frame cannot be written; and the fault that this was has left another address in cr2. */
.Lfault_fault:
        USER_ACCESS clac
        movq %rcx, %cr2
        swapgs
        movb $1, VCPU_USER_MODE(%rdi)
        jmp entry_from_guest_rest
        .cfi_endproc

        .section .note.GNU-stack, "", @progbits
