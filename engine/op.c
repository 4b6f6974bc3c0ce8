/* SPDX-License-Identifier: MIT */
/* Operations: their locks, their preemption points, and the references that need another domain's lock. */
#include <engine/frame.h>
#include <engine/op.h>
#include <engine/port.h>
#include <engine/tlb.h>

static void op_lock(const struct op *op)
{
    struct domain *first = op->pt_owner, *second = op->pg_owner;

    if (second && second->id.v < first->id.v) {
        first = op->pg_owner;
        second = op->pt_owner;
    }
    port_lock(first);
    if (second && second != first)
        port_lock(second);
}

static void op_unlock(struct op *op)
{
    op->unlocks++;
    if (op->pg_owner && op->pg_owner != op->pt_owner)
        port_unlock(op->pg_owner);
    port_unlock(op->pt_owner);
}

static void count(struct domain *domain, int by)
{
    if (domain)
        (void)__atomic_add_fetch(&domain->operations, (unsigned)by, __ATOMIC_SEQ_CST);
}

/* The operation is, or no longer is, under way for each of the up to three domains that it has to do with. */
static void count_all(const struct op *op, int by)
{
    struct domain *caller = op->vcpu ? op->vcpu->domain : NULL;

    count(op->pt_owner, by);
    count(op->pg_owner == op->pt_owner ? NULL : op->pg_owner, by);
    count(caller == op->pt_owner || caller == op->pg_owner ? NULL : caller, by);
}

void op_begin_teardown(struct op *op, struct domain *domain)
{
    *op = op_own(domain, NULL);
    op->pt_owner = domain;
    op->pg_owner = domain;
    count_all(op, 1);
    op_lock(op);
}

/*
 * Counted first, then asked: whoever marks a domain as dying and then sees no operation knows that each later one sees
 * the mark.  And counted before anything is waited for: whoever takes a domain out of the machine's table, and then
 * sees each processor come by, knows that those that had found it by its number are counted, and may wait for its lock.
 */
int op_begin(struct op *op, struct domain *pt_owner, struct domain *pg_owner)
{
    op->pt_owner = pt_owner;
    op->pg_owner = pg_owner;
    count_all(op, 1);
    op_lock(op);
    if (op_is_dying(op)) {
        op_end(op);
        return refuse_value(op, XEN_ESRCH, REFUSE_DYING, pt_owner->id.v);
    }
    return 0;
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

void op_end(struct op *op)
{
    op_unlock(op);
    count_all(op, -1);
}

bool op_is_dying(const struct op *op)
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
