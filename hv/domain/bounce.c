/* SPDX-License-Identifier: MIT */
/*
 * Which handler of the guest's kernel runs, if there is one; the frame that it finds is hv/domain/bounce_wide.c's or
 * hv/domain/bounce_narrow.c's.
 */
#include <abi/segment.h>
#include <abi/trap.h>
#include <hv/domain/bounce.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>

FORCE_INLINE void enter(struct hv_vcpu *vcpu, struct callback handler)
{
    if (hv_vcpu_is_64bit(vcpu))
        bounce_wide(vcpu, handler);
    else
        bounce_narrow(vcpu, handler);
}

static struct callback handler_of(const struct trap_gate *gate)
{
    return (struct callback){gate->address, gate->flags & 4, gate->cs};
}

static __cold void no_handler(struct hv_vcpu *vcpu, unsigned vector)
{
    shutdown_crash(vcpu, "there is no handler for vector %u, error code %lx", vector, vcpu->frame->error);
}

void bounce_exception(struct hv_vcpu *vcpu, unsigned vector)
{
    const struct trap_gate *gate = &vcpu->engine.traps[vector];

    if (gate->address)
        enter(vcpu, handler_of(gate));
    else
        no_handler(vcpu, vector);
}

void bounce_exception_error(struct hv_vcpu *vcpu, unsigned vector, uint64_t error)
{
    const struct trap_gate *gate = &vcpu->engine.traps[vector];

    if (!gate->address)
        no_handler(vcpu, vector);
    else if (hv_vcpu_is_64bit(vcpu))
        bounce_wide_error(vcpu, handler_of(gate), error);
    else
        bounce_narrow_error(vcpu, handler_of(gate), error);
}

/* Rings 1 and 3 are for the processor what the modes of a 32-bit guest are: the bit is right already. */
void bounce_page_fault(struct hv_vcpu *vcpu, uint64_t address, uint64_t error)
{
    if (hv_vcpu_is_64bit(vcpu)) {
        error &= ~PAGE_FAULT_USER;
        if (vcpu->engine.user_mode)
            error |= PAGE_FAULT_USER;
        __atomic_store_n(&vcpu->info->arch.cr2, address, __ATOMIC_RELAXED);
    } else {
        struct compat_vcpu_info *info = (struct compat_vcpu_info *)vcpu->info;

        __atomic_store_n(&info->arch.cr2, (uint32_t)address, __ATOMIC_RELAXED);
    }
    vcpu->frame->error = error;
    bounce_exception_error(vcpu, VECTOR_PAGE_FAULT, error);
}

/* The instructions keep no selectors; what entry.S takes for them are those of a 64-bit guest. */
static void set_narrow_user(struct cpu_frame *frame)
{
    frame->cs = FLAT_RING3_CS;
    frame->ss = FLAT_RING3_SS;
}

void bounce_syscall(struct hv_vcpu *vcpu)
{
    struct cpu_frame *frame = vcpu->frame;
    const struct callback *handler = frame->cs == FLAT_USER_CS32 ? &vcpu->bounce.syscall32 : &vcpu->bounce.syscall;

    if (!hv_vcpu_is_64bit(vcpu))
        set_narrow_user(frame);
    if (!handler->address) {
        frame->rip -= SYSCALL_SIZE;
        bounce_exception(vcpu, VECTOR_INVALID_OPCODE);
        return;
    }
    enter(vcpu, *handler);
    frame->rflags &= ~RFLAGS_DF;
}

void bounce_sysenter(struct hv_vcpu *vcpu)
{
    if (!hv_vcpu_is_64bit(vcpu))
        vcpu->frame->ss = FLAT_RING3_SS;
    if (!vcpu->bounce.sysenter.address) {
        bounce_exception_error(vcpu, VECTOR_PROTECTION, 0);
        return;
    }
    enter(vcpu, vcpu->bounce.sysenter);
}

void bounce_failsafe(struct hv_vcpu *vcpu, const uint64_t selectors[4])
{
    if (!vcpu->bounce.failsafe.address)
        shutdown_crash(vcpu, "a segment selector is not valid any more, and there is no failsafe callback");
    else if (hv_vcpu_is_64bit(vcpu))
        bounce_wide_selectors(vcpu, vcpu->bounce.failsafe, selectors);
    else
        bounce_narrow_selectors(vcpu, vcpu->bounce.failsafe, selectors);
}

void bounce_request_nmi(struct hv_vcpu *vcpu)
{
    vcpu->bounce.nmi_pending = true;
    vcpu->run.attention = true;
}

void bounce_nmi(struct hv_vcpu *vcpu)
{
    vcpu->bounce.nmi_pending = false;
    if (!vcpu->bounce.nmi.address)
        return;
    vcpu->bounce.nmi_blocked = true;
    enter(vcpu, vcpu->bounce.nmi);
}

void bounce_event(struct hv_vcpu *vcpu)
{
    struct callback handler = vcpu->bounce.event;

    if (!handler.address) {
        shutdown_crash(vcpu, "an event is to be delivered, and there is no event callback");
        return;
    }
    handler.mask_events = true;
    enter(vcpu, handler);
}
