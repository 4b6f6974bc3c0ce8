/* SPDX-License-Identifier: MIT */
/*
 * Entries, in order: the judgement of leaf entries (RAM and device memory) and of upper ones, then the references.
 */
#include <engine/entry.h>
#include <engine/typeref.h>

#define MFN_ALL_ONES (ENTRY_FRAME >> PAGE_SHIFT)

/* PAT indexes (PAT, PCD, PWT of an entry) of guests' fixed PAT that are cached: WB, WT and WP (abi-facts 4.9). */
#define PAT_CACHED ((1u << 0) | (1u << 1) | (1u << 5))

static unsigned pat_index(uint64_t bits)
{
    return ((bits & ENTRY_PAT) ? 4u : 0u) | ((bits & ENTRY_PCD) ? 2u : 0u) | ((bits & ENTRY_PWT) ? 1u : 0u);
}

/* What a present entry of a 64-bit guest's L1 becomes: USER always; bit 52 and G tell kernel pages from user pages. */
static uint64_t adjust_leaf(enum width width, uint64_t bits)
{
    if (width == WIDTH_PAE)
        return bits;
    if (!(bits & ENTRY_USER))
        return bits | ENTRY_USER | ENTRY_GUEST_KERNEL;
    if (!(bits & ENTRY_GUEST_KERNEL))
        return bits | ENTRY_GLOBAL;
    return bits;
}

static bool iomem_allowed(const struct domain *domain, mfn_t mfn)
{
    for (unsigned i = 0; i < domain->nr_iomem; i++)
        if (mfn.v >= domain->iomem[i].first.v && mfn.v <= domain->iomem[i].last.v)
            return true;
    return false;
}

/* Device memory is never cached: one frame must not be seen through two kinds of memory type (XSA-154). */
static int decode_device(const struct op *op, struct place place, struct entry *entry)
{
    const struct domain *rights = op->pg_owner ? op->pt_owner : op->vcpu->domain;
    mfn_t mfn = entry_mfn(entry->bits);

    if (mfn.v == MFN_ALL_ONES)
        return refuse(op, XEN_EINVAL, REFUSE_NO_SUCH_FRAME, place, NULL, entry->bits);
    if (!iomem_allowed(rights, mfn) || mfn.v >> (op->machine->phys_bits - PAGE_SHIFT))
        return refuse(op, XEN_EPERM, REFUSE_NOT_RAM, place, NULL, entry->bits);
    if (PAT_CACHED & (1u << pat_index(entry->bits)))
        entry->bits = (entry->bits & ~ENTRY_CACHE) | ENTRY_PCD | ENTRY_PWT;
    return 0;
}

static int decode_leaf(const struct op *op, struct place place, struct entry *entry)
{
    struct frame *frame = frame_find(op->machine, entry_mfn(entry->bits));

    entry->bits = adjust_leaf(op->pt_owner->width, entry->bits);
    if ((entry->bits & ENTRY_CACHE) && op->pt_owner->nr_iomem == 0)
        return refuse(op, XEN_EINVAL, REFUSE_CACHE_FLAGS, place, frame, entry->bits);
    if (!frame || !frame_is_ram(frame))
        return decode_device(op, place, entry);
    if ((entry->bits & ENTRY_CACHE) && (frame->flags & FRAME_SHARED))
        return refuse(op, XEN_EACCES, REFUSE_CACHE_FLAGS_SHARED, place, frame, entry->bits);
    entry->frame = frame;
    entry->type = (entry->bits & ENTRY_RW) ? TYPE_WRITABLE : TYPE_NONE;
    return 0;
}

static int decode_upper(const struct op *op, const struct level *level, struct place place, struct entry *entry)
{
    struct frame *frame = frame_find(op->machine, entry_mfn(entry->bits));

    if (entry->bits & level->refused)
        return refuse(op, XEN_EINVAL, REFUSE_BAD_FLAGS, place, frame, entry->bits);
    entry->bits |= level->added;
    if (!frame || !frame_is_ram(frame))
        return refuse(op, XEN_EINVAL, REFUSE_NO_SUCH_FRAME, place, NULL, entry->bits);
    if (op->pg_owner != op->pt_owner)
        return refuse(op, XEN_EINVAL, REFUSE_FOREIGN_TABLE, place, frame, entry->bits);
    entry->frame = frame;
    entry->type = level_child(level, place.slot);
    return 0;
}

/* A processor with the L1TF flaw reads the frame that an entry names even where the entry is not present. */
static int decode_absent(const struct op *op, struct place place, uint64_t bits)
{
    const struct frame *frame = frame_find(op->machine, entry_mfn(bits));

    if (op->machine->l1tf && bits != 0 && frame && frame_is_ram(frame))
        return refuse(op, XEN_EINVAL, REFUSE_L1TF, place, frame, bits);
    return 0;
}

int entry_decode(const struct op *op, const struct level *level, struct place place, uint64_t raw, struct entry *entry)
{
    *entry = (struct entry){raw, NULL, TYPE_NONE};
    if (!(raw & ENTRY_PRESENT))
        return decode_absent(op, place, raw);
    return level->child == TYPE_WRITABLE ? decode_leaf(op, place, entry) : decode_upper(op, level, place, entry);
}

static int acquire_leaf(struct op *op, struct place place, const struct entry *entry)
{
    struct frame *frame = entry->frame;
    int error;

    if (!op->pg_owner || !frame_get(frame, op->pg_owner))
        return refuse(op, XEN_EBUSY, REFUSE_NOT_OWNED, place, frame, entry->bits);
    if (entry->type == TYPE_NONE)
        return 0;
    error = typeref_get_writable(op, place, frame);
    if (error) {
        frame_put(op->machine, frame);
        return error;
    }
    if (entry->bits & ENTRY_CACHE)
        frame->flags |= FRAME_INCOHERENT;
    return 0;
}

int entry_acquire(struct op *op, struct place place, const struct entry *entry)
{
    int error;

    if (!entry->frame)
        return 0;
    if (place.level == 1)
        return acquire_leaf(op, place, entry);
    if (!frame_get(entry->frame, op->pt_owner))
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, place, entry->frame, entry->bits);
    error = typeref_get(op, place, entry->frame, entry->type);
    if (error)
        frame_put(op->machine, entry->frame);
    return error;
}

static void release_leaf(struct op *op, struct frame *frame, uint64_t bits)
{
    bool foreign = frame->owner != op->pt_owner->id.v && (!op->pg_owner || frame->owner != op->pg_owner->id.v);

    if (foreign) {
        op_put_foreign(op, frame, bits & ENTRY_RW);
        return;
    }
    if (bits & ENTRY_RW)
        typeref_put_writable(op->machine, frame);
    frame_put(op->machine, frame);
}

void entry_release(struct op *op, const struct level *level, uint64_t bits)
{
    struct frame *frame = (bits & ENTRY_PRESENT) ? frame_find(op->machine, entry_mfn(bits)) : NULL;

    if (!frame || !frame_is_ram(frame))
        return;
    if (level->child == TYPE_WRITABLE) {
        release_leaf(op, frame, bits);
        return;
    }
    typeref_put(op, frame);
    frame_put(op->machine, frame);
}
