/* SPDX-License-Identifier: MIT */
/* The judgement of entries, continued: those that are absent, that map device memory, and those of upper levels. */
#include <engine/entry.h>

#define MFN_ALL_ONES (ENTRY_FRAME >> PAGE_SHIFT)

/* PAT indexes (PAT, PCD, PWT of an entry) of guests' fixed PAT that are cached: WB, WT and WP, see [pte]. */
#define PAT_CACHED ((1u << 0) | (1u << 1) | (1u << 5))

/*
 * A processor with the L1TF flaw reads the memory that an entry names even where the entry is not present: any address
 * below the end of RAM, whoever's it is, and with PSE in an upper entry a whole superpage from there.  Frame 0 is
 * nobody's (machine_add_ram()), so that an entry may have flags and no frame.
 */
int entry_decode_absent(const struct op *op, struct slot slot, uint64_t bits)
{
    bool superpage = slot.level > 1 && (bits & ENTRY_PSE);
    mfn_t named = entry_mfn(bits);

    if (op->machine->l1tf && (superpage || (named.v != 0 && named.v < op->machine->nr_frames)))
        return refuse(op, XEN_EINVAL, REFUSE_L1TF, slot, frame_find(op->machine, entry_mfn(bits)), bits);
    return 0;
}

static unsigned pat_index(uint64_t bits)
{
    return ((bits & ENTRY_PAT) ? 4u : 0u) | ((bits & ENTRY_PCD) ? 2u : 0u) | ((bits & ENTRY_PWT) ? 1u : 0u);
}

static bool iomem_allowed(const struct domain *domain, mfn_t mfn)
{
    for (unsigned i = 0; i < domain->nr_iomem; i++) {
        if (mfn.v >= domain->iomem[i].first.v && mfn.v <= domain->iomem[i].last.v)
            return true;
    }
    return false;
}

/*
 * Device memory is never cached: one frame must not be seen through two kinds of memory type (XSA-154).  The owner of
 * the table needs the right to it, and so does a caller who asks for it by DOMID_IO.
 */
int entry_decode_device(const struct op *op, struct slot slot, uint64_t *bits)
{
    mfn_t mfn = entry_mfn(*bits);
    bool allowed = iomem_allowed(op->pt_owner, mfn) && (op->pg_owner || iomem_allowed(op->vcpu->domain, mfn));

    if (mfn.v == MFN_ALL_ONES)
        return refuse(op, XEN_EINVAL, REFUSE_NO_SUCH_FRAME, slot, NULL, *bits);
    if (!allowed || mfn.v >> (op->machine->phys_bits - PAGE_SHIFT))
        return refuse(op, XEN_EPERM, REFUSE_NOT_RAM, slot, NULL, *bits);
    if (PAT_CACHED & (1u << pat_index(*bits)))
        *bits = (*bits & ~ENTRY_CACHE) | ENTRY_PCD | ENTRY_PWT;
    return 0;
}

int entry_decode_upper(const struct op *op, const struct level *level, struct slot slot, struct entry *entry)
{
    struct frame *frame = frame_find(op->machine, entry_mfn(entry->bits));

    if (entry->bits & level->refused)
        return refuse(op, XEN_EINVAL, REFUSE_BAD_FLAGS, slot, frame, entry->bits);
    entry->bits |= level->added;
    if (!frame || !frame_is_ram(frame))
        return refuse(op, XEN_EINVAL, REFUSE_NO_SUCH_FRAME, slot, NULL, entry->bits);
    entry->frame = frame;
    entry->type = level_child(level, slot.index);
    return 0;
}
