/* SPDX-License-Identifier: MIT */
/* Frames for the kernel of a 64-bit guest: abi/trap.h, [frame64], and abi/callback.h. */
#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>

#define STACK_ALIGN   UINT64_C(16)
#define CS_MASK_SHIFT 32u /* of the saved evtchn_upcall_mask in the word of cs */

/*
 * The frame that every handler finds, from its stack pointer upwards; what some have in between goes between @r11 and
 * @rip.
 */
struct interrupted {
    uint64_t rip, cs, rflags, rsp, ss;
};

/* As the guest sees itself: rings, flags and mask of events. */
FORCE_INLINE struct interrupted interrupted(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;
    uint64_t cs = frame->cs & 0xffff;
    uint8_t mask = bounce_events_mask(vcpu);

    if (!vcpu->engine.user_mode)
        cs &= ~UINT64_C(3);
    return (struct interrupted){frame->rip, cs | (uint64_t)mask << CS_MASK_SHIFT, bounce_flags_seen(vcpu, mask),
                                frame->rsp, frame->ss & 0xffff};
}

/* Change to the kernel's side, write @size bytes of frame to its stack and go on at @handler. */
FORCE_INLINE void enter(struct hv_vcpu *vcpu, const void *words, size_t size, struct callback handler)
{
    struct cpu_frame *frame = vcpu->frame;
    uint64_t rsp = frame->rsp;

    if (vcpu->engine.user_mode) {
        rsp = vcpu->bounce.kernel_sp;
        vcpu_enter_kernel(&vcpu->engine);
        state_swap_gs();
    }
    rsp = (rsp & ~(STACK_ALIGN - 1)) - size;
    if (!access_write(&vcpu->engine, VADDR(rsp), words, size)) {
        shutdown_crash(vcpu, "the frame of a handler cannot be written to the kernel's stack at %lx", rsp);
        return;
    }
    bounce_mask_events(vcpu, handler);
    frame->rip = handler.address;
    frame->cs = FLAT_KERNEL_CS64;
    frame->ss = FLAT_KERNEL_SS64;
    frame->rsp = rsp;
    frame->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC);
}

void bounce_wide(struct hv_vcpu *vcpu, struct callback handler)
{
    const struct {
        uint64_t rcx, r11;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, interrupted(vcpu)};

    enter(vcpu, &words, sizeof(words), handler);
}

void bounce_wide_error(struct hv_vcpu *vcpu, struct callback handler, uint64_t error)
{
    const struct {
        uint64_t rcx, r11, error;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, error, interrupted(vcpu)};

    enter(vcpu, &words, sizeof(words), handler);
}

void bounce_wide_selectors(struct hv_vcpu *vcpu, struct callback handler, const uint64_t selectors[4])
{
    const struct {
        uint64_t rcx, r11, ds, es, fs, gs;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, selectors[0],     selectors[1],
               selectors[2],     selectors[3],     interrupted(vcpu)};

    enter(vcpu, &words, sizeof(words), handler);
}
