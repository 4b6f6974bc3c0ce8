/* SPDX-License-Identifier: MIT */
/*
 * Promotion and demotion of tables.
 *
 *   L4 --> L3 --> L2 --> L1 --> RAM        64-bit: an entry of one level makes its frame a table of the next
 *          L3 --> L2 / L2_TOP --> L1       PAE: slot 3 leads to the L2 that holds the hypervisor's slots
 *
 * While a table is under conversion nobody else looks at its entries: it is busy, no guest can write it, and no entry
 * of a live table leads to it.  So its entries are plain memory here; only a processor that still walks it through a
 * stale paging-structure cache may set accessed and dirty bits, which mean nothing to us.
 */
#include <abi/errno.h>
#include <engine/entry.h>
#include <engine/table.h>

/*
 * A preemption point before slot @index: before each entry of an upper table, which may mean a whole table below, and
 * every 32 slots of anything.
 */
static void preempt_before(struct op *op, const struct level *level, unsigned index, uint64_t entry)
{
    if (index % 32 == 0 || (entry != 0 && level->type != TYPE_L1))
        op_preempt_point(op);
}

static void release_below(struct op *op, const struct level *level, const struct frame *frame, unsigned end)
{
    const uint64_t *entries = frame_entries(op->machine, frame);
    struct slot slot = {frame_mfn(op->machine, frame), level_number(level->type), 0};

    for (; slot.index < end; slot.index++) {
        preempt_before(op, level, slot.index, entries[slot.index]);
        if (entries[slot.index] != 0 && !level_slot_is_hypervisor(level, slot.index))
            entry_release(op, slot, entries[slot.index]);
    }
}

static int promote_entry(struct op *op, const struct level *level, struct slot slot, uint64_t *stored)
{
    struct entry entry;
    uint64_t raw = *stored;
    int error;

    if (raw == 0 || level_slot_is_hypervisor(level, slot.index))
        return 0;
    error = entry_decode(op, level, slot, raw, &entry);
    if (!error)
        error = entry_acquire(op, level, slot, &entry);
    if (!error && entry.bits != raw)
        *stored = entry.bits;
    return error;
}

/* The hypervisor's own slots of a table, and those that the processor never looks at. */
static void fill_hypervisor_slots(const struct machine *machine, const struct level *level, uint64_t *entries,
                                  bool fill)
{
    const uint64_t *own = level->type == TYPE_L4 ? machine->root_slots : machine->compat_slots;

    for (unsigned i = level->hyp_first; i < level->hyp_end; i++)
        entries[i] = fill ? own[i - level->hyp_first] : 0;
    for (unsigned i = level->slots; i < ENTRIES_PER_TABLE; i++)
        entries[i] = 0;
}

/* What the ABI asks of a 32-bit guest's L3 as a whole: where it may lie, and that its slot 3 is there. */
static int check_pae_root(const struct op *op, const struct frame *frame, const uint64_t *entries)
{
    mfn_t mfn = frame_mfn(op->machine, frame);

    if (!op->pt_owner->extended_cr3 && mfn.v >> (32 - PAGE_SHIFT))
        return refuse(op, XEN_ERANGE, REFUSE_ROOT_ABOVE_4G, (struct slot){mfn, 3, 0}, frame, mfn.v);
    if (!(entries[3] & ENTRY_PRESENT))
        return refuse(op, XEN_EINVAL, REFUSE_SLOT_MISSING, (struct slot){mfn, 3, 3}, frame, entries[3]);
    return 0;
}

int table_promote(struct op *op, struct frame *frame, enum frame_type type)
{
    const struct level *level = level_of(op->pt_owner->width, type);
    struct slot slot = {frame_mfn(op->machine, frame), level_number(type), 0};
    uint64_t *entries = frame_entries(op->machine, frame);
    int error = 0;

    CHECK(level);
    if (level->slots == 4)
        error = check_pae_root(op, frame, entries);
    for (; !error && slot.index < level->slots; slot.index++) {
        preempt_before(op, level, slot.index, entries[slot.index]);
        error = promote_entry(op, level, slot, &entries[slot.index]);
        if (error)
            release_below(op, level, frame, slot.index);
    }
    if (!error)
        fill_hypervisor_slots(op->machine, level, entries, true);
    return error;
}

void table_demote(struct op *op, struct frame *frame)
{
    const struct level *level = level_of(op->pt_owner->width, type_of(frame->type));
    uint64_t *entries = frame_entries(op->machine, frame);

    CHECK(level);
    release_below(op, level, frame, level->slots);
    linear_forget(frame);
    fill_hypervisor_slots(op->machine, level, entries, false);
}
