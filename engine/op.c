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

void op_begin_teardown(struct op *op, struct domain *domain)
{
    op->pt_owner = domain;
    op->pg_owner = domain;
    op_lock(op);
    domain->operations++;
}

int op_begin(struct op *op, struct domain *pt_owner, struct domain *pg_owner)
{
    op->pt_owner = pt_owner;
    op->pg_owner = pg_owner;
    op_lock(op);
    if (op_is_dying(op)) {
        op_unlock(op);
        return refuse_value(op, XEN_ESRCH, REFUSE_DYING, pt_owner->id.v);
    }
    pt_owner->operations++;
    if (pg_owner && pg_owner != pt_owner)
        pg_owner->operations++;
    return 0;
}

void op_end(struct op *op)
{
    op->pt_owner->operations--;
    if (op->pg_owner && op->pg_owner != op->pt_owner)
        op->pg_owner->operations--;
    op_unlock(op);
}

void op_wait(struct op *op)
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

void op_put_foreign(struct op *op, struct frame *frame, bool writable)
{
    struct machine *machine = op->machine;
    struct domain *owner = domain_find(machine, DOMID(frame->owner));

    CHECK(owner);
    op_unlock(op);
    port_lock(owner);
    if (writable && type_writable_put(&frame->type))
        frame->epoch = tlb_now(machine);
    frame_put(machine, frame);
    port_unlock(owner);
    op_lock(op);
}
