/* SPDX-License-Identifier: MIT */
/* Links between tables of a level: whether one may be, and their counts. */
#include <abi/errno.h>
#include <engine/flush.h>
#include <engine/linear.h>

_Static_assert(LINEAR_COUNT_MAX > ENTRIES_PER_TABLE, "a table's own links, and one that is about to replace one, fit");
_Static_assert((FRAME_LINKS & (FRAME_ALLOCATED | FRAME_SHARED | FRAME_INCOHERENT)) == 0, "no bit has two meanings");

static void set_links(struct frame *frame, unsigned count, bool source)
{
    unsigned links = count << LINEAR_COUNT_SHIFT | (count > 0 && source ? LINEAR_SOURCE : 0);

    frame->flags = (uint16_t)((frame->flags & ~FRAME_LINKS) | links);
}

/* May @table have a link to @frame, another one of its level, as far as can be seen without taking anything? */
static int check_link(const struct op *op, struct slot slot, const struct frame *table, const struct frame *frame)
{
    enum frame_type type = type_of(frame->type);

    if (type_is_busy(frame->type))
        return refuse(op, XEN_EINVAL, REFUSE_TYPE_UNDER_CONVERSION, slot, frame, type);
    if (type == TYPE_L2_TOP)
        return refuse(op, XEN_EINVAL, REFUSE_TABLE_SHARED, slot, frame, type);
    if (linear_is_target(table) || linear_is_source(frame))
        return refuse(op, XEN_EINVAL, REFUSE_LINEAR_CHAIN, slot, frame, type);
    return 0;
}

static int link_tables(struct op *op, struct slot slot, struct frame *table, struct frame *frame)
{
    if (!frame_get(frame, op->pt_owner))
        return refuse(op, XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED, slot, frame, frame_mfn(op->machine, frame).v);
    if (!type_live_get(&frame->type)) {
        frame_put(op->machine, frame);
        return refuse(op, XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED, slot, frame, type_of(frame->type));
    }
    set_links(table, linear_count(table) + 1, true);
    if (linear_count(frame) < LINEAR_COUNT_MAX)
        set_links(frame, linear_count(frame) + 1, false);
    return 0;
}

bool linear_applies(struct op *op, const struct level *level, struct slot slot, const struct frame *frame,
                    enum frame_type child)
{
    if (!level_can_be_linear(level))
        return false;
    for (;;) {
        if (frame_owner(frame) != op->pt_owner->id.v)
            return false;
        if (!type_is_busy(frame->type) || type_of(frame->type) != child)
            return linear_is_of_level(frame, slot.level);
        op_wait(op);
    }
}

/* The hypervisor does not touch what is behind slot @index of the domain's L4s any more. */
static void keep_off(struct op *op, unsigned index)
{
    struct domain *domain = op->pt_owner;
    uint64_t bit = UINT64_C(1) << index % 64;

    if (!(__atomic_fetch_or(&domain->linear_slots[index / 64], bit, __ATOMIC_SEQ_CST) & bit))
        tlb_flush(op->machine, flush_domain_cpus(domain));
}

int linear_get(struct op *op, struct slot slot, struct frame *frame, uint64_t bits)
{
    struct frame *table = frame_find(op->machine, slot.table);
    int error;

    CHECK(table);
    if (bits & ENTRY_RW)
        return refuse(op, XEN_EINVAL, REFUSE_LINEAR_WRITABLE, slot, frame, bits);
    if (slot.level == 4)
        keep_off(op, slot.index);
    if (frame == table)
        return 0;
    error = check_link(op, slot, table, frame);
    return error ? error : link_tables(op, slot, table, frame);
}

void linear_unlink(const struct op *op, mfn_t mfn, struct frame *frame)
{
    struct frame *table = frame_find(op->machine, mfn);

    CHECK(table && linear_is_source(table) && linear_is_target(frame));
    set_links(table, linear_count(table) - 1, true);
    if (linear_count(frame) < LINEAR_COUNT_MAX)
        set_links(frame, linear_count(frame) - 1, false);
}

void linear_forget(struct frame *frame)
{
    CHECK(linear_count(frame) == 0 || (linear_is_target(frame) && linear_count(frame) == LINEAR_COUNT_MAX));
    set_links(frame, 0, false);
}
