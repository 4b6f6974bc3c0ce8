/* SPDX-License-Identifier: MIT */
/* Conversions between types: the one place where a frame becomes a table or a descriptor frame, and ceases to be. */
#include <engine/descriptor.h>
#include <engine/table.h>
#include <engine/typeref.h>

enum refusal_reason typeref_conflict(const struct frame *frame, enum frame_type want)
{
    if (type_is_busy(frame->type))
        return REFUSE_TYPE_UNDER_CONVERSION;
    if (type_of(frame->type) != want)
        return REFUSE_TYPE_CONFLICT;
    return want == TYPE_L2_TOP ? REFUSE_TABLE_SHARED : REFUSE_TYPE_COUNT_EXHAUSTED;
}

static int refuse_conflict(const struct op *op, struct slot slot, const struct frame *frame, enum frame_type want)
{
    enum xen_errno error = want == TYPE_WRITABLE ? XEN_EBUSY : XEN_EINVAL;

    bool self = slot.level > 0 && mfn_equal(slot.table, frame_mfn(op->machine, frame));

    return refuse(op, error, self ? REFUSE_SELF_MAP : typeref_conflict(frame, want), slot, frame, want);
}

int typeref_convert_writable(struct op *op, struct slot slot, struct frame *frame)
{
    if (!type_is_idle(frame->type))
        return refuse_conflict(op, slot, frame, TYPE_WRITABLE);
    frame_settle(op->machine, frame, type_of(frame->type), TYPE_WRITABLE);
    if (!type_writable_get(&frame->type))
        CHECK(false); /* an idle frame has no uses: one more fits */
    return 0;
}

/*
 * What frame_settle() is to flush, in advance where others are among those: while they do it they may have the locks,
 * for the frame is busy.  It finds what is left then.
 */
static __attribute__((noinline)) void flush_others(struct op *op, const struct frame *frame)
{
    cpumask_t stale = tlb_stale(op->machine, op->pt_owner, frame->epoch);

    if (op->vcpu && (stale.bits & ~cpumask_of(op->vcpu->cpu).bits))
        op_flush(op, stale);
}

FORCE_INLINE void settle_busy(struct op *op, struct frame *frame, enum frame_type was, enum frame_type want)
{
    uint64_t cpus = op->machine->tlb.cpus.bits;

    if (was != TYPE_NONE && was != want && (cpus & (cpus - 1)))
        flush_others(op, frame);
    frame_settle(op->machine, frame, was, want);
}

/* untyped, retired -> live, or back to retired with the error of what was refused */
static int promote(struct op *op, struct frame *frame, enum frame_type want)
{
    enum frame_type was = type_of(frame->type);
    int error;

    type_promote_begin(&frame->type, want);
    settle_busy(op, frame, was, want);
    error = want == TYPE_SEGDESC ? descriptor_frame_validate(op, frame) : table_promote(op, frame, want);
    if (error) {
        type_promote_abort(&frame->type);
        return error;
    }
    type_promote_publish(&frame->type);
    port_promoted(op, frame);
    return 0;
}

int typeref_get(struct op *op, struct slot slot, struct frame *frame, enum frame_type want)
{
    while (type_is_busy(frame->type) && type_of(frame->type) == want)
        op_wait(op);
    if (typeref_get_live(frame, want))
        return 0;
    if (!type_is_idle(frame->type))
        return refuse_conflict(op, slot, frame, want);
    return promote(op, frame, want);
}

void typeref_demote(struct op *op, struct frame *frame)
{
    type_demote_begin(&frame->type);
    if (type_of(frame->type) != TYPE_SEGDESC)
        table_demote(op, frame);
    type_demote_end(&frame->type);
    frame->epoch = type_of(frame->type) == TYPE_SEGDESC ? tlb_stamp(op->machine) : op->pt_owner->unlinked;
}

int typeref_refuse_frame(const struct op *op, enum xen_errno error, struct slot slot, const struct frame *frame,
                         const struct domain *domain, uint64_t value)
{
    bool owned = frame && domain && frame_owner(frame) == domain->id.v;

    return refuse(op, error, owned ? REFUSE_REFERENCES_EXHAUSTED : REFUSE_NOT_OWNED, slot, frame, value);
}

int typeref_get_or_put(struct op *op, struct slot slot, struct frame *frame, enum frame_type want)
{
    int error = typeref_get(op, slot, frame, want);

    if (error)
        frame_put(op->machine, frame);
    return error;
}

int typeref_hold_writable(struct op *op, enum xen_errno error, struct frame *frame, const struct domain *domain,
                          uint64_t value)
{
    int refusal;

    if (!frame || !domain || !frame_get(frame, domain))
        return typeref_refuse_frame(op, XEN_EINVAL, NOWHERE, frame, domain, value);
    if (typeref_is_writable(frame))
        return typeref_get_writable(op, NOWHERE, frame);
    refusal = refuse(op, error, typeref_conflict(frame, TYPE_WRITABLE), NOWHERE, frame, TYPE_WRITABLE);
    frame_put(op->machine, frame);
    return refusal;
}

void typeref_drop_writable(struct machine *machine, struct frame *frame)
{
    typeref_put_writable(machine, frame);
    frame_put(machine, frame);
}
