/* SPDX-License-Identifier: MIT */
/* Frames for the guest's kernel, of 64-bit guests: abi/trap.h, [frame64], and abi/callback.h. */
#include <abi/segment.h>
#include <abi/trap.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/domain/bounce.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/state.h>
#include <hv/domain/vcpu.h>

#define STACK_ALIGN   UINT64_C(16)
#define CS_MASK_SHIFT 32u /* of the saved evtchn_upcall_mask in the word of cs */

/*
 * The frame that every handler finds, from its stack pointer upwards; what some have in between goes between @r11 and
 * @rip.
 */
struct interrupted {
    uint64_t rip, cs, rflags, rsp, ss;
};

static uint8_t events_mask(const struct hv_vcpu *vcpu)
{
    return __atomic_load_n(&vcpu->info->evtchn_upcall_mask, __ATOMIC_RELAXED);
}

/* As the guest sees itself: rings, flags and mask of events. */
static struct interrupted interrupted(const struct hv_vcpu *vcpu)
{
    const struct cpu_frame *frame = vcpu->frame;
    uint64_t cs = frame->cs & 0xffff, rflags = frame->rflags & ~(RFLAGS_IF | RFLAGS_IOPL);
    uint8_t mask = events_mask(vcpu);

    if (!vcpu->engine.user_mode)
        cs &= ~UINT64_C(3);
    if (!mask)
        rflags |= RFLAGS_IF;
    if (hv_domain_assists(hv_vcpu_domain(vcpu), VMASST_TYPE_architectural_iopl))
        rflags |= vcpu->state.iopl;
    return (struct interrupted){frame->rip, cs | (uint64_t)mask << CS_MASK_SHIFT, rflags, frame->rsp,
                                frame->ss & 0xffff};
}

/* Change to the kernel's side, write @size bytes of frame to its stack and go on at @handler. */
static void enter(struct hv_vcpu *vcpu, const void *words, size_t size, const struct callback *handler)
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
    if (handler->mask_events)
        __atomic_store_n(&vcpu->info->evtchn_upcall_mask, 1, __ATOMIC_RELAXED);
    frame->rip = handler->address;
    frame->cs = FLAT_KERNEL_CS64;
    frame->ss = FLAT_KERNEL_SS64;
    frame->rsp = rsp;
    frame->rflags &= ~(RFLAGS_TF | RFLAGS_RF | RFLAGS_NT | RFLAGS_VM | RFLAGS_AC);
}

static void bounce(struct hv_vcpu *vcpu, const struct callback *handler)
{
    const struct {
        uint64_t rcx, r11;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, interrupted(vcpu)};

    enter(vcpu, &words, sizeof(words), handler);
}

static void bounce_with(struct hv_vcpu *vcpu, uint64_t error, const struct callback *handler)
{
    const struct {
        uint64_t rcx, r11, error;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, error, interrupted(vcpu)};

    enter(vcpu, &words, sizeof(words), handler);
}

/* The handler of @vector; false: there is none, and the domain has crashed. */
static bool find_gate(struct hv_vcpu *vcpu, unsigned vector, struct callback *handler)
{
    const struct trap_gate *gate = &vcpu->engine.traps[vector];

    *handler = (struct callback){gate->address, gate->flags & 4, gate->cs};
    if (handler->address)
        return true;
    shutdown_crash(vcpu, "there is no handler for vector %u, error code %lx", vector, vcpu->frame->error);
    return false;
}

void bounce_exception(struct hv_vcpu *vcpu, unsigned vector)
{
    struct callback handler;

    if (find_gate(vcpu, vector, &handler))
        bounce(vcpu, &handler);
}

void bounce_exception_error(struct hv_vcpu *vcpu, unsigned vector, uint64_t error)
{
    struct callback handler;

    if (find_gate(vcpu, vector, &handler))
        bounce_with(vcpu, error, &handler);
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
    bounce(vcpu, handler);
    frame->rflags &= ~RFLAGS_DF;
}

void bounce_sysenter(struct hv_vcpu *vcpu)
{
    if (!vcpu->bounce.sysenter.address) {
        bounce_exception_error(vcpu, VECTOR_PROTECTION, 0);
        return;
    }
    bounce(vcpu, &vcpu->bounce.sysenter);
}

void bounce_failsafe(struct hv_vcpu *vcpu, const uint64_t selectors[4])
{
    const struct {
        uint64_t rcx, r11, ds, es, fs, gs;
        struct interrupted rest;
    } words = {vcpu->frame->rcx, vcpu->frame->r11, selectors[0],     selectors[1],
               selectors[2],     selectors[3],     interrupted(vcpu)};

    if (vcpu->bounce.failsafe.address)
        enter(vcpu, &words, sizeof(words), &vcpu->bounce.failsafe);
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
    bounce(vcpu, &vcpu->bounce.nmi);
}

void bounce_event(struct hv_vcpu *vcpu)
{
    const struct callback handler = {vcpu->bounce.event.address, true, 0};

    if (!handler.address) {
        shutdown_crash(vcpu, "an event is to be delivered, and there is no event callback");
        return;
    }
    bounce(vcpu, &handler);
}
