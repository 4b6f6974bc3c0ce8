/* SPDX-License-Identifier: MIT */
/*
 * VCPUOP_initialise, in order: the guest's structure is copied, and brought into the form of 64-bit guests; it is
 * checked; what the engine holds for the vCPU is taken, which may fail; the rest is set, which cannot.
 */
#include <abi/context.h>
#include <abi/errno.h>
#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/call/vcpu_initialise.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>

#define GDT_FRAMES_IN_CONTEXT 16u
#define DESCRIPTORS_PER_FRAME 512u
#define DEBUG_ADDRESSES       4u

/* A private copy of what the guest gave. */
struct context {
    struct vcpu_guest_context c;
    struct compat_vcpu_guest_context compat; /* of a 32-bit guest, as it came */
};

/*
 * ---- Copying.
 */

static struct cpu_user_regs widen_registers(const struct compat_cpu_user_regs *regs)
{
    return (struct cpu_user_regs){
        .rbx = regs->ebx,
        .rcx = regs->ecx,
        .rdx = regs->edx,
        .rsi = regs->esi,
        .rdi = regs->edi,
        .rbp = regs->ebp,
        .rax = regs->eax,
        .rip = regs->eip,
        .cs = regs->cs,
        .rflags = regs->eflags,
        .rsp = regs->esp,
        .ss = regs->ss,
        .es = regs->es,
        .ds = regs->ds,
        .fs = regs->fs,
        .gs = regs->gs,
    };
}

static void widen(const struct compat_vcpu_guest_context *from, struct vcpu_guest_context *to)
{
    memcpy(&to->fpu_ctxt, &from->fpu_ctxt, sizeof(to->fpu_ctxt));
    to->flags = from->flags;
    to->user_regs = widen_registers(&from->user_regs);
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        to->trap_ctxt[i] = (struct trap_info){
            .flags = from->trap_ctxt[i].flags, .cs = from->trap_ctxt[i].cs, .address = from->trap_ctxt[i].address};
    to->ldt_base = from->ldt_base;
    to->ldt_ents = from->ldt_ents;
    for (unsigned i = 0; i < GDT_FRAMES_IN_CONTEXT; i++)
        to->gdt_frames[i] = from->gdt_frames[i];
    to->gdt_ents = from->gdt_ents;
    to->kernel_ss = from->kernel_ss;
    to->kernel_sp = from->kernel_sp;
    for (unsigned i = 0; i < ARRAY_SIZE(to->ctrlreg); i++)
        to->ctrlreg[i] = from->ctrlreg[i];
    to->ctrlreg[3] = xen_pfn_to_cr3(compat_xen_cr3_to_pfn(from->ctrlreg[3]));
    for (unsigned i = 0; i < ARRAY_SIZE(to->debugreg); i++)
        to->debugreg[i] = from->debugreg[i];
    to->event_callback_eip = from->event_callback_eip;
    to->failsafe_callback_eip = from->failsafe_callback_eip;
}

static bool read_context(struct hv_vcpu *caller, vaddr_t place, struct context *context)
{
    if (hv_vcpu_is_64bit(caller))
        return access_read(&caller->engine, &context->c, place, sizeof(context->c));
    if (!access_read(&caller->engine, &context->compat, place, sizeof(context->compat)))
        return false;
    widen(&context->compat, &context->c);
    return true;
}

/*
 * ---- Checking.  A 32-bit guest's addresses mean nothing but to itself.
 */

static bool starts_in_kernel(const struct vcpu_guest_context *c)
{
    return c->flags & VGCF_in_kernel;
}

static int check_64(const struct hv_vcpu *vcpu, const struct vcpu_guest_context *c)
{
    const uint64_t addresses[] = {
        c->user_regs.rip,        c->user_regs.rsp, c->kernel_sp,      c->event_callback_eip, c->failsafe_callback_eip,
        c->syscall_callback_eip, c->fs_base,       c->gs_base_kernel, c->gs_base_user,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        if (!access_address_ok(vcpu->engine.domain, addresses[i]))
            return call_refuse(-XEN_EINVAL, WHY_CONTEXT_ADDRESS, addresses[i]);
    }
    return starts_in_kernel(c) || c->ctrlreg[1] ? 0 : call_refuse(-XEN_EINVAL, WHY_CONTEXT_USER_ROOT, c->flags);
}

static int check(const struct hv_vcpu *vcpu, const struct vcpu_guest_context *c)
{
    if (c->gdt_ents > GDT_FRAMES_IN_CONTEXT * DESCRIPTORS_PER_FRAME)
        return call_refuse(-XEN_EINVAL, WHY_CONTEXT_TABLES, c->gdt_ents);
    if (c->ldt_ents > UINT32_MAX)
        return call_refuse(-XEN_EINVAL, WHY_CONTEXT_TABLES, c->ldt_ents);
    return hv_vcpu_is_64bit(vcpu) ? check_64(vcpu, c) : 0;
}

/*
 * ---- What may fail: each error of the engine's is one of ours.
 */

static int set_gdt(struct vcpu *vcpu, const struct vcpu_guest_context *c)
{
    mfn_t frames[GDT_FRAMES_IN_CONTEXT];

    for (unsigned i = 0; i < GDT_FRAMES_IN_CONTEXT; i++)
        frames[i] = MFN(c->gdt_frames[i]);
    return vcpu_set_gdt(vcpu, frames, (unsigned)c->gdt_ents);
}

static int set_traps(struct vcpu *vcpu, const struct vcpu_guest_context *c)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        const struct trap_info *trap = &c->trap_ctxt[i];
        int error = vcpu_set_trap(vcpu, i, trap->address, trap->cs, trap->flags);

        if (error)
            return error;
    }
    return 0;
}

static int set_roots(struct vcpu *vcpu, const struct vcpu_guest_context *c)
{
    mfn_t user = MFN_NONE;

    if (vcpu->domain->width == WIDTH_64 && c->ctrlreg[1])
        user = MFN(xen_cr3_to_pfn(c->ctrlreg[1]));
    return vcpu_set_roots(vcpu, MFN(xen_cr3_to_pfn(c->ctrlreg[3])), user);
}

static int acquire(struct hv_vcpu *vcpu, const struct vcpu_guest_context *c)
{
    int error = set_gdt(&vcpu->engine, c);

    if (!error)
        error = vcpu_set_ldt(&vcpu->engine, VADDR(c->ldt_base), (unsigned)c->ldt_ents);
    if (!error)
        error = set_traps(&vcpu->engine, c);
    if (!error)
        error = set_roots(&vcpu->engine, c);
    if (!error && c->flags & VGCF_i387_valid && !state_set_extended(vcpu, &c->fpu_ctxt))
        error = call_refuse(-XEN_EINVAL, WHY_CONTEXT_FPU, c->flags);
    if (error)
        vcpu_destroy(&vcpu->engine);
    return error;
}

/*
 * ---- What cannot.
 */

/* Never the hypervisor's privilege: a 64-bit kernel runs in ring 3, a 32-bit one in ring 1 or above. */
static uint64_t fix_selector(const struct hv_vcpu *vcpu, uint64_t selector)
{
    if (hv_vcpu_is_64bit(vcpu))
        return (selector & 0xffff) | 3;
    return (selector & 0xffff) | (selector & 3 ? 0 : 1);
}

static void set_registers(struct hv_vcpu *vcpu, const struct cpu_user_regs *regs)
{
    *vcpu->frame = (struct cpu_frame){
        .r15 = regs->r15,
        .r14 = regs->r14,
        .r13 = regs->r13,
        .r12 = regs->r12,
        .rbp = regs->rbp,
        .rbx = regs->rbx,
        .r11 = regs->r11,
        .r10 = regs->r10,
        .r9 = regs->r9,
        .r8 = regs->r8,
        .rax = regs->rax,
        .rcx = regs->rcx,
        .rdx = regs->rdx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
        .rip = regs->rip,
        .cs = fix_selector(vcpu, regs->cs),
        .rflags = (regs->rflags & RFLAGS_GUEST) | RFLAGS_ONE | RFLAGS_IF,
        .rsp = regs->rsp,
        .ss = fix_selector(vcpu, regs->ss),
    };
}

static void set_segments(struct vcpu_state *state, const struct vcpu_guest_context *c)
{
    state->ds = c->user_regs.ds;
    state->es = c->user_regs.es;
    state->fs = c->user_regs.fs;
    state->gs = c->user_regs.gs;
    state->fs_base = c->fs_base;
    state->gs_base = starts_in_kernel(c) ? c->gs_base_kernel : c->gs_base_user;
    state->gs_base_inactive = starts_in_kernel(c) ? c->gs_base_user : c->gs_base_kernel;
}

/* What would be refused in a running guest stays as it is at the start of a vCPU; the same for set_debug(). */
static void set_control(struct hv_vcpu *vcpu, const struct vcpu_guest_context *c)
{
    vcpu->state.task_switched = c->ctrlreg[0] & CR0_TS;
    if (c->ctrlreg[4])
        (void)state_set_cr4(vcpu, c->ctrlreg[4]);
}

static void set_debug(struct hv_vcpu *vcpu, const struct vcpu_guest_context *c)
{
    for (unsigned i = 0; i < ARRAY_SIZE(c->debugreg); i++) {
        if (i < DEBUG_ADDRESSES || i >= 6) {
            if (c->debugreg[i] && state_set_debug(vcpu, i, c->debugreg[i]) != DEBUG_DONE)
                continue;
        }
    }
}

static void set_callbacks(struct hv_vcpu *vcpu, const struct context *context)
{
    const struct vcpu_guest_context *c = &context->c;
    struct vcpu_bounce *bounce = &vcpu->bounce;

    bounce->kernel_ss = fix_selector(vcpu, c->kernel_ss);
    bounce->kernel_sp = c->kernel_sp;
    bounce->event =
        (struct callback){c->event_callback_eip, true, (uint16_t)fix_selector(vcpu, context->compat.event_callback_cs)};
    bounce->failsafe = (struct callback){c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events,
                                         (uint16_t)fix_selector(vcpu, context->compat.failsafe_callback_cs)};
    bounce->syscall = (struct callback){c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events, 0};
}

static void commit(struct hv_vcpu *vcpu, const struct context *context)
{
    const struct vcpu_guest_context *c = &context->c;

    /* No processor has its roots loaded, so nothing but this says which of them counts. */
    vcpu->engine.user_mode = hv_vcpu_is_64bit(vcpu) && !starts_in_kernel(c);
    vcpu->engine.user_cached = vcpu->engine.user_mode;
    set_registers(vcpu, &c->user_regs);
    set_segments(&vcpu->state, c);
    set_callbacks(vcpu, context);
    vcpu->state.iopl = c->user_regs.rflags & RFLAGS_IOPL;
    set_control(vcpu, c);
    set_debug(vcpu, c);
    vcpu->initialised = true;
}

static int initialise(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t place, struct context *context)
{
    int error;

    if (!read_context(caller, place, context))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, place.v);
    error = check(vcpu, &context->c);
    if (!error)
        error = acquire(vcpu, &context->c);
    if (!error)
        commit(vcpu, context);
    return error;
}

int vcpu_initialise(struct hv_vcpu *caller, struct hv_vcpu *vcpu, vaddr_t place)
{
    struct context *context;
    int error;

    if (!vcpu->info)
        return call_refuse(-XEN_EINVAL, WHY_VCPU_WITHOUT_INFO, vcpu->engine.id);
    if (vcpu->initialised || vcpu->initialising)
        return call_refuse(-XEN_EEXIST, WHY_VCPU_INITIALISED, vcpu->engine.id);
    context = allocate(sizeof(*context));
    if (!context)
        return call_refuse(-XEN_ENOMEM, WHY_HYPERVISOR_MEMORY, vcpu->engine.domain->id.v);
    vcpu->initialising = true;
    error = initialise(caller, vcpu, place, context);
    vcpu->initialising = false;
    release(context, sizeof(*context));
    return error;
}
