/* SPDX-License-Identifier: MIT */
/* The frame of a trap: the registers of whoever was interrupted, and its flags. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/segment.h>
#include <engine/machine.h>
#include <hv/base/layout.h>
#include <hv/cpu/entry.h>
#include <hv/cpu/stack_owner.h>

/* What the processor and hv/cpu/entry.S have pushed.  Changes take effect on return. */
struct cpu_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct cpu_frame) == 22 * 8, "hv/cpu/entry.S");
_Static_assert(sizeof(struct cpu_frame) % 16 == 0, "hv/cpu/entry.S calls C with an aligned stack");

/*
 * Whose the stack is that @frame is at the end of: a vCPU's, or of what has a stack of its own, no vCPU's and nothing
 * besides.
 */
static inline const struct stack_owner *cpu_frame_owner(const struct cpu_frame *frame)
{
    return (const struct stack_owner *)(frame + 1);
}
_Static_assert(sizeof(struct cpu_frame) % sizeof(struct stack_owner) == 0, "hv/cpu/stack_owner.h");

/* The arguments of a hypercall, as registers hold them: abi/hypercall.h.  Its number is in rax. */
FORCE_INLINE void cpu_frame_args(const struct cpu_frame *frame, enum width width, uint64_t args[6])
{
    const bool wide = width == WIDTH_64;

    args[0] = wide ? frame->rdi : (uint32_t)frame->rbx;
    args[1] = wide ? frame->rsi : (uint32_t)frame->rcx;
    args[2] = wide ? frame->rdx : (uint32_t)frame->rdx;
    args[3] = wide ? frame->r10 : (uint32_t)frame->rsi;
    args[4] = wide ? frame->r8 : (uint32_t)frame->rdi;
    args[5] = wide ? frame->r9 : (uint32_t)frame->rbp;
}

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

/*
 * What ring 3 may set by itself; NT too, which does nothing there, and which a program may find again after a call.
 * Every guest's frame has RFLAGS_ONE and RFLAGS_IF beside these, and nothing else.
 */
#define RFLAGS_GUEST                                                                                             \
    (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_TF | RFLAGS_DF | RFLAGS_OF | RFLAGS_NT | \
     RFLAGS_RF | RFLAGS_AC | RFLAGS_ID)
_Static_assert(ENTRY_PROPER_MASK == ((~(uint32_t)RFLAGS_GUEST & ~UINT32_C(0xff)) | 3), "hv/cpu/entry.S");
_Static_assert(ENTRY_PROPER == (RFLAGS_IF | 3) && ENTRY_PROPER_RING1 == (RFLAGS_IF | 1), "hv/cpu/entry.S");

/* The ring that @frame is in; where no guest of @width can be, the one that it is put into. */
static inline uint64_t cpu_frame_ring(const struct cpu_frame *frame, enum width width)
{
    uint64_t ring = frame->cs & 3;

    return width == WIDTH_64 || ring == 0 ? 3 : ring;
}

/*
 * Bring a frame that has just come from a guest into the form that a guest may have: in ring 3, one of 32 bits in ring
 * 1 or 2 as well; with interrupts on, no I/O privilege, no virtual-8086 mode.  entry.S looks at every frame, and calls
 * for this where it has to: rings 1 and 2 are not for all, and processors are emulated: QEMU's iretl lets ring 3 choose
 * all of these.
 * False: the guest was in virtual-8086 mode, which long mode does not have.  Nothing that the frame told of the place
 * was true in the guest's terms, so the trap means nothing either: cs and ss are the flat ones now, and the data
 * segments of the processor, which are of that mode too, have to go.
 */
static inline bool __must_check cpu_frame_mend(struct cpu_frame *frame, enum width width)
{
    bool is_vm86 = frame->rflags & RFLAGS_VM;
    uint64_t ring = cpu_frame_ring(frame, width);

    frame->rflags = (frame->rflags & RFLAGS_GUEST) | RFLAGS_ONE | RFLAGS_IF;
    if (is_vm86) {
        frame->cs = width == WIDTH_64 ? FLAT_RING3_CS64 : FLAT_RING3_CS;
        frame->ss = width == WIDTH_64 ? FLAT_RING3_SS64 : FLAT_RING3_SS;
    } else {
        frame->cs = (frame->cs & 0xfffc) | ring;
        frame->ss = (frame->ss & 0xfffc) | ring;
    }
    return !is_vm86;
}

/*
 * May a guest of @width go on with @frame?  That one of 32 bits is never in 64-bit code is seen to by its descriptors:
 * none has the L bit, and no ring but the hypervisor's has use for HV_CS.
 */
static inline bool cpu_frame_is_proper(const struct cpu_frame *frame, enum width width)
{
    return (frame->rflags & ~RFLAGS_GUEST) == (RFLAGS_ONE | RFLAGS_IF) &&
           cpu_frame_ring(frame, width) == (frame->cs & 3);
}

/* Has @frame come from the guest?  The hypervisor has one code segment, and is in no other mode. */
static inline bool cpu_frame_is_guest(const struct cpu_frame *frame)
{
    return frame->cs != HV_CS || (frame->rflags & RFLAGS_VM);
}
