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
#include <engine/leaf.h>
#include <engine/table.h>

#define STRETCH 32u /* entries of a table between two preemption points */

/* A preemption point in each stretch; another one stands before each table. */
FORCE_INLINE void preempt_in_stretch(struct op *op, unsigned nr_done)
{
    if (nr_done % STRETCH == STRETCH - 1)
        op_preempt_point(op);
}

/* Most tables are nearly empty: eight slots at a time. */
static __attribute__((noinline)) unsigned skip_empty(const uint64_t *entries, unsigned index, unsigned end)
{
    for (; index + 8 <= end; index += 8) {
        const uint64_t *at = &entries[index];

        if (at[0] | at[1] | at[2] | at[3] | at[4] | at[5] | at[6] | at[7])
            break;
    }
    while (index < end && entries[index] == 0)
        index++;
    return index;
}

/* The first slot of @entries from @index on that is not zero; @end: there is none before. */
FORCE_INLINE unsigned next_used(const uint64_t *entries, unsigned index, unsigned end)
{
    return index < end && entries[index] == 0 ? skip_empty(entries, index + 1, end) : index;
}

/* As engine/leaf.h says.  False: it is another case. */
FORCE_INLINE bool release_leaf(struct op *op, uint64_t bits)
{
    struct frame *frame = (bits & ENTRY_PRESENT) ? leaf_find(op, bits) : NULL;

    if (!frame || !leaf_can_drop(frame))
        return false;
    leaf_drop(op->machine, frame, bits);
    return true;
}

/* What the entries of @frame below slot @end hold.  Compiled twice: for L1 tables, and for all others. */
FORCE_INLINE void release_entries(struct op *op, const struct level *level, const struct frame *frame, unsigned end,
                                  bool is_leaf)
{
    const uint64_t *entries = frame_entries(op->machine, frame);
    struct slot slot = {frame_mfn(op->machine, frame), level_number(level->type), next_used(entries, 0, end)};

    op_preempt_point(op);
    for (unsigned done = 0; slot.index < end; done++) {
        uint64_t bits = entries[slot.index];

        preempt_in_stretch(op, done);
        if ((!is_leaf || !release_leaf(op, bits)) && !level_slot_is_hypervisor(level, slot.index))
            entry_release(op, slot, bits);
        slot.index = next_used(entries, slot.index + 1, end);
    }
}

static void release_below(struct op *op, const struct level *level, const struct frame *frame, unsigned end)
{
    if (level->type == TYPE_L1)
        release_entries(op, level, frame, end, true);
    else
        release_entries(op, level, frame, end, false);
}

/* The same. */
FORCE_INLINE bool promote_leaf(struct op *op, uint64_t *stored)
{
    uint64_t raw = *stored, bits = entry_adjust_leaf(op->pt_owner->width, raw);
    struct frame *frame;

    if (!(raw & ENTRY_PRESENT) || !(frame = leaf_find(op, bits)))
        return false;
    if (!leaf_can_take(frame, bits) && !leaf_is_first(frame, bits))
        return false;
    leaf_take_any(frame, bits);
    if (bits != raw)
        *stored = bits;
    return true;
}

static int promote_entry(struct op *op, const struct level *level, struct slot slot, uint64_t *stored)
{
    struct entry entry;
    uint64_t raw = *stored;
    int error;

    if (level_slot_is_hypervisor(level, slot.index))
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

/* Compiled twice as well. */
FORCE_INLINE int promote_entries(struct op *op, const struct level *level, const struct frame *frame, uint64_t *entries,
                                 bool is_leaf)
{
    struct slot slot = {frame_mfn(op->machine, frame), level_number(level->type), next_used(entries, 0, level->slots)};

    op_preempt_point(op);
    for (unsigned done = 0; slot.index < level->slots; done++) {
        int error = 0;

        preempt_in_stretch(op, done);
        if (!is_leaf || !promote_leaf(op, &entries[slot.index]))
            error = promote_entry(op, level, slot, &entries[slot.index]);
        if (error) {
            release_below(op, level, frame, slot.index);
            return error;
        }
        slot.index = next_used(entries, slot.index + 1, level->slots);
    }
    return 0;
}

int table_promote(struct op *op, struct frame *frame, enum frame_type type)
{
    const struct level *level = level_of(op->pt_owner->width, type);
    uint64_t *entries = frame_entries(op->machine, frame);
    int error = 0;

    CHECK(level);
    if (level->slots == 4)
        error = check_pae_root(op, frame, entries);
    if (!error && type == TYPE_L1)
        error = promote_entries(op, level, frame, entries, true);
    else if (!error)
        error = promote_entries(op, level, frame, entries, false);
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
