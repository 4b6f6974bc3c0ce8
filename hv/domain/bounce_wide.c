/* SPDX-License-Identifier: MIT */
/* Frames for the kernel of a 64-bit guest: abi/trap.h, [frame64], and abi/callback.h. */
#include <abi/segment.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/user_word.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>

#define STACK_ALIGN    UINT64_C(16)
#define REGISTERS_SIZE UINT64_C(16) /* of rcx and r11 */
#define CS_MASK_SHIFT  32u          /* of the saved evtchn_upcall_mask in the word of cs */

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

/* Change to the kernel's side.  Returns where a frame of @size bytes goes to on its stack. */
FORCE_INLINE uint64_t enter_kernel(struct hv_vcpu *vcpu, uint64_t size)
{
    uint64_t rsp = vcpu->frame->rsp;

    if (vcpu->engine.user_mode) {
        rsp = vcpu->bounce.kernel_sp;
        vcpu_enter_kernel(&vcpu->engine);
        state_swap_gs();
    }
    return (rsp & ~(STACK_ALIGN - 1)) - size;
}

/* What every frame has below whatever some have besides, and above that. */
FORCE_INLINE bool write_registers(const struct hv_vcpu *vcpu, uint64_t at)
{
    return user_word_write(at, vcpu->frame->rcx) && user_word_write(at + 8, vcpu->frame->r11);
}

FORCE_INLINE bool write_interrupted(uint64_t at, struct interrupted rest)
{
    return user_word_write(at, rest.rip) && user_word_write(at + 8, rest.cs) && user_word_write(at + 16, rest.rflags) &&
           user_word_write(at + 24, rest.rsp) && user_word_write(at + 32, rest.ss);
}

/* The frame at @rsp has been written, or not: go on at @handler. */
FORCE_INLINE void enter(struct hv_vcpu *vcpu, uint64_t rsp, bool written, struct callback handler)
{
    struct cpu_frame *frame = vcpu->frame;

    if (!written) {
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

/* With @nr_between words of @between, a constant, where some frames have them. */
FORCE_INLINE void bounce_with(struct hv_vcpu *vcpu, struct callback handler, const uint64_t *between,
                              unsigned nr_between)
{
    const struct interrupted rest = interrupted(vcpu);
    const uint64_t size = REGISTERS_SIZE + nr_between * sizeof(*between) + sizeof(rest);
    const uint64_t rsp = enter_kernel(vcpu, size);
    bool written;

    cpu_user_access_begin();
    written = access_touch_ok(vcpu->engine.domain, VADDR(rsp), size) && write_registers(vcpu, rsp);
    for (unsigned i = 0; written && i < nr_between; i++)
        written = user_word_write(rsp + REGISTERS_SIZE + i * sizeof(*between), between[i]);
    written = written && write_interrupted(rsp + size - sizeof(rest), rest);
    cpu_user_access_end();
    enter(vcpu, rsp, written, handler);
}

void bounce_wide(struct hv_vcpu *vcpu, struct callback handler)
{
    bounce_with(vcpu, handler, NULL, 0);
}

void bounce_wide_error(struct hv_vcpu *vcpu, struct callback handler, uint64_t error)
{
    bounce_with(vcpu, handler, &error, 1);
}

void bounce_wide_selectors(struct hv_vcpu *vcpu, struct callback handler, const uint64_t selectors[4])
{
    bounce_with(vcpu, handler, selectors, 4);
}
