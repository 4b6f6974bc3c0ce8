/* SPDX-License-Identifier: MIT */
/* Exceptions, interrupts and system calls, as hv/entry.S hands them over. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hv/entry.h>

/* What the processor and hv/entry.S have pushed.  Changes take effect on return. */
struct cpu_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct cpu_frame) == 22 * 8, "hv/entry.S");
_Static_assert(sizeof(struct cpu_frame) % 16 == 0, "hv/entry.S calls C with an aligned stack");

enum vector {
    VECTOR_DIVIDE_ERROR = 0,
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_BREAKPOINT = 3,
    VECTOR_OVERFLOW = 4,
    VECTOR_INVALID_OPCODE = 6,
    VECTOR_NO_DEVICE = 7,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_INVALID_TSS = 10,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS = 32, /* those from here on are interrupts */
    VECTOR_INT80 = 0x80,
    VECTOR_INTERRUPTS = 0xf0, /* those from here on are the hypervisor's: hv/apic.h */
};

/* Error codes: of page faults, Intel SDM volume 3, 4.7; of what concerns a selector, 6.13. */
#define PAGE_FAULT_PRESENT (UINT64_C(1) << 0)
#define PAGE_FAULT_WRITE   (UINT64_C(1) << 1)
#define PAGE_FAULT_USER    (UINT64_C(1) << 2)
#define PAGE_FAULT_FETCH   (UINT64_C(1) << 4)
#define SELECTOR_ERROR_EXT (UINT64_C(1) << 0)
#define SELECTOR_ERROR_IDT (UINT64_C(1) << 1)
#define SELECTOR_ERROR_LDT (UINT64_C(1) << 2)

#define RFLAGS_CF   (UINT64_C(1) << 0)
#define RFLAGS_ONE  (UINT64_C(1) << 1)
#define RFLAGS_PF   (UINT64_C(1) << 2)
#define RFLAGS_AF   (UINT64_C(1) << 4)
#define RFLAGS_ZF   (UINT64_C(1) << 6)
#define RFLAGS_SF   (UINT64_C(1) << 7)
#define RFLAGS_TF   (UINT64_C(1) << 8)
#define RFLAGS_IF   (UINT64_C(1) << 9)
#define RFLAGS_DF   (UINT64_C(1) << 10)
#define RFLAGS_OF   (UINT64_C(1) << 11)
#define RFLAGS_IOPL (UINT64_C(3) << 12)
#define RFLAGS_NT   (UINT64_C(1) << 14)
#define RFLAGS_RF   (UINT64_C(1) << 16)
#define RFLAGS_VM   (UINT64_C(1) << 17)
#define RFLAGS_AC   (UINT64_C(1) << 18)
#define RFLAGS_ID   (UINT64_C(1) << 21)

#define TRAP_RING(frame) ((frame)->cs & 3)

/*
 * Called by hv/entry.S, interrupts off.  @frame of trap_from_guest() and trap_first_return() lies at the top of the
 * vCPU's stack, except for what has a stack of its own (hv/cpu.h).
 */
void trap_from_guest(struct cpu_frame *frame);
void trap_call(struct cpu_frame *frame); /* syscall, in 64-bit and 32-bit code */
void trap_from_hypervisor(struct cpu_frame *frame);
void trap_first_return(struct cpu_frame *frame);
