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
#include <hv/domain/call_refuse.h>
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

/* A callback of a 32-bit guest may lie anywhere: like a handler, it is reached with the guest's rights alone. */
static bool address_is_good(const struct hv_vcpu *vcpu, uint64_t address)
{
    return hv_vcpu_is_64bit(vcpu) ? access_address_ok(vcpu->engine.domain, address) : address <= UINT32_MAX;
}

/* Of the old call, where a bad address means none. */
static struct callback old_callback(const struct hv_vcpu *vcpu, uint64_t cs, uint64_t address)
{
    return (struct callback){address_is_good(vcpu, address) ? address : 0, false, (uint16_t)cs};
}

static int64_t set_old_callbacks(struct hv_vcpu *vcpu, struct callback event, struct callback failsafe,
                                 struct callback syscall)
{
    vcpu->bounce.event = event;
    vcpu->bounce.failsafe = failsafe;
    vcpu->bounce.syscall = syscall;
    return 0;
}

/* The old call: events, failsafe, and for 64-bit guests syscall.  It always succeeds. */
int64_t call_set_callbacks(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return hv_vcpu_is_64bit(vcpu) ? set_old_callbacks(vcpu, old_callback(vcpu, 0, args[0]),
                                                      old_callback(vcpu, 0, args[1]), old_callback(vcpu, 0, args[2]))
                                  : set_old_callbacks(vcpu, old_callback(vcpu, args[0], args[1]),
                                                      old_callback(vcpu, args[2], args[3]), (struct callback){0});
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
        return hv_vcpu_is_64bit(vcpu) ? &vcpu->bounce.syscall : NULL;
    case CALLBACKTYPE_syscall32:
        return &vcpu->bounce.syscall32;
    case CALLBACKTYPE_sysenter:
        return &vcpu->bounce.sysenter;
    case CALLBACKTYPE_sysenter_deprecated:
        return hv_vcpu_is_64bit(vcpu) ? NULL : &vcpu->bounce.sysenter;
    case CALLBACKTYPE_nmi:
        return &vcpu->bounce.nmi;
    default:
        return NULL;
    }
}

/* @cs counts for a 32-bit guest. */
static int register_callback(struct hv_vcpu *vcpu, const struct callback_register *wanted, uint16_t cs)
{
    struct callback *callback = find_callback(vcpu, wanted->type);

    if (!address_is_good(vcpu, wanted->address))
        return call_refuse(-XEN_EINVAL, WHY_CALLBACK_ADDRESS, wanted->address);
    if (!callback)
        return call_refuse(-XEN_ENOSYS, WHY_CALLBACK_TYPE, wanted->type);
    *callback = (struct callback){wanted->address, wanted->flags & CALLBACKF_mask_events, cs};
    return 0;
}

static bool read_callback(struct hv_vcpu *vcpu, vaddr_t place, struct callback_register *wanted, uint16_t *cs)
{
    struct compat_callback_register compat;

    *cs = 0;
    if (hv_vcpu_is_64bit(vcpu))
        return access_read(&vcpu->engine, wanted, place, sizeof(*wanted));
    if (!access_read(&vcpu->engine, &compat, place, sizeof(compat)))
        return false;
    *wanted = (struct callback_register){.type = compat.type, .flags = compat.flags, .address = compat.address.eip};
    *cs = (uint16_t)compat.address.cs;
    return true;
}

static int unregister_callback(struct hv_vcpu *vcpu, unsigned type)
{
    if (!find_callback(vcpu, type))
        return call_refuse(-XEN_ENOSYS, WHY_CALLBACK_TYPE, type);
    if (type != CALLBACKTYPE_nmi)
        return call_refuse(-XEN_EINVAL, WHY_CALLBACK_KEPT, type);
    vcpu->bounce.nmi = (struct callback){0};
    return 0;
}

int64_t call_callback_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct callback_register wanted;
    struct callback_unregister gone;
    uint16_t cs;

    switch ((uint32_t)args[0]) {
    case CALLBACKOP_register:
        if (!read_callback(vcpu, VADDR(args[1]), &wanted, &cs))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, args[1]);
        return register_callback(vcpu, &wanted, cs);
    case CALLBACKOP_unregister:
        if (!access_read(&vcpu->engine, &gone, VADDR(args[1]), sizeof(gone)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, args[1]);
        return unregister_callback(vcpu, gone.type);
    default:
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, (uint32_t)args[0]);
    }
}

/* The older form of the same, for the NMI alone; of a 32-bit guest in the code segment that every kernel has. */
int64_t call_nmi_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    struct callback_register wanted = {.type = CALLBACKTYPE_nmi};

    switch ((uint32_t)args[0]) {
    case XENNMI_register_callback:
        if (!access_read_word(&vcpu->engine, &wanted.address, VADDR(args[1])))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, args[1]);
        return register_callback(vcpu, &wanted, FLAT_RING1_CS);
    case XENNMI_unregister_callback:
        return unregister_callback(vcpu, CALLBACKTYPE_nmi);
    default:
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, (uint32_t)args[0]);
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

/* What every return does: the flags that are not the processor's, and NMIs, which may come again. */
static void leave_handler(struct hv_vcpu *vcpu, uint64_t rflags)
{
    uint8_t mask = !(rflags & RFLAGS_IF);

    if (hv_domain_assists(hv_vcpu_domain(vcpu), VMASST_TYPE_architectural_iopl))
        vcpu->state.iopl = rflags & RFLAGS_IOPL;
    vcpu->bounce.nmi_blocked = false;
    vcpu->run.attention |= vcpu->bounce.nmi_pending;
    __atomic_store_n(&vcpu->info->evtchn_upcall_mask, mask, __ATOMIC_RELAXED);
}

static void iret_wide(struct hv_vcpu *vcpu)
{
    struct iret_context context;

    if (!access_read(&vcpu->engine, &context, VADDR(vcpu->frame->rsp), sizeof(context))) {
        shutdown_crash(vcpu, "the frame of iret at %lx cannot be read", vcpu->frame->rsp);
        return;
    }
    set_registers(vcpu->frame, &context);
    if ((context.cs & 3) == 3) {
        if (vcpu_enter_user(&vcpu->engine)) {
            shutdown_crash(vcpu, "a return to user mode, and there is no page table for it");
            return;
        }
        state_swap_gs();
    }
    leave_handler(vcpu, context.rflags);
}

/* The words up to eflags, and if they lead out of ring 1 those behind.  Read once. */
static bool read_narrow(struct hv_vcpu *vcpu, uint32_t esp, struct compat_iret_context *context)
{
    const size_t first = offsetof(struct compat_iret_context, esp);

    if (!access_read(&vcpu->engine, context, VADDR(esp), first))
        return false;
    if ((context->cs & 3) <= NARROW_KERNEL_RING) {
        context->esp = esp + (uint32_t)first;
        context->ss = (uint32_t)vcpu->frame->ss;
        return true;
    }
    return access_read(&vcpu->engine, &context->esp, VADDR(esp + first), sizeof(*context) - first);
}

/*
 * No descriptor of a ring but the kernel's and those outside of it can be loaded; what the processor thinks of the
 * selectors, it says on the way.  There is no virtual-8086 mode to return to, so the instruction is a fault of the
 * kernel's (XSA-136).
 */
static __attribute__((noinline)) void iret_narrow(struct hv_vcpu *vcpu)
{
    struct compat_iret_context context;
    struct cpu_frame *frame = vcpu->frame;
    uint32_t esp = (uint32_t)frame->rsp;

    if (!read_narrow(vcpu, esp, &context)) {
        shutdown_crash(vcpu, "the frame of iret at %x cannot be read", esp);
        return;
    }
    if (context.eflags & RFLAGS_VM) {
        frame->rip -= INT_N_SIZE;
        frame->error = 0;
        bounce_exception_error(vcpu, VECTOR_PROTECTION, 0);
        return;
    }
    if ((context.cs & 3) == 0) {
        shutdown_crash(vcpu, "a return to ring 0, at %x:%x", context.cs & 0xffff, context.eip);
        return;
    }
    frame->rax = context.eax;
    frame->rip = context.eip;
    frame->cs = context.cs & 0xffff;
    frame->rflags = (context.eflags & RFLAGS_GUEST) | RFLAGS_ONE | RFLAGS_IF;
    frame->rsp = context.esp;
    frame->ss = context.ss & 0xffff;
    leave_handler(vcpu, context.eflags);
}

int64_t call_iret(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    (void)args;
    vcpu->engine.diverted = true;
    if (hv_vcpu_is_64bit(vcpu))
        iret_wide(vcpu);
    else
        iret_narrow(vcpu);
    return 0;
}
