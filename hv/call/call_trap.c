/* SPDX-License-Identifier: MIT */
/* How the guest's kernel is entered and left: stack_switch, set_callbacks, callback_op, nmi_op, iret. */
#include <abi/callback.h>
#include <abi/context.h>
#include <abi/errno.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <abi/vm_assist.h>
#include <engine/engine.h>
#include <hv/call/calls.h>
#include <hv/domain/shutdown.h>
#include <hv/domain/vcpu.h>

int64_t call_stack_switch(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    vcpu->bounce.kernel_ss = args[0] | 3;
    vcpu->bounce.kernel_sp = args[1];
    return 0;
}

/*
 * ---- Callbacks.
 */

static bool address_is_good(const struct hv_vcpu *vcpu, uint64_t address)
{
    return access_address_ok(vcpu->engine.domain, address);
}

/* The old call: events, failsafe, and for 64-bit guests syscall.  It always succeeds, so a bad address means none. */
int64_t call_set_callbacks(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct callback *const callbacks[] = {&vcpu->bounce.event, &vcpu->bounce.failsafe, &vcpu->bounce.syscall};

    for (unsigned i = 0; i < ARRAY_SIZE(callbacks); i++)
        *callbacks[i] = (struct callback){address_is_good(vcpu, args[i]) ? args[i] : 0, false, 0};
    return 0;
}

/* NULL: there is no such type in this width. */
static struct callback *find_callback(struct hv_vcpu *vcpu, unsigned type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &vcpu->bounce.event;
    case CALLBACKTYPE_failsafe:
        return &vcpu->bounce.failsafe;
    case CALLBACKTYPE_syscall:
        return &vcpu->bounce.syscall;
    case CALLBACKTYPE_syscall32:
        return &vcpu->bounce.syscall32;
    case CALLBACKTYPE_sysenter:
        return &vcpu->bounce.sysenter;
    case CALLBACKTYPE_sysenter_deprecated:
        return hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? NULL : &vcpu->bounce.sysenter;
    case CALLBACKTYPE_nmi:
        return &vcpu->bounce.nmi;
    default:
        return NULL;
    }
}

static int register_callback(struct hv_vcpu *vcpu, const struct callback_register *wanted)
{
    struct callback *callback = find_callback(vcpu, wanted->type);

    if (!address_is_good(vcpu, wanted->address))
        return -XEN_EINVAL;
    if (!callback)
        return -XEN_ENOSYS;
    *callback = (struct callback){wanted->address, wanted->flags & CALLBACKF_mask_events, 0};
    return 0;
}

static int unregister_callback(struct hv_vcpu *vcpu, unsigned type)
{
    if (!find_callback(vcpu, type))
        return -XEN_ENOSYS;
    if (type != CALLBACKTYPE_nmi)
        return -XEN_EINVAL;
    vcpu->bounce.nmi = (struct callback){0};
    return 0;
}

int64_t call_callback_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct callback_register wanted;
    struct callback_unregister gone;

    switch ((uint32_t)args[0]) {
    case CALLBACKOP_register:
        if (!access_read(&vcpu->engine, &wanted, VADDR(args[1]), sizeof(wanted)))
            return -XEN_EFAULT;
        return register_callback(vcpu, &wanted);
    case CALLBACKOP_unregister:
        if (!access_read(&vcpu->engine, &gone, VADDR(args[1]), sizeof(gone)))
            return -XEN_EFAULT;
        return unregister_callback(vcpu, gone.type);
    default:
        return -XEN_ENOSYS;
    }
}

/* The older form of the same, for the NMI alone. */
int64_t call_nmi_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct callback_register wanted = {.type = CALLBACKTYPE_nmi};

    switch ((uint32_t)args[0]) {
    case XENNMI_register_callback:
        if (!access_read_word(&vcpu->engine, &wanted.address, VADDR(args[1])))
            return -XEN_EFAULT;
        return register_callback(vcpu, &wanted);
    case XENNMI_unregister_callback:
        return unregister_callback(vcpu, CALLBACKTYPE_nmi);
    default:
        return -XEN_ENOSYS;
    }
}

/*
 * ---- The way back: [iret] of abi/trap.h.
 */

static void set_registers(struct cpu_frame *frame, const struct iret_context *context)
{
    frame->rax = context->rax;
    frame->rip = context->rip;
    frame->rflags = (context->rflags & RFLAGS_GUEST) | RFLAGS_ONE | RFLAGS_IF;
    frame->rsp = context->rsp;
    if (context->flags & VGCF_in_syscall) {
        frame->cs = context->cs == FLAT_USER_CS32 ? FLAT_USER_CS32 : FLAT_USER_CS64;
        frame->ss = FLAT_USER_SS64;
        frame->rcx = frame->rip;
        frame->r11 = frame->rflags;
    } else {
        frame->cs = (context->cs & 0xffff) | 3;
        frame->ss = (context->ss & 0xffff) | 3;
        frame->rcx = context->rcx;
        frame->r11 = context->r11;
    }
}

int64_t call_iret(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct iret_context context;
    uint8_t mask;

    (void)args;
    vcpu->engine.diverted = true;
    if (!access_read(&vcpu->engine, &context, VADDR(vcpu->frame->rsp), sizeof(context))) {
        shutdown_crash(vcpu, "the frame of iret at %lx cannot be read", vcpu->frame->rsp);
        return 0;
    }
    set_registers(vcpu->frame, &context);
    if (hv_domain_assists(hv_vcpu_domain(vcpu), VMASST_TYPE_architectural_iopl))
        vcpu->state.iopl = context.rflags & RFLAGS_IOPL;
    if ((context.cs & 3) == 3) {
        if (vcpu_enter_user(&vcpu->engine)) {
            shutdown_crash(vcpu, "a return to user mode, and there is no page table for it");
            return 0;
        }
        state_swap_gs();
    }
    vcpu->bounce.nmi_blocked = false;
    vcpu->run.attention |= vcpu->bounce.nmi_pending;
    mask = !(context.rflags & RFLAGS_IF);
    __atomic_store_n(&vcpu->info->evtchn_upcall_mask, mask, __ATOMIC_RELAXED);
    return 0;
}
