/* SPDX-License-Identifier: MIT */
/* The roots of vCPUs, and the change between them. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <engine/root.h>
#include <engine/segment.h>
#include <engine/typeref.h>

/* Take what a root holds: 0, or an error and nothing is held. */
FORCE_INLINE int root_acquire(struct op *op, mfn_t mfn)
{
    enum frame_type type = (enum frame_type)root_level(op->pt_owner);

    return typeref_hold(op, NOWHERE, frame_find(op->machine, mfn), op->pt_owner, type, mfn.v);
}

FORCE_INLINE void root_release(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);

    if (mfn_is_none(mfn))
        return;
    CHECK(frame);
    typeref_drop(op, frame);
}

/*
 * Have the processor use what the vCPU's record now says.  A vCPU that asks for this itself runs, so that its processor
 * flushes on the way.
 */
FORCE_INLINE void load(struct machine *machine, struct vcpu *vcpu, bool runs)
{
    uint64_t began = tlb_flush_begin(machine);

    port_root_load(vcpu);
    vcpu->user_cached = vcpu->user_mode;
    if (runs)
        tlb_flush_end_one(machine, vcpu->cpu, began);
}

/*
 * The same of a vCPU that asks for it itself, while the others of its domain, where they may run, have the lock: to
 * load a root takes long, and with it what the processor finds out anew of memory.  Both roots are held, the one that
 * it leaves and the one that it comes to, and nobody else changes those of a vCPU that runs.
 */
static __attribute__((noinline)) void load_unlocked(struct op *op, struct vcpu *vcpu)
{
    bool has_let_go = op_lets_others(op, op->machine->tlb.cpus);

    load(op->machine, vcpu, true);
    if (has_let_go)
        op_take_back(op);
}

/*
 * Install @mfn, whose references the caller hands over, as *@root of @vcpu, and drop the one before.  Of a root that is
 * not in use the processor may have global pages from when it was.
 */
FORCE_INLINE void root_replace(struct op *op, struct vcpu *vcpu, mfn_t *root, mfn_t mfn)
{
    mfn_t old = *root;
    bool is_known = vcpu->user_cached || root == (vcpu->user_mode ? &vcpu->user_root : &vcpu->kernel_root);

    *root = mfn;
    if (is_known && op->vcpu == vcpu && vcpu->domain->nr_vcpus > 1)
        load_unlocked(op, vcpu);
    else if (is_known)
        load(op->machine, vcpu, op->vcpu == vcpu);
    root_release(op, old);
}

/*
 * VMASST_TYPE_m2p_strict: the M2P's slot is empty in a root of user mode, unless kernel mode has the same root.
 * Processors that run on it reload it on their next way out of the kernel, and meanwhile know no more than before.
 */
FORCE_INLINE void show_m2p(struct op *op, mfn_t root, bool shown)
{
    const struct frame *frame = frame_find(op->machine, root);

    if (!op->pt_owner->m2p_strict || op->pt_owner->width != WIDTH_64)
        return;
    CHECK(frame);
    __atomic_store_n(&frame_entries(op->machine, frame)[MACH2PHYS_L4_SLOT],
                     shown ? op->machine->root_slots[MACH2PHYS_L4_SLOT - HYPERVISOR_L4_SLOT] : 0, __ATOMIC_RELEASE);
}

int root_set_kernel(struct op *op, mfn_t mfn)
{
    struct vcpu *vcpu = op->vcpu;
    int error = root_acquire(op, mfn);

    if (error)
        return error;
    /* The LDT's frames were found through the old tables. */
    segment_unmap_ldt(op, vcpu);
    show_m2p(op, mfn, true);
    root_replace(op, vcpu, &vcpu->kernel_root, mfn);
    return 0;
}

int root_set_user(struct op *op, mfn_t mfn)
{
    int error;

    if (op->pt_owner->width != WIDTH_64)
        return refuse_value(op, XEN_EINVAL, REFUSE_WIDTH, mfn.v);
    error = mfn.v == 0 ? 0 : root_acquire(op, mfn);
    if (error)
        return error;
    if (mfn.v != 0)
        show_m2p(op, mfn, mfn_equal(mfn, op->vcpu->kernel_root));
    root_replace(op, op->vcpu, &op->vcpu->user_root, mfn.v == 0 ? MFN_NONE : mfn);
    return 0;
}

void root_drop(struct op *op, struct vcpu *vcpu)
{
    mfn_t kernel = vcpu->kernel_root, user = vcpu->user_root;

    vcpu->kernel_root = MFN_NONE;
    vcpu->user_root = MFN_NONE;
    load(op->machine, vcpu, false);
    root_release(op, kernel);
    root_release(op, user);
}

int vcpu_set_roots(struct vcpu *vcpu, mfn_t kernel, mfn_t user)
{
    struct op op;
    int error = op_begin_own(&op, vcpu->domain, NULL);

    if (error)
        return error;
    error = root_acquire(&op, kernel);
    if (!error && !mfn_is_none(user)) {
        error = root_acquire(&op, user);
        if (error)
            root_release(&op, kernel);
    }
    if (!error) {
        segment_unmap_ldt(&op, vcpu);
        if (!mfn_is_none(user))
            show_m2p(&op, user, false);
        show_m2p(&op, kernel, true);
        vcpu->user_mode = false;
        root_replace(&op, vcpu, &vcpu->kernel_root, kernel);
        root_replace(&op, vcpu, &vcpu->user_root, user);
    }
    op_end(&op);
    return error;
}

int vcpu_set_kernel_root(struct vcpu *vcpu, mfn_t mfn)
{
    struct op op;
    int error = op_begin_without_call(&op, vcpu, CALL_CR3_WRITE);

    if (error)
        return error;
    error = root_set_kernel(&op, mfn);
    op_end(&op);
    return error;
}

int vcpu_enter_user(struct vcpu *vcpu)
{
    const struct op op = op_without_call(vcpu, CALL_USER_MODE);

    if (mfn_is_none(vcpu->user_root))
        return refuse_value(&op, XEN_EINVAL, REFUSE_NO_USER_ROOT, vcpu->id);
    vcpu->user_mode = true;
    vcpu->user_cached = true;
    port_mode_load(vcpu);
    return 0;
}

void vcpu_enter_kernel(struct vcpu *vcpu)
{
    vcpu->user_mode = false;
    port_mode_load(vcpu);
}
