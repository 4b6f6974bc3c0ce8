/* SPDX-License-Identifier: MIT */
/* The registers of an interrupted 32-bit kernel or program. */
#pragma once

#include <guest/types.h>

/* What the entry code leaves on the stack; the return goes to what it holds then, through the iret call. */
struct regs {
    uint16_t es, _gap0, ds, _gap1;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax;
    uint32_t vector; /* an exception, or a VECTOR_ of layout.h */
    uint32_t error;  /* 0 for vectors without an error code */
    uint32_t eip;
    uint16_t cs;        /* privilege bits 1 or, on bare hardware, 0: kernel mode was interrupted; 3: user mode */
    uint8_t saved_mask; /* the evtchn_upcall_mask that was in force */
    uint8_t _gap2;
    uint32_t eflags; /* IF is the opposite of saved_mask */
    uint32_t esp;    /* of kernel mode too, where the frame has none */
    uint16_t ss, _gap3;
};
_Static_assert(sizeof(struct regs) == 64, "regs: registers.h");

/* Continue in kernel mode, where the segments may have been anything. */
static inline void regs_set_kernel_segments(struct regs *regs)
{
    regs->cs = FLAT_KERNEL_CS;
    regs->ds = regs->es = FLAT_KERNEL_DS;
    regs->ss = FLAT_KERNEL_SS;
}

/* A start in user mode. */
static inline struct regs regs_of_user(uint64_t eip, uint64_t esp, uint64_t eflags)
{
    return (struct regs){.eip = (uint32_t)eip,
                         .cs = FLAT_USER_CS,
                         .eflags = (uint32_t)eflags,
                         .esp = (uint32_t)esp,
                         .ss = FLAT_USER_SS,
                         .ds = FLAT_USER_DS,
                         .es = FLAT_USER_DS};
}
