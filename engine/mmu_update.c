/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmu_update, in order: one request of each kind, the batch, its arguments. */
#include <abi/mmu.h>
#include <engine/access.h>
#include <engine/done.h>
#include <engine/foreign.h>
#include <engine/frame.h>
#include <engine/m2p.h>
#include <engine/mmu_update.h>
#include <engine/update.h>

#define COMMAND_MASK 7u
#define CHUNK        32u /* requests that are copied at once */

static int update_table(struct op *op, uint64_t ptr, uint64_t value, enum commit commit)
{
    struct frame *frame = frame_find(op->machine, MFN(ptr >> PAGE_SHIFT));
    const struct update update = {value, commit, 0};

    if (!frame || frame->owner != op->pt_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, ptr);
    return update_memory(op, frame, (unsigned)ptr & (PAGE_SIZE - 1), &update);
}

/* The value is the guest's own note about its own frame: it is stored unchecked, and never believed. */
static int update_m2p(struct op *op, uint64_t ptr, uint64_t value)
{
    mfn_t mfn = MFN(ptr >> PAGE_SHIFT);
    const struct frame *frame = frame_find(op->machine, mfn);

    if (op->pt_owner != op->vcpu->domain)
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, op->pt_owner->id.v);
    if (!frame || !op->pg_owner || frame->owner != op->pg_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, ptr);
    m2p_set(op->machine, mfn, value);
    return 0;
}

static int update_one(struct op *op, const struct mmu_update *request, bool allowed)
{
    unsigned command = request->ptr & COMMAND_MASK;
    uint64_t ptr = request->ptr & ~(uint64_t)COMMAND_MASK;

    if (command > MMU_PT_UPDATE_NO_TRANSLATE)
        return refuse_value(op, XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND, command);
    if (!allowed)
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, request->ptr);
    if (command == MMU_MACHPHYS_UPDATE)
        return update_m2p(op, ptr, request->val);
    return update_table(op, ptr, request->val, command == MMU_PT_UPDATE_PRESERVE_AD ? COMMIT_KEEP_AD : COMMIT_REPLACE);
}

/* The requests that have been copied from the guest and wait for their turn. */
struct chunk {
    struct mmu_update requests[CHUNK];
    unsigned next, filled;
};

/*
 * Copy up to @left requests from @from.  Where not all of them can be read, as many as were asked for one by one are:
 * those before the unreadable one are still carried out.
 */
static bool chunk_fill(struct chunk *chunk, struct vcpu *vcpu, vaddr_t from, uint32_t left)
{
    chunk->next = 0;
    chunk->filled = left < CHUNK ? left : CHUNK;
    if (access_read(vcpu, chunk->requests, from, chunk->filled * sizeof(chunk->requests[0])))
        return true;
    chunk->filled = 1;
    return access_read(vcpu, chunk->requests, from, sizeof(chunk->requests[0]));
}

/* Carry out @count requests; op->index counts those that are done. */
static int update_batch(struct op *op, vaddr_t requests, uint32_t count, bool allowed)
{
    struct chunk chunk;

    chunk.next = chunk.filled = 0;
    for (op->index = 0; op->index < count; op->index++) {
        int error;

        op_preempt_point(op);
        if (op_is_dying(op))
            return refuse_value(op, XEN_ESRCH, REFUSE_DYING, op->pt_owner->id.v);
        if (chunk.next == chunk.filled &&
            !chunk_fill(&chunk, op->vcpu, VADDR(requests.v + op->index * sizeof(struct mmu_update)), count - op->index))
            return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, requests.v);
        error = update_one(op, &chunk.requests[chunk.next++], allowed);
        if (error)
            return error;
    }
    return 0;
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
    struct domain *caller = op->vcpu->domain, *pt_owner, *pg_owner;
    uint32_t count = (uint32_t)args[1] & ~MMU_UPDATE_PREEMPTED, foreigndom = (uint32_t)args[3];
    bool resumed = args[1] & MMU_UPDATE_PREEMPTED, allowed;
    int error;

    if (!access_array_ok(caller, VADDR(args[0]), count, sizeof(struct mmu_update)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_ADDRESS, args[0]);
    error = find_pt_owner(op, foreigndom >> 16, &pt_owner);
    if (error)
        return error;
    op->index = 0;
    error = foreign_find(op, (uint16_t)foreigndom, &pg_owner);
    if (!error) {
        allowed = foreign_allowed(op, pt_owner) && foreign_allowed(op, pg_owner);
        error = allowed ? op_begin(op, pt_owner, pg_owner) : op_begin(op, caller, caller);
        if (!error) {
            error = update_batch(op, VADDR(args[0]), count, allowed);
            update_flush(op);
            op_end(op);
        }
    }
    done_write(op->vcpu, VADDR(args[2]), op->index, resumed);
    return error;
}
