/* SPDX-License-Identifier: MIT */
/* Exceptions, interrupts and system calls, as hv/cpu/entry.S hands them over. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <hv/cpu/cpu_frame.h>
#include <hv/cpu/entry.h>

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
    VECTOR_NO_SEGMENT = 11,
    VECTOR_STACK = 12,
    VECTOR_PROTECTION = 13,
    VECTOR_PAGE_FAULT = ENTRY_PAGE_FAULT,
    VECTOR_MACHINE_CHECK = 18,
    VECTOR_EXCEPTIONS = 32, /* those from here on are interrupts, but for the next two */
    VECTOR_INT80 = 0x80,
    VECTOR_HYPERCALL32 = ENTRY_HYPERCALL32, /* int $0x82 by a 32-bit guest's kernel */
    VECTOR_INTERRUPTS = 0xe0,               /* those from here on are the hypervisor's: hv/time/apic.h, and */
    VECTOR_KICK = 0xf1,                     /* another processor wants this one to look: cpu_kick() */
    VECTOR_ASK = 0xf2,                      /* another processor has asked something: cpu_ask() */
};

/* Error codes: of page faults, Intel SDM volume 3, 4.7; of what concerns a selector, 6.13. */
#define PAGE_FAULT_PRESENT (UINT64_C(1) << 0)
#define PAGE_FAULT_WRITE   (UINT64_C(1) << 1)
#define PAGE_FAULT_USER    (UINT64_C(1) << 2)
#define PAGE_FAULT_FETCH   (UINT64_C(1) << 4)
#define SELECTOR_ERROR_EXT (UINT64_C(1) << 0)
#define SELECTOR_ERROR_IDT (UINT64_C(1) << 1)
#define SELECTOR_ERROR_LDT (UINT64_C(1) << 2)

#define TRAP_RING(frame) ((frame)->cs & 3)

/* Where the kernel of a 32-bit guest is. */
#define NARROW_KERNEL_RING 1u

/* Bytes of the instructions that trap on purpose. */
#define INT_N_SIZE   2u
#define SYSCALL_SIZE 2u

/*
 * Called by hv/cpu/entry.S, interrupts off.  @frame of trap_from_guest() and trap_first_return() lies at the top of the
 * vCPU's stack, except for what has a stack of its own (hv/cpu/cpu.h).
 */
void trap_from_guest(struct cpu_frame *frame);
void trap_call(struct cpu_frame *frame);      /* syscall, in 64-bit and 32-bit code */
void trap_hypercall(struct cpu_frame *frame); /* syscall in 64-bit code, by a kernel */
void trap_call32(struct cpu_frame *frame);    /* int $0x82, in ring 1 */
void trap_call_traced(struct cpu_frame *frame);
void trap_call32_traced(struct cpu_frame *frame);
void trap_from_guest_traced(struct cpu_frame *frame);
void trap_from_guest_improper_traced(struct cpu_frame *frame);
void trap_from_hypervisor(struct cpu_frame *frame);
void trap_first_return(struct cpu_frame *frame);

/* By the short way @frame is complete, and there is something to attend to before the guest goes on with it. */
void trap_return_short(struct cpu_frame *frame);

/* Any of the first four, with a frame that is not proper: of ring 1 or 2, or one that no guest may have. */
void trap_from_guest_improper(struct cpu_frame *frame);

/* A guest is to go on with a frame that is not proper; returns if it is one of a 32-bit guest, in ring 1 or 2. */
void trap_return_improper(struct cpu_frame *frame);
