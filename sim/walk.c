/* SPDX-License-Identifier: MIT */
/* One loop for all levels; Intel SDM volume 3, 4.5 to 4.8. */
#include <sim/sim_parts.h>
#include <sim/walk.h>

bool walk_canonical(enum width width, uint64_t vaddr)
{
    if (width == WIDTH_PAE)
        return vaddr >> 32 == 0;
    return vaddr >> 47 == 0 || vaddr >> 47 == 0x1ffff;
}

struct sim_cached walk_start(const struct domain *domain, mfn_t root)
{
    return (struct sim_cached){.mfn = root, .level = root_level(domain), .writable = true, .user = true};
}

uint32_t walk_fault(const struct sim_walk *walk, uint32_t cause)
{
    return cause | (walk->access == SIM_WRITE ? SIM_PF_WRITE : 0) | (walk->access == SIM_FETCH ? SIM_PF_FETCH : 0) |
           (walk->ring3 ? SIM_PF_USER : 0);
}

bool walk_allows(const struct sim_walk *walk, const struct sim_cached *entry)
{
    return (entry->user || !walk->ring3) && (entry->writable || walk->access != SIM_WRITE) &&
           (!entry->no_execute || walk->access != SIM_FETCH);
}

/* Bits that must be zero in a present entry. */
static uint64_t reserved_bits(const struct sim *sim, uint64_t entry, unsigned level)
{
    uint64_t reserved = ENTRY_FRAME & ~((UINT64_C(1) << sim->machine.phys_bits) - 1);

    if (level == 4)
        reserved |= ENTRY_SUPERPAGE;
    else if (level > 1 && (entry & ENTRY_SUPERPAGE))
        reserved |= ((UINT64_C(1) << (PAGE_SHIFT + 9 * (level - 1))) - 1) & ~UINT64_C(0x1fff);
    return reserved;
}

/* The frame in @entry; bit 12 of a superpage is a cache attribute. */
static mfn_t entry_frame(uint64_t entry, unsigned level)
{
    uint64_t pages = UINT64_C(1) << (9 * (level - 1));
    uint64_t frame = (entry & ENTRY_FRAME) >> PAGE_SHIFT;

    return MFN(level > 1 && (entry & ENTRY_SUPERPAGE) ? frame & ~(pages - 1) : frame);
}

/* What is remembered of a frame, to see later whether it is the same one still. */
static void remember(const struct sim *sim, struct sim_cached *at)
{
    bool known = at->mfn.v < sim->machine.nr_frames;

    at->owner = known ? sim->machine.frames[at->mfn.v].owner : OWNER_NONE;
    at->taken = known ? sim->frames[at->mfn.v].taken : 0;
}

/* The walk has come to a leaf, at @slot of @table. */
static bool finish(const struct sim_walk *walk, struct sim_cached *at, mfn_t table, unsigned slot, uint64_t entry,
                   uint32_t *code)
{
    uint64_t bits = ENTRY_ACCESSED | (walk->access == SIM_WRITE ? ENTRY_DIRTY : 0);

    if (walk->rights && !walk_allows(walk, at)) {
        *code = walk_fault(walk, SIM_PF_PRESENT);
        return false;
    }
    if (walk->set_bits && (entry & bits) != bits)
        ram_set_bits(walk->sim, table, slot, bits);
    at->vaddr = walk->vaddr;
    at->global = (entry & ENTRY_GLOBAL) && !walk->sim->no_global_pages;
    at->dirty = (entry & ENTRY_DIRTY) || walk->access == SIM_WRITE;
    remember(walk->sim, at);
    return true;
}

bool walk_from(const struct sim_walk *walk, struct sim_cached *at, uint32_t *code)
{
    struct sim *sim = walk->sim;

    for (;;) {
        mfn_t table = at->mfn;
        unsigned slot = (walk->vaddr >> (PAGE_SHIFT + 9 * (at->level - 1))) % ENTRIES_PER_TABLE;
        uint64_t entry = ram_read_entry(sim, table, slot);

        if (!(entry & ENTRY_PRESENT) || (entry & reserved_bits(sim, entry, at->level))) {
            *code = walk_fault(walk, entry & ENTRY_PRESENT ? SIM_PF_PRESENT | SIM_PF_RESERVED : 0);
            return false;
        }
        at->mfn = entry_frame(entry, at->level);
        at->writable &= (entry & ENTRY_WRITABLE) != 0;
        at->user &= (entry & ENTRY_USER) != 0;
        at->no_execute |= (entry & ENTRY_NO_EXECUTE) != 0;
        if (at->level == 1 || (entry & ENTRY_SUPERPAGE))
            return finish(walk, at, table, slot, entry, code);
        if (walk->set_bits && !(entry & ENTRY_ACCESSED))
            ram_set_bits(sim, table, slot, ENTRY_ACCESSED);
        at->level--;
        if (walk->fill) {
            at->vaddr = walk->vaddr;
            remember(sim, at);
            cache_fill(sim, walk->fill, at);
        }
    }
}
