/* SPDX-License-Identifier: MIT */
/* In order: entries that lead to a frame; from there to addresses; pfns. */
#include <abi/layout.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <hv/domain/explain_port.h>
#include <hv/domain/search.h>
#include <hv/mem/paging.h>

/* 16 GiB of frames, and the tables that map so much. */
#define FRAMES_MAX (UINT64_C(1) << 22)
#define TABLES_MAX (UINT64_C(1) << 13)

#define FRAMES_AT_ONCE 256u

#define ADDRESS_SIGN (UINT64_C(1) << 47)

struct search search_begin(const struct machine *machine, mfn_t target, unsigned level)
{
    return (struct search){
        .machine = machine, .target = target, .level = level, .frames = FRAMES_MAX, .tables = TABLES_MAX};
}

bool search_is_spent(const struct search *search)
{
    return search->frames == 0 || search->tables == 0;
}

/* NULL: @frame is no table, or not of the level. */
static const struct level *table_level(const struct search *search, const struct frame *frame)
{
    const struct type_word type = type_word_peek(&frame->type);
    const struct domain *domain = domain_find(search->machine, DOMID(frame_owner(frame)));
    const struct level *level;

    if (!domain || !(type_is_validated(type) || (type_is_busy(type) && type_count(type))))
        return NULL;
    level = level_of(domain->width, type_of(type));
    return level && (!search->level || level_number(level->type) == search->level) ? level : NULL;
}

static bool next_in_table(struct search *search, const struct level *level, struct slot *slot, uint64_t *entry)
{
    const uint64_t *entries = paging_ram(search->frame << PAGE_SHIFT);

    while (search->index < level->slots) {
        unsigned index = search->index++;

        *entry = __atomic_load_n(&entries[index], __ATOMIC_RELAXED);
        if (!(*entry & ENTRY_PRESENT) || !mfn_equal(entry_mfn(*entry), search->target) ||
            level_slot_is_hypervisor(level, index))
            continue;
        *slot = (struct slot){MFN(search->frame), level_number(level->type), index};
        return true;
    }
    return false;
}

/* Nobody takes over meanwhile. */
static void get_on(const struct search *search)
{
    if (search->frame % FRAMES_AT_ONCE == 0)
        explain_port_get_on();
}

bool search_next(struct search *search, struct slot *slot, uint64_t *entry)
{
    for (; search->frame < search->machine->nr_frames && !search_is_spent(search); search->frame++) {
        const struct level *level = table_level(search, &search->machine->frames[search->frame]);

        search->frames--;
        get_on(search);
        if (level && next_in_table(search, level, slot, entry))
            return true;
        search->tables -= level ? 1 : 0;
        search->index = 0;
    }
    return false;
}

/*
 * ---- Addresses.
 */

bool search_address(const struct machine *machine, struct slot slot, vaddr_t *vaddr)
{
    const struct frame *frame = frame_find(machine, slot.table);
    const struct domain *domain = frame ? domain_find(machine, DOMID(frame_owner(frame))) : NULL;
    uint64_t address, entry;

    if (!domain || slot.level == 0)
        return false;
    address = (uint64_t)slot.index << level_shift(slot.level);
    while (slot.level < root_level(domain)) {
        struct search search = search_begin(machine, slot.table, slot.level + 1);

        if (!search_next(&search, &slot, &entry))
            return false;
        address |= (uint64_t)slot.index << level_shift(slot.level);
    }
    if (domain->width == WIDTH_64 && (address & ADDRESS_SIGN))
        address |= ~(ADDRESS_SIGN * 2 - 1);
    *vaddr = VADDR(address);
    return true;
}

/*
 * ---- Pfns.
 */

static bool is_own(const struct domain *domain, const struct frame *frame)
{
    return frame && frame_owner(frame) == domain->id.v && (frame->flags & FRAME_ALLOCATED);
}

/* What the M2P says of a frame is the guest's own word. */
static uint64_t m2p_of(const struct domain *domain, mfn_t mfn)
{
    uint64_t pfn = domain->machine->m2p[mfn.v];

    if (domain->width == WIDTH_64)
        return pfn;
    return (uint32_t)pfn == COMPAT_MACH2PHYS_INVALID ? MACH2PHYS_INVALID : (uint32_t)pfn;
}

bool search_pfn(const struct domain *domain, mfn_t mfn, uint64_t *pfn)
{
    if (!is_own(domain, frame_find(domain->machine, mfn)))
        return false;
    *pfn = m2p_of(domain, mfn);
    return *pfn < MACH2PHYS_SHARED;
}

bool search_frame(const struct domain *domain, uint64_t pfn, mfn_t *mfn)
{
    const struct machine *machine = domain->machine;
    uint64_t end = machine->nr_frames < FRAMES_MAX ? machine->nr_frames : FRAMES_MAX;

    for (*mfn = MFN(0); mfn->v < end; mfn->v++) {
        if (is_own(domain, &machine->frames[mfn->v]) && m2p_of(domain, *mfn) == pfn)
            return true;
    }
    return false;
}
