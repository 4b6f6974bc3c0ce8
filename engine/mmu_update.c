/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmu_update, in order: one request of each kind, a single one, the batch, its arguments. */
#include <abi/mmu.h>
#include <engine/access.h>
#include <engine/done.h>
#include <engine/foreign.h>
#include <engine/frame.h>
#include <engine/leaf.h>
#include <engine/level.h>
#include <engine/m2p.h>
#include <engine/mmu_update.h>
#include <engine/update.h>

#define COMMAND_MASK 7u
#define CHUNK        32u /* requests that are copied at once */

/*
 * The frame that the last request went to, an L1 table, or memory that is mapped writable.  Requests come in runs, and
 * as long as the locks are held and nothing but its own contents changes, the frame remains what it is.
 */
struct run {
    mfn_t frame; /* MFN_NONE: none */
    uint64_t *entries;
    unsigned unlocks; /* of the operation, when that was found out */
    bool is_table;
};

/* Begin a run with the frame @mfn, if it is one of those. */
FORCE_INLINE void run_begin(const struct op *op, struct run *run, mfn_t mfn)
{
    const struct frame *frame = frame_find(op->machine, mfn);

    run->frame = MFN_NONE;
    if (!frame || frame_owner(frame) != op->pt_owner->id.v)
        return;
    run->is_table = type_is_live(frame->type, TYPE_L1);
    if (!run->is_table && !type_takes_writable(frame->type))
        return;
    run->frame = mfn;
    run->entries = port_frame_map(mfn);
    run->unlocks = op->unlocks;
}

/*
 * What most requests are: an entry of an L1 table that changes in the common way, or eight bytes of memory that gets
 * one more writable use for as long as the store takes, and stays what it is.  False: it is another case, and nothing
 * has changed.
 */
FORCE_INLINE bool update_in_run(struct op *op, struct run *run, const struct mmu_update *request)
{
    struct update update = {request->val, UPDATE_REPLACE, 0};
    unsigned command = request->ptr & COMMAND_MASK;
    mfn_t mfn = MFN(request->ptr >> PAGE_SHIFT);
    uint64_t *entry;

    if (command == MMU_PT_UPDATE_PRESERVE_AD)
        update.kind = UPDATE_KEEP_AD;
    else if (command != MMU_NORMAL_PT_UPDATE)
        return false;
    if (!mfn_equal(mfn, run->frame) || run->unlocks != op->unlocks)
        run_begin(op, run, mfn);
    if (mfn_is_none(run->frame))
        return false;
    entry = &run->entries[request->ptr % PAGE_SIZE / 8];
    if (run->is_table)
        return leaf_update(op, entry, &update);
    __atomic_store_n(entry, request->val, __ATOMIC_RELEASE);
    return true;
}

static int update_table(struct op *op, uint64_t ptr, const struct update *update)
{
    mfn_t mfn = MFN(ptr >> PAGE_SHIFT);
    struct frame *frame = frame_find(op->machine, mfn);

    if (!frame || frame_owner(frame) != op->pt_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, mfn.v);
    return update_memory(op, frame, (unsigned)(ptr % PAGE_SIZE) / 8, update);
}

/* The value is the guest's own note about its own frame: it is stored unchecked, and never believed. */
static int update_m2p(struct op *op, uint64_t ptr, uint64_t value)
{
    mfn_t mfn = MFN(ptr >> PAGE_SHIFT);
    const struct frame *frame = frame_find(op->machine, mfn);

    if (op->pt_owner != op->vcpu->domain)
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, op->pt_owner->id.v);
    if (!frame || !op->pg_owner || frame_owner(frame) != op->pg_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, mfn.v);
    m2p_set(op->machine, mfn, value);
    return 0;
}

/* Any request.  What update_in_run() has tried is tried once more, behind all that can be refused. */
static int update_any(struct op *op, const struct mmu_update *request, bool allowed)
{
    struct update update = {request->val, UPDATE_REPLACE, 0};
    unsigned command = request->ptr & COMMAND_MASK;
    uint64_t ptr = request->ptr & ~(uint64_t)COMMAND_MASK;

    if (command > MMU_PT_UPDATE_NO_TRANSLATE)
        return refuse_value(op, XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND, command);
    if (!allowed)
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, request->ptr);
    if (command == MMU_MACHPHYS_UPDATE)
        return update_m2p(op, ptr, request->val);
    if (command == MMU_PT_UPDATE_PRESERVE_AD)
        update.kind = UPDATE_KEEP_AD;
    return update_table(op, ptr, &update);
}

FORCE_INLINE int update_one(struct op *op, struct run *run, const struct mmu_update *request, bool allowed)
{
    int error = allowed && update_in_run(op, run, request) ? 0 : update_any(op, request, allowed);

    op->done += !error;
    return error;
}

/* A batch of one: op_begin() has just asked what would be asked before it. */
FORCE_INLINE int update_single(struct op *op, vaddr_t request, bool allowed)
{
    struct run run = {.frame = MFN_NONE};
    struct mmu_update copy;

    if (!access_read_within(op->vcpu, &copy, request, sizeof(copy)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, request.v);
    return update_one(op, &run, &copy, allowed);
}

/*
 * The batch tells in advance which entries of the frame table it will need: fetch them all at once.  Inline, because
 * gcc takes a function that only prefetches for one without effect and drops its calls.
 */
FORCE_INLINE void prefetch(const struct machine *machine, const struct mmu_update *requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct frame *frame = frame_find(machine, entry_mfn(requests[i].val));

        if (frame)
            __builtin_prefetch(frame, 1);
    }
}

/*
 * Copy up to @left requests from @from, where all of the array is the guest's, to @chunk.  Returns how many.  Where not
 * all of them can be read, the first one alone: those before the unreadable one are still carried out.
 */
FORCE_INLINE unsigned copy_requests(struct vcpu *vcpu, struct mmu_update chunk[CHUNK], vaddr_t from, uint32_t left)
{
    unsigned count = left < CHUNK ? left : CHUNK;

    if (access_read_within(vcpu, chunk, from, count * sizeof(chunk[0]))) {
        if (count > 1)
            prefetch(vcpu->domain->machine, chunk, count);
        return count;
    }
    return access_read_within(vcpu, chunk, from, sizeof(chunk[0])) ? 1 : 0;
}

/* A preemption point, and the next requests, at least one. */
FORCE_INLINE int next_requests(struct op *op, struct mmu_update chunk[CHUNK], vaddr_t requests, uint32_t left,
                               unsigned *count)
{
    if (!op_goes_on(op))
        return refuse_value(op, XEN_ESRCH, REFUSE_DYING, op->pt_owner->id.v);
    *count = copy_requests(op->vcpu, chunk, VADDR(requests.v + op->done * sizeof(chunk[0])), left);
    return *count > 0 ? 0 : refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, requests.v);
}

/* Carry out @count requests and count them in op->done.  By itself, so that a single one saves no registers for it. */
static __attribute__((noinline)) int update_batch(struct op *op, vaddr_t requests, uint32_t count, bool allowed)
{
    struct run run = {.frame = MFN_NONE};
    struct mmu_update chunk[CHUNK];

    while (op->done < count) {
        unsigned copied = 0;
        int error = next_requests(op, chunk, requests, count - op->done, &copied);

        for (unsigned i = 0; !error && i < copied; i++)
            error = update_one(op, &run, &chunk[i], allowed);
        if (error)
            return error;
    }
    return 0;
}

FORCE_INLINE int run_requests(struct op *op, struct domain *pt_owner, struct domain *pg_owner, vaddr_t requests,
                              uint32_t count, bool allowed)
{
    int error = op_begin(op, pt_owner, pg_owner);

    if (error)
        return error;
    error = count == 1 ? update_single(op, requests, allowed) : update_batch(op, requests, count, allowed);
    if (op->upper_changed)
        update_flush(op);
    op_end(op);
    return error;
}

/* What the caller may not do is refused request by request, in an operation on its own memory. */
static __attribute__((noinline)) int refuse_requests(struct op *op, vaddr_t requests, uint32_t count)
{
    return run_requests(op, op->vcpu->domain, op->vcpu->domain, requests, count, false);
}

/* Bits 16 to 31 of foreigndom: 0 for the caller, else a domain's number plus one. */
static int find_pt_owner(const struct op *op, unsigned field, struct domain **domain)
{
    *domain = field ? domain_find(op->machine, DOMID((uint16_t)(field - 1))) : op->vcpu->domain;
    if (!*domain)
        return refuse_value(op, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN, field - 1);
    if ((*domain)->nr_vcpus == 0)
        return refuse_value(op, XEN_EINVAL, REFUSE_NO_SUCH_DOMAIN, field - 1);
    return 0;
}

int64_t mmu_update(struct op *op, const uint64_t args[6])
{
    struct domain *pt_owner, *pg_owner;
    uint32_t count = (uint32_t)args[1] & ~MMU_UPDATE_PREEMPTED, foreigndom = (uint32_t)args[3];
    int error;

    if (!access_array_ok(op->vcpu->domain, VADDR(args[0]), count, sizeof(struct mmu_update)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_ADDRESS, args[0]);
    error = find_pt_owner(op, foreigndom >> 16, &pt_owner);
    if (error)
        return error;
    op->done = 0;
    error = foreign_find(op, (uint16_t)foreigndom, &pg_owner);
    if (!error && foreign_allowed(op, DOMID_SELF, pt_owner) && foreign_allowed(op, (uint16_t)foreigndom, pg_owner))
        error = run_requests(op, pt_owner, pg_owner, VADDR(args[0]), count, true);
    else if (!error)
        error = refuse_requests(op, VADDR(args[0]), count);
    done_write(op->vcpu, VADDR(args[2]), op->done, args[1] & MMU_UPDATE_PREEMPTED);
    return error;
}
