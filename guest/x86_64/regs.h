/* SPDX-License-Identifier: MIT */
/* The registers of an interrupted 64-bit kernel or program. */
#pragma once

#include <abi/segment.h>
#include <guest/types.h>

/* What the entry code leaves on the stack; the return goes to what it holds then, through the iret call. */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint32_t error;  /* 0 for vectors without an error code */
    uint32_t vector; /* an exception, or a VECTOR_ of layout.h */
    uint64_t rip;
    uint16_t cs; /* privilege bits 0: kernel mode was interrupted; 3: user mode */
    uint16_t _gap0;
    uint8_t saved_mask; /* the evtchn_upcall_mask that was in force */
    uint8_t _gap1[3];
    uint64_t rflags; /* IF is the opposite of saved_mask */
    uint64_t rsp;
    uint64_t ss;
};
_Static_assert(sizeof(struct regs) == 168, "regs: trap_entry.S");

/* Continue in kernel mode, where the segments may have been anything. */
static inline void regs_set_kernel_segments(struct regs *regs)
{
    regs->cs = FLAT_KERNEL_CS & ~3;
    regs->ss = FLAT_KERNEL_SS;
}

/* A start in user mode. */
static inline struct regs regs_of_user(uint64_t rip, uint64_t rsp, uint64_t rflags)
{
    return (struct regs){.rip = rip, .cs = FLAT_USER_CS64, .rflags = rflags, .rsp = rsp, .ss = FLAT_USER_SS64};
}
