/* SPDX-License-Identifier: MIT */
/* Which handler of the guest's kernel runs, if there is one; the frame that it finds is hv/domain/bounce_wide.c's. */
#include <abi/segment.h>
#include <abi/trap.h>
#include <hv/domain/bounce.h>
#include <hv/domain/bounce_frame.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>

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
        bounce_wide(vcpu, handler_of(gate));
    else
        no_handler(vcpu, vector);
}

void bounce_exception_error(struct hv_vcpu *vcpu, unsigned vector, uint64_t error)
{
    const struct trap_gate *gate = &vcpu->engine.traps[vector];

    if (!gate->address)
        no_handler(vcpu, vector);
    else
        bounce_wide_error(vcpu, handler_of(gate), error);
}

void bounce_page_fault(struct hv_vcpu *vcpu, uint64_t address, uint64_t error)
{
    error &= ~PAGE_FAULT_USER;
    if (vcpu->engine.user_mode)
        error |= PAGE_FAULT_USER;
    vcpu->frame->error = error;
    __atomic_store_n(&vcpu->info->arch.cr2, address, __ATOMIC_RELAXED);
    bounce_exception_error(vcpu, VECTOR_PAGE_FAULT, error);
}

#define SYSCALL_SIZE 2u

void bounce_syscall(struct hv_vcpu *vcpu)
{
    struct cpu_frame *frame = vcpu->frame;
    const struct callback *handler = frame->cs == FLAT_USER_CS32 ? &vcpu->bounce.syscall32 : &vcpu->bounce.syscall;

    if (!handler->address) {
        frame->rip -= SYSCALL_SIZE;
        bounce_exception(vcpu, VECTOR_INVALID_OPCODE);
        return;
    }
    bounce_wide(vcpu, *handler);
    frame->rflags &= ~RFLAGS_DF;
}

void bounce_sysenter(struct hv_vcpu *vcpu)
{
    if (!vcpu->bounce.sysenter.address) {
        bounce_exception_error(vcpu, VECTOR_PROTECTION, 0);
        return;
    }
    bounce_wide(vcpu, vcpu->bounce.sysenter);
}

void bounce_failsafe(struct hv_vcpu *vcpu, const uint64_t selectors[4])
{
    if (vcpu->bounce.failsafe.address)
        bounce_wide_selectors(vcpu, vcpu->bounce.failsafe, selectors);
    else
        shutdown_crash(vcpu, "a segment selector is not valid any more, and there is no failsafe callback");
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
    bounce_wide(vcpu, vcpu->bounce.nmi);
}

void bounce_event(struct hv_vcpu *vcpu)
{
    struct callback handler = vcpu->bounce.event;

    if (!handler.address) {
        shutdown_crash(vcpu, "an event is to be delivered, and there is no event callback");
        return;
    }
    handler.mask_events = true;
    bounce_wide(vcpu, handler);
}
