/* SPDX-License-Identifier: MIT */
/*
 * From the guest, or from an exception or interrupt, to C and back.  All ways in build the same frame, struct cpu_frame
 * of hv/cpu/cpu_frame.h:
 *
 *   exceptions and interrupts   a stub of 16 bytes for each vector; those without an error code get a zero in its place
 *   syscall, sysenter           a stub for each processor, since the instructions bring no stack
 *   int $0x82                   a way of its own, to the calls of a 32-bit guest's kernel
 *
 * From a guest the frame lies at the top of the vCPU's hypervisor stack, hv/domain/sched.h; trap_from_guest() leaves it
 * as the guest is to go on.
 */
#include <abi/segment.h>

#include <hv/base/layout.h>
#include <hv/cpu/entry_macros.h>

#define STUB_SIZE 16

/*
 * ---- Exceptions and interrupts.
 */
        .text
        .macro STUBS common, page_fault
        vector = 0
        .rept 256
        .balign STUB_SIZE
        /* Vectors with an error code: Intel SDM volume 3, table 6-1; AMD APM volume 2, table 8-1. */
        .if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
        pushq $0
        .endif
        pushq $vector
        .if vector == ENTRY_PAGE_FAULT
        jmp \page_fault
        .else
        jmp \common
        .endif
        vector = vector + 1
        .endr
        .endm

        .globl entry_stubs, entry_traced_traps
        .balign STUB_SIZE
entry_stubs:
        STUBS entry_common, entry_page_fault

/* The same where traps are traced: hv/domain/trace_trap.h. */
        .balign STUB_SIZE
entry_traced_traps:
        STUBS entry_common_traced, entry_common_traced

        .globl entry_common
        .balign 16
entry_common:
        FRAME_BEGINS
        /* Only the hypervisor's; but in virtual-8086 mode, which QEMU's iretl enters, any number may be a selector. */
        cmpw $HV_CS, FRAME_CS(%rsp)
        jne entry_from_guest
        testl $RFLAGS_VM86, FRAME_RFLAGS(%rsp)
        jnz entry_from_guest
        SAVE_REGISTERS
        pushq $RFLAGS_CLEAR
        popfq
        movq %rsp, %rdi
        call trap_from_hypervisor
        RESTORE_REGISTERS
        iretq
        .cfi_endproc

entry_from_guest:
        FRAME_BEGINS
        SAVE_FIRST
        .globl entry_from_guest_rest
entry_from_guest_rest:
        SAVE_REST
        pushq $RFLAGS_CLEAR
        popfq
        movq %rsp, %rdi
        NEEDS_PROPER entry_improper
        call trap_from_guest
/* Whatever C has made of the frame, no guest goes on with one that it may not have. */
        .globl entry_resume
entry_resume:
        NEEDS_PROPER entry_return_improper
entry_restore:
        RESTORE_REGISTERS
/* Where the processor refuses to go on as the frame says, trap_from_hypervisor() finds a fault at this address. */
        .globl entry_iret
entry_iret:
        iretq
        .cfi_endproc

        .globl entry_improper
entry_improper:
        WHOLE_FRAME_BEGINS
        call trap_from_guest_improper
        jmp entry_resume

entry_return_improper:
        movq %rsp, %rdi
        call trap_return_improper
        jmp entry_restore
        .cfi_endproc

/* What is the hypervisor's own, or looks like it, is not traced. */
        .balign 16
entry_common_traced:
        FRAME_BEGINS
        cmpw $HV_CS, FRAME_CS(%rsp)
        je entry_common
        SAVE_REGISTERS
        pushq $RFLAGS_CLEAR
        popfq
        movq %rsp, %rdi
        NEEDS_PROPER 1f
        call trap_from_guest_traced
        jmp entry_resume
1:      call trap_from_guest_improper_traced
        jmp entry_resume
        .cfi_endproc

/*
 * The gate of this vector is open to ring 1, where only 32-bit guests are.  On the way back to ring 1 a comparison is
 * enough, because the stack is that of the vCPU that came.
 */
        .macro ENTRY_CALL32 name, call
        .globl \name
        .balign 16
\name:
        pushq $0
        pushq $ENTRY_HYPERCALL32
        FRAME_BEGINS
        SAVE_REGISTERS
        pushq $RFLAGS_CLEAR
        popfq
        movq %rsp, %rdi
        NEEDS_PROPER entry_improper, ENTRY_PROPER_RING1
        call \call
        NEEDS_PROPER entry_resume, ENTRY_PROPER_RING1
        jmp entry_restore
        .cfi_endproc
        .endm

        ENTRY_CALL32 entry_hypercall32, trap_call32
        ENTRY_CALL32 entry_traced32, trap_call32_traced

/*
 * _Noreturn void entry_restart(struct cpu_frame *frame): a trap from the guest as if it had just come, with @frame at
 * its place; what the stack holds below is gone.  After an NMI others are blocked until an iret: hence this one.
 */
        .globl entry_restart
entry_restart:
        movq %rdi, %rsp
        leaq 1f(%rip), %rax
        pushq $HV_DS
        pushq %rdi
        pushq $RFLAGS_CLEAR
        pushq $HV_CS
        pushq %rax
        iretq
        WHOLE_FRAME_BEGINS
1:      call trap_from_guest
        jmp entry_resume
        .cfi_endproc

/*
 * ---- System calls: AMD APM volume 3, SYSCALL, SYSENTER.  The flags in ENTRY_SYSCALL_MASK are clear already.
 */
        .macro SYSCALL_STUB cs, vector, way=entry_call
        number = 0
        .rept ENTRY_CPUS
        .balign ENTRY_SYSCALL_STUB_SIZE
        movq %rsp, entry_cpus + number * ENTRY_CPU_SIZE + ENTRY_CPU_SCRATCH(%rip)
        movq entry_cpus + number * ENTRY_CPU_SIZE + ENTRY_CPU_STACK(%rip), %rsp
        pushq $FLAT_RING3_SS64
        pushq entry_cpus + number * ENTRY_CPU_SIZE + ENTRY_CPU_SCRATCH(%rip)
        jmp entry_syscall_\vector\()_\way
        number = number + 1
        .endr

        .balign 16
entry_syscall_\vector\()_\way:
        pushq %r11
        pushq $\cs
        pushq %rcx
        pushq $0
        pushq $\vector
        jmp \way
        .endm

        .globl entry_syscall32_stubs, entry_traced_stubs
        .balign ENTRY_SYSCALL_STUB_SIZE
entry_syscall32_stubs:
        SYSCALL_STUB FLAT_RING3_CS32, VECTOR_SYSCALL32

/* The same where calls are traced: hv/domain/trace.h. */
        .balign ENTRY_SYSCALL_STUB_SIZE
entry_traced_stubs:
        SYSCALL_STUB FLAT_RING3_CS64, VECTOR_SYSCALL, entry_call_traced

/* What is common goes the short way: hv/cpu/entry_short.S. */
        .globl entry_short_stubs
        .balign ENTRY_SYSCALL_STUB_SIZE
entry_short_stubs:
        SYSCALL_STUB FLAT_RING3_CS64, VECTOR_SYSCALL, entry_short

        .macro ENTRY_CALL name, call
\name:
        FRAME_BEGINS
        SAVE_FIRST
        .globl \name\()_rest
\name\()_rest:
        SAVE_REST
        movq %rsp, %rdi
        NEEDS_PROPER entry_improper
        call \call
        jmp entry_resume
        .cfi_endproc
        .endm

        ENTRY_CALL entry_call, trap_call
        ENTRY_CALL entry_call_traced, trap_call_traced

/* The stack pointer is cpu_sysenter_stack() of hv/cpu/cpu.h.  The instruction keeps neither rip nor rsp. */
        .globl entry_sysenter
        .balign 16
entry_sysenter:
        movq (%rsp), %rsp
        pushq $FLAT_RING3_SS64
        pushq $0
        pushfq
        orq $RFLAGS_IF, (%rsp)
        pushq $3
        pushq $0
        pushq $0
        pushq $VECTOR_SYSENTER
        jmp entry_from_guest

/*
 * ---- Stacks.
 */

/*
 * void entry_switch(uint64_t *sleeping, uint64_t waking): leave this stack, its pointer in *@sleeping, and go on where
 * the other stack called this.
 */
        .globl entry_switch
        .balign 16
entry_switch:
        .cfi_startproc
        PUSH_PRESERVED
        movq %rsp, (%rdi)
        movq %rsi, %rsp
        POP_PRESERVED
        ret
        .cfi_endproc

/* What a new stack returns to: the frame is above. */
        .globl entry_first
        .balign 16
entry_first:
        WHOLE_FRAME_BEGINS
        movq %rsp, %rdi
        call trap_first_return
        jmp entry_resume
        .cfi_endproc

/*
 * ---- What else C cannot say.
 */

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
 * Returns how many bytes have not been copied, of a word that could not be none.
 */
        .globl copy_recover
copy_recover:
        .cfi_startproc
        movq %rdx, %rcx
        andl $7, %edx
        shrq $3, %rcx
1:      rep movsq
        movl %edx, %ecx
2:      rep movsb
        movq %rcx, %rax
        ret
3:      leaq (%rdx, %rcx, 8), %rax
        ret
4:      movq %rcx, %rax
        ret
        .cfi_endproc
        RECOVER 1b, 3b
        RECOVER 2b, 4b

/* bool entry_read_segment(uint16_t selector, uint32_t *rights, uint32_t *limit): hv/cpu/entry.h. */
        .globl entry_read_segment
entry_read_segment:
        .cfi_startproc
        xorl %eax, %eax
1:      larl %edi, %ecx
        jnz 3f
2:      lsll %edi, %edi
        jnz 3f
        movl %ecx, (%rsi)
        movl %edi, (%rdx)
        movl $1, %eax
3:      ret
        .cfi_endproc
        RECOVER 1b, 3b
        RECOVER 2b, 3b

/*
 * bool entry_load_ds(uint16_t selector) and so on: load a guest's selector, which may mean nothing any more.
 * False: the processor refused it, and the register is null.
 */
        .macro LOAD_SELECTOR name
        .globl entry_load_\name
entry_load_\name:
        .cfi_startproc
        movl $1, %eax
1:      movw %di, %\name
        ret
2:      xorl %eax, %eax
        movw %ax, %\name
        ret
        .cfi_endproc
        RECOVER 1b, 2b
        .endm

        LOAD_SELECTOR ds
        LOAD_SELECTOR es
        LOAD_SELECTOR fs
        LOAD_SELECTOR gs

        .section .note.GNU-stack, "", @progbits
