/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_mmuext_op, in order: one small function a command, their table, the batch. */
#include <abi/mmuext.h>
#include <engine/access.h>
#include <engine/done.h>
#include <engine/flush.h>
#include <engine/foreign.h>
#include <engine/mmuext.h>
#include <engine/pin.h>
#include <engine/root.h>
#include <engine/segment.h>
#include <engine/typeref.h>

typedef int command_fn(struct op *op, const struct mmuext_op *ext);

/* MMUEXT_PIN_L1_TABLE to L4: consecutive numbers.  A 32-bit guest has no L4; the ABI ignores that it asks. */
static int pin(struct op *op, const struct mmuext_op *ext)
{
    unsigned level = ext->cmd - MMUEXT_PIN_L1_TABLE + 1;

    if (level > root_level(op->pt_owner))
        return 0;
    return pin_table(op, MFN(ext->arg1.mfn), (enum frame_type)level);
}

static int unpin(struct op *op, const struct mmuext_op *ext)
{
    return unpin_table(op, MFN(ext->arg1.mfn));
}

static int new_baseptr(struct op *op, const struct mmuext_op *ext)
{
    return root_set_kernel(op, MFN(ext->arg1.mfn));
}

static int new_user_baseptr(struct op *op, const struct mmuext_op *ext)
{
    return root_set_user(op, MFN(ext->arg1.mfn));
}

/*
 * What a guest asks for by itself has nothing to do with the engine's state: while it waits for other processors, they
 * may have the locks, if this batch has them.
 */
static void flush_page_on(struct op *op, cpumask_t cpus, vaddr_t vaddr)
{
    bool has_let_go = op_lets_others(op, cpus);

    flush_page(op->vcpu->domain, cpus, vaddr);
    if (has_let_go)
        op_take_back(op);
}

static int flush_local(struct op *op, const struct mmuext_op *ext)
{
    (void)ext;
    tlb_flush(op->machine, cpumask_of(op->vcpu->cpu));
    return 0;
}

static int flush_page_local(struct op *op, const struct mmuext_op *ext)
{
    flush_page(op->vcpu->domain, cpumask_of(op->vcpu->cpu), VADDR(ext->arg1.linear_addr));
    return 0;
}

static int read_mask(struct op *op, const struct mmuext_op *ext, cpumask_t *cpus)
{
    if (!flush_guest_mask(op->vcpu, VADDR(ext->arg2.vcpumask), cpus))
        return refuse_value(op, XEN_EINVAL, REFUSE_VCPU_MASK, ext->arg2.vcpumask);
    return 0;
}

static int flush_multi(struct op *op, const struct mmuext_op *ext)
{
    cpumask_t cpus;
    int error = read_mask(op, ext, &cpus);

    if (!error)
        op_flush(op, cpus);
    return error;
}

static int flush_page_multi(struct op *op, const struct mmuext_op *ext)
{
    cpumask_t cpus;
    int error = read_mask(op, ext, &cpus);

    if (!error)
        flush_page_on(op, cpus, VADDR(ext->arg1.linear_addr));
    return error;
}

static int flush_all(struct op *op, const struct mmuext_op *ext)
{
    (void)ext;
    op_flush(op, flush_domain_cpus(op->vcpu->domain));
    return 0;
}

static int flush_page_all(struct op *op, const struct mmuext_op *ext)
{
    flush_page_on(op, flush_domain_cpus(op->vcpu->domain), VADDR(ext->arg1.linear_addr));
    return 0;
}

/* Caches matter to those who share memory with devices. */
static int flush_cache_of(struct op *op, cpumask_t cpus, enum xen_errno refused)
{
    if (op->vcpu->domain->nr_iomem == 0)
        return refuse_value(op, refused, REFUSE_CACHE_RIGHTS, op->vcpu->domain->id.v);
    port_cache_flush(cpus);
    return 0;
}

static int flush_cache(struct op *op, const struct mmuext_op *ext)
{
    (void)ext;
    return flush_cache_of(op, flush_domain_cpus(op->vcpu->domain), XEN_EACCES);
}

static int flush_cache_global(struct op *op, const struct mmuext_op *ext)
{
    (void)ext;
    return flush_cache_of(op, op->machine->tlb.cpus, XEN_EINVAL);
}

static int set_ldt(struct op *op, const struct mmuext_op *ext)
{
    return segment_set_ldt(op, op->vcpu, VADDR(ext->arg1.linear_addr), ext->arg2.nr_ents);
}

/* A frame of the named domain, with a general reference; an error, and none. */
static int find_page(struct op *op, uint64_t mfn, struct frame **frame)
{
    *frame = frame_find(op->machine, MFN(mfn));
    if (!*frame || !op->pg_owner || !frame_get(*frame, op->pg_owner))
        return typeref_refuse_frame(op, XEN_EINVAL, NOWHERE, *frame, op->pg_owner, mfn);
    return 0;
}

/*
 * The same with a writable use, so that the hypervisor writes only what the guest itself could write.  The ABI's error
 * is EINVAL here, where a mapping would be EBUSY.
 */
static int find_writable_page(struct op *op, uint64_t mfn, struct frame **frame)
{
    *frame = frame_find(op->machine, MFN(mfn));
    return typeref_hold_writable(op, XEN_EINVAL, *frame, op->pg_owner, mfn);
}

static int clear_page(struct op *op, const struct mmuext_op *ext)
{
    struct frame *frame;
    int error = find_writable_page(op, ext->arg1.mfn, &frame);

    if (error)
        return error;
    port_frame_clear(frame_mfn(op->machine, frame));
    typeref_drop_writable(op->machine, frame);
    return 0;
}

static int copy_page(struct op *op, const struct mmuext_op *ext)
{
    struct frame *from, *to;
    int error = find_page(op, ext->arg2.src_mfn, &from);

    if (error)
        return error;
    error = find_writable_page(op, ext->arg1.mfn, &to);
    if (!error) {
        port_frame_copy(frame_mfn(op->machine, to), 0, frame_mfn(op->machine, from), 0, PAGE_SIZE);
        typeref_drop_writable(op->machine, to);
    }
    frame_put(op->machine, from);
    return error;
}

static int mark_super(struct op *op, const struct mmuext_op *ext)
{
    return refuse_value(op, XEN_EOPNOTSUPP, REFUSE_SUPERPAGE, ext->arg1.mfn);
}

struct command {
    command_fn *run;
    enum { ANY, OWN, OWN_FLUSH } domain; /* which may be named; the caller for a flush, which needs no lock */
};

static const struct command commands[] = {
    [MMUEXT_PIN_L1_TABLE] = {pin, ANY},
    [MMUEXT_PIN_L2_TABLE] = {pin, ANY},
    [MMUEXT_PIN_L3_TABLE] = {pin, ANY},
    [MMUEXT_PIN_L4_TABLE] = {pin, ANY},
    [MMUEXT_UNPIN_TABLE] = {unpin, ANY},
    [MMUEXT_NEW_BASEPTR] = {new_baseptr, OWN},
    [MMUEXT_TLB_FLUSH_LOCAL] = {flush_local, OWN_FLUSH},
    [MMUEXT_INVLPG_LOCAL] = {flush_page_local, OWN_FLUSH},
    [MMUEXT_TLB_FLUSH_MULTI] = {flush_multi, OWN_FLUSH},
    [MMUEXT_INVLPG_MULTI] = {flush_page_multi, OWN_FLUSH},
    [MMUEXT_TLB_FLUSH_ALL] = {flush_all, OWN_FLUSH},
    [MMUEXT_INVLPG_ALL] = {flush_page_all, OWN_FLUSH},
    [MMUEXT_FLUSH_CACHE] = {flush_cache, OWN},
    [MMUEXT_SET_LDT] = {set_ldt, OWN},
    [MMUEXT_NEW_USER_BASEPTR] = {new_user_baseptr, OWN},
    [MMUEXT_CLEAR_PAGE] = {clear_page, ANY},
    [MMUEXT_COPY_PAGE] = {copy_page, ANY},
    [MMUEXT_FLUSH_CACHE_GLOBAL] = {flush_cache_global, OWN},
    [MMUEXT_MARK_SUPER] = {mark_super, ANY},
    [MMUEXT_UNMARK_SUPER] = {mark_super, ANY},
};

/*
 * Begins the operation with the first command that needs it.  With another domain's number that is the first one of the
 * batch, if it is carried out at all: nothing lets that domain end before.
 */
FORCE_INLINE int run_command(struct op *op, const struct mmuext_op *ext, struct domain *pg_owner)
{
    const struct command *command = TABLE_FIND_BY(commands, ext->cmd, run);
    struct domain *caller = op->vcpu->domain;
    int error;

    if (!command)
        return refuse_value(op, XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND, ext->cmd);
    if (command->domain != ANY && pg_owner != caller)
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, ext->cmd);
    if (command->domain != OWN_FLUSH && !op->pt_owner) {
        error = op_begin(op, pg_owner ? pg_owner : caller, pg_owner);
        if (error)
            return error;
    }
    return command->run(op, ext);
}

static size_t entry_size(enum width width)
{
    return width == WIDTH_64 ? sizeof(struct mmuext_op) : sizeof(struct compat_mmuext_op);
}

/* An entry of the array, which has been found to be the guest's. */
FORCE_INLINE bool read_entry(struct vcpu *vcpu, enum width width, vaddr_t from, struct mmuext_op *ext)
{
    struct compat_mmuext_op compat;

    if (width == WIDTH_64)
        return access_read_within(vcpu, ext, from, sizeof(*ext));
    if (!access_read_within(vcpu, &compat, from, sizeof(compat)))
        return false;
    ext->cmd = compat.cmd;
    ext->arg1.linear_addr = compat.arg1.linear_addr;
    ext->arg2.src_mfn = compat.arg2.src_mfn;
    return true;
}

/* The one of @ops at @from. */
FORCE_INLINE int run_entry(struct op *op, enum width width, struct domain *pg_owner, vaddr_t ops, vaddr_t from)
{
    struct mmuext_op ext;

    if (!read_entry(op->vcpu, width, from, &ext))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, ops.v);
    op->command = ext.cmd;
    return run_command(op, &ext, pg_owner);
}

/* As op_goes_on(), of an operation that may not have begun. */
static bool goes_on(struct op *op)
{
    if (op->pt_owner)
        return op_goes_on(op);
    if (op->done > 0)
        port_preempt_point();
    return !domain_is_dying(op->vcpu->domain);
}

/* By itself, so that a single one saves no registers for it. */
static __attribute__((noinline)) int run_batch(struct op *op, struct domain *pg_owner, vaddr_t ops, uint32_t count)
{
    enum width width = op->vcpu->domain->width;

    for (op->done = 0; op->done < count; op->done++) {
        int error;

        op->command = COMMAND_NONE;
        if (!goes_on(op))
            return refuse_value(op, XEN_ESRCH, REFUSE_DYING, op->vcpu->domain->id.v);
        error = run_entry(op, width, pg_owner, ops, VADDR(ops.v + op->done * entry_size(width)));
        if (error)
            return error;
    }
    return 0;
}

/* A batch of one: before its first entry nothing has begun that could go on. */
FORCE_INLINE int run_single(struct op *op, enum width width, struct domain *pg_owner, vaddr_t ops)
{
    int error;

    if (domain_is_dying(op->vcpu->domain))
        return refuse_value(op, XEN_ESRCH, REFUSE_DYING, op->vcpu->domain->id.v);
    error = run_entry(op, width, pg_owner, ops, ops);
    op->done = !error;
    return error;
}

FORCE_INLINE int64_t run(struct op *op, enum width width, const uint64_t args[6])
{
    uint32_t count = (uint32_t)args[1] & ~MMU_UPDATE_PREEMPTED;
    struct domain *pg_owner;
    vaddr_t ops = VADDR(args[0]);
    int error;

    if (!access_array_ok(op->vcpu->domain, ops, count, entry_size(width)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_ADDRESS, ops.v);
    op->done = 0;
    error = foreign_find(op, (uint16_t)args[3], &pg_owner);
    if (!error && !foreign_allowed(op, (uint16_t)args[3], pg_owner))
        error = refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, args[3]);
    if (error)
        return error;
    error = count == 1 ? run_single(op, width, pg_owner, ops) : run_batch(op, pg_owner, ops, count);
    if (op->pt_owner)
        op_end(op);
    done_write(op->vcpu, VADDR(args[2]), op->done, args[1] & MMU_UPDATE_PREEMPTED);
    return error;
}

static __attribute__((noinline)) int64_t run_narrow(struct op *op, const uint64_t args[6])
{
    return run(op, WIDTH_PAE, args);
}

int64_t mmuext_op(struct op *op, const uint64_t args[6])
{
    return op->vcpu->domain->width == WIDTH_64 ? run(op, WIDTH_64, args) : run_narrow(op, args);
}
