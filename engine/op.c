/* SPDX-License-Identifier: MIT */
/* Operations: their locks, their preemption points, and the references that need another domain's lock. */
#include <engine/frame.h>
#include <engine/op.h>
#include <engine/port.h>
#include <engine/tlb.h>

/* From here on frames of @pg_owner may come into tables of @pt_owner, which engine/tlb.h is to know. */
static __attribute__((noinline)) void lock_both(struct domain *pt_owner, struct domain *pg_owner)
{
    bool is_first = pt_owner->id.v < pg_owner->id.v;

    port_lock(is_first ? pt_owner : pg_owner);
    port_lock(is_first ? pg_owner : pt_owner);
    pg_owner->lent = true;
}

FORCE_INLINE void op_lock(const struct op *op)
{
    if (op->is_plain || !op->pg_owner || op->pg_owner == op->pt_owner)
        port_lock(op->pt_owner);
    else
        lock_both(op->pt_owner, op->pg_owner);
}

FORCE_INLINE void op_unlock(struct op *op)
{
    op->unlocks++;
    if (!op->is_plain && op->pg_owner && op->pg_owner != op->pt_owner)
        port_unlock(op->pg_owner);
    port_unlock(op->pt_owner);
}

FORCE_INLINE void count(struct domain *domain, int by)
{
    (void)__atomic_add_fetch(&domain->operations, (unsigned)by, __ATOMIC_SEQ_CST);
}

/* The operation is, or no longer is, under way for each of the up to three domains that it has to do with. */
static __attribute__((noinline)) void count_each(const struct op *op, int by)
{
    struct domain *caller = op->vcpu ? op->vcpu->domain : NULL;

    count(op->pt_owner, by);
    if (op->pg_owner && op->pg_owner != op->pt_owner)
        count(op->pg_owner, by);
    if (caller && caller != op->pt_owner && caller != op->pg_owner)
        count(caller, by);
}

FORCE_INLINE void set_owners(struct op *op, struct domain *pt_owner, struct domain *pg_owner)
{
    op->pt_owner = pt_owner;
    op->pg_owner = pg_owner;
    op->is_plain = pg_owner == pt_owner && (!op->vcpu || op->vcpu->domain == pt_owner);
}

void op_begin_teardown(struct op *op, struct domain *domain)
{
    *op = op_own(domain, NULL);
    set_owners(op, domain, domain);
    count(domain, 1);
    op_lock(op);
}

static __attribute__((noinline)) int end_dying(struct op *op)
{
    domid_t id = op->pt_owner->id;

    op_end(op);
    op->pt_owner = NULL;
    return refuse_value(op, XEN_ESRCH, REFUSE_DYING, id.v);
}

/* op_begin() of an operation that is not plain. */
static __attribute__((noinline)) int begin_with_others(struct op *op)
{
    count_each(op, 1);
    op_lock(op);
    return op_is_any_dying(op) ? end_dying(op) : 0;
}

/*
 * Counted first, then asked: whoever marks a domain as dying and then sees no operation knows that each later one sees
 * the mark.  And counted before anything is waited for: whoever takes a domain out of the machine's table, and then
 * sees each processor come by, knows that those that had found it by its number are counted, and may wait for its lock.
 */
int op_begin(struct op *op, struct domain *pt_owner, struct domain *pg_owner)
{
    set_owners(op, pt_owner, pg_owner);
    if (!op->is_plain)
        return begin_with_others(op);
    count(pt_owner, 1);
    port_lock(pt_owner);
    return domain_is_dying(op->pt_owner) ? end_dying(op) : 0;
}

int op_begin_own(struct op *op, struct domain *domain, struct vcpu *vcpu)
{
    *op = op_own(domain, vcpu);
    return op_begin(op, domain, domain);
}

int op_begin_without_call(struct op *op, struct vcpu *vcpu, unsigned call)
{
    *op = op_without_call(vcpu, call);
    return op_begin(op, vcpu->domain, vcpu->domain);
}

static __attribute__((noinline)) void end_with_others(struct op *op)
{
    op_unlock(op);
    count_each(op, -1);
}

void op_end(struct op *op)
{
    if (!op->is_plain) {
        end_with_others(op);
        return;
    }
    port_unlock(op->pt_owner);
    count(op->pt_owner, -1);
}

bool op_is_any_dying(const struct op *op)
{
    return domain_is_dying(op->pt_owner) || (op->pg_owner && domain_is_dying(op->pg_owner)) ||
           (op->vcpu && domain_is_dying(op->vcpu->domain));
}

/* By itself, so that whoever need not wait saves no registers for it. */
__attribute__((noinline)) void op_wait(struct op *op)
{
    op_unlock(op);
    port_yield();
    op_lock(op);
}

void op_preempt_point(struct op *op)
{
    if (port_preempt_wanted())
        op_wait(op);
}

void op_take_back(const struct op *op)
{
    op_lock(op);
}

bool op_lets_others(struct op *op, cpumask_t cpus)
{
    bool has_others = op->vcpu && op->pt_owner && (cpus.bits & ~cpumask_of(op->vcpu->cpu).bits);

    if (has_others)
        op_unlock(op);
    return has_others;
}

void op_flush(struct op *op, cpumask_t cpus)
{
    bool has_let_go = op_lets_others(op, cpus);

    tlb_flush(op->machine, cpus);
    if (has_let_go)
        op_take_back(op);
}

void op_lock_other(struct op *op, struct domain *other)
{
    op_unlock(op);
    port_lock(other);
}

void op_unlock_other(struct op *op, struct domain *other)
{
    port_unlock(other);
    op_lock(op);
}

void op_put_foreign(struct op *op, struct frame *frame, bool writable)
{
    struct machine *machine = op->machine;
    struct domain *owner = domain_find(machine, DOMID(frame_owner(frame)));

    CHECK(owner);
    op_lock_other(op, owner);
    if (writable && type_writable_put(&frame->type))
        frame->epoch = tlb_stamp(machine);
    frame_put(machine, frame);
    op_unlock_other(op, owner);
}
