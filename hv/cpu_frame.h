/* SPDX-License-Identifier: MIT */
/* The frame of a trap: the registers of whoever was interrupted, and its flags. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the processor and hv/entry.S have pushed.  Changes take effect on return. */
struct cpu_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct cpu_frame) == 22 * 8, "hv/entry.S");
_Static_assert(sizeof(struct cpu_frame) % 16 == 0, "hv/entry.S calls C with an aligned stack");

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
