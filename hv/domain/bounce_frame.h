/* SPDX-License-Identifier: MIT */
/* The frames of hv/domain/bounce.c, for guests of either width. */
#pragma once

#include <abi/vm_assist.h>
#include <hv/domain/vcpu.h>

/*
 * Each makes @handler, which there is, the place where @vcpu goes on in its guest's kernel: with nothing in the frame
 * beside what every frame has, with an error code, or with the four selectors of the failsafe callback.
 */

/* hv/domain/bounce_wide.c: abi/trap.h, [frame64]. */
void bounce_wide(struct hv_vcpu *vcpu, struct callback handler);
void bounce_wide_error(struct hv_vcpu *vcpu, struct callback handler, uint64_t error);
void bounce_wide_selectors(struct hv_vcpu *vcpu, struct callback handler, const uint64_t selectors[4]);

/* hv/domain/bounce_narrow.c: [frame32]. */
void bounce_narrow(struct hv_vcpu *vcpu, struct callback handler);
void bounce_narrow_error(struct hv_vcpu *vcpu, struct callback handler, uint64_t error);
void bounce_narrow_selectors(struct hv_vcpu *vcpu, struct callback handler, const uint64_t selectors[4]);

/* evtchn_upcall_mask of @vcpu. */
static inline uint8_t bounce_events_mask(const struct hv_vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->info->evtchn_upcall_mask, __ATOMIC_RELAXED);
}

/* The flags of the guest as it sees them while events are masked, or not. */
static inline uint64_t bounce_flags_seen(const struct hv_vcpu *vcpu, uint8_t mask)
{
    uint64_t rflags = vcpu->frame->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

    if (!mask)
        rflags |= RFLAGS_IF;
    if (hv_domain_assists(hv_vcpu_domain(vcpu), VMASST_TYPE_architectural_iopl))
        rflags |= vcpu->state.iopl;
    return rflags;
}

/* Events are masked from here on, if @handler asks for it. */
static inline void bounce_mask_events(struct hv_vcpu *vcpu, struct callback handler)
{
    if (handler.mask_events)
        __atomic_store_n(&vcpu->info->evtchn_upcall_mask, 1, __ATOMIC_RELAXED);
}
