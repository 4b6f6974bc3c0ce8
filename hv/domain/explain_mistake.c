/* SPDX-License-Identifier: MIT */
/*
 * The mistakes that everybody makes who writes such a kernel, in words, by the reason of the refusal.  What to do about
 * the reason as such is advice.c's; here is what is known of this case besides.
 */
#include <abi/layout.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <hv/domain/explain.h>

#define ALL_ONES (ENTRY_FRAME >> PAGE_SHIFT)
#define LOW_END  (UINT64_C(1) << 32) /* no kernel of 64 bits has its data below */

static enum frame_type found_type(const struct explanation *explanation)
{
    return type_of(explanation->noted->refusal.type);
}

/*
 * ---- Frames that are not the domain's.
 */

static const char *of_owner(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    if (explanation->knows_entry && entry_mfn(explanation->entry).v == ALL_ONES)
        return "The frame number is all ones: an entry of the P2M that says \"no frame\" (INVALID_P2M_ENTRY) has "
               "been shifted into place. Test what the P2M gives before an entry is made of it.";
    if (explanation->is_pfn)
        return "A pfn stands where a machine frame number belongs. Look it up in the P2M first: an entry holds the "
               "mfn.";
    if (refusal->reason != REFUSE_NOT_OWNED)
        return NULL;
    if (mfn_is_none(refusal->frame))
        return "The machine has no frame of this number: perhaps a virtual address stands where a machine address, "
               "or a frame number, belongs.";
    if (refusal->owner.v == OWNER_NONE)
        return "The frame belongs to nobody: it has been given back, or it never was the domain's. Whoever gives a "
               "frame back takes it out of the P2M and out of all tables first.";
    if (refusal->owner.v < DOMID_FIRST_RESERVED && refusal->owner.v != explanation->domain->id.v)
        return "The frame is another domain's, by now or always: a frame that was given back may have a new owner. "
               "What another domain offers is mapped as a grant.";
    if (refusal->owner.v == DOMID_XEN)
        return "The frame is the hypervisor's own: no domain can use it.";
    return NULL;
}

/*
 * ---- Frames in another use.
 */

/* An entry that leads to a table of the wrong level. */
static const char *of_level(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;
    unsigned level = refusal->slot.level, found = level_number(found_type(explanation));

    if (level < 2)
        return "It is a table of another level already. Pin it as what it is; or first unpin it, and take it out of "
               "all tables that refer to it.";
    if (found == level)
        return "The entry leads to a table of its own level (a linear, or recursive, table), or a level has been "
               "left out: an entry of an L4 leads to an L3, that of an L3 to an L2, that of an L2 to an L1.";
    return "The entry leads to a table of the wrong level: an entry of an L4 leads to an L3, that of an L3 to an L2, "
           "that of an L2 to an L1.";
}

static bool only_pinned(const struct refusal *refusal)
{
    return type_is_pinned(refusal->type) && type_count(refusal->type) == 1;
}

/* It was to be written, and is a table. */
static const char *of_table(const struct explanation *explanation)
{
    if (explanation->is_initial)
        return "It is one of the page tables that the domain was started with, which are pinned, and mapped "
               "read-only from the beginning. Change them with mmu_update; who wants to use the page otherwise first "
               "loads tables of his own, and unpins the initial root.";
    if (only_pinned(&explanation->noted->refusal))
        return "Nothing but its pin keeps it a table: an unpin is missing. After MMUEXT_UNPIN_TABLE it can be mapped "
               "writable.";
    if (type_is_pinned(explanation->noted->refusal.type))
        return "It is a table, pinned, and in use besides. Map it read-only, and change it with mmu_update; to give "
               "it back, first take it out of all tables and roots, then unpin it.";
    return "It is a table because a table in use refers to it. Map it read-only, and change it with mmu_update; to "
           "give it back, first clear the entry that refers to it.";
}

static const char *of_wanted_writable(const struct explanation *explanation)
{
    if (found_type(explanation) == TYPE_SEGDESC)
        return "It is part of a GDT or LDT that is loaded, and so may not be mapped writable. Change a descriptor "
               "with update_descriptor; to write the page itself, load another table first.";
    return type_is_table(found_type(explanation)) ? of_table(explanation) : NULL;
}

static const char *of_wanted_table(const struct explanation *explanation)
{
    bool is_segment = explanation->noted->refusal.value == TYPE_SEGDESC;

    switch (found_type(explanation)) {
    case TYPE_WRITABLE:
        if (explanation->nr_uses > 0 && explanation->uses[0].kind == USE_SHARED)
            return "The hypervisor shares this page with the guest, and writes to it: it can never be a table.";
        return is_segment ? "The page is still mapped writable. Make each of these mappings read-only before the table "
                            "of descriptors is loaded; the kernel's own mapping of its data is one."
                          : "The page is still mapped writable. Make each of these mappings read-only first; the "
                            "kernel's own mapping of its memory is one.";
    case TYPE_SEGDESC:
        return "It is part of a GDT or LDT that is loaded. Load another one before the page becomes a page table.";
    default:
        return type_is_table(found_type(explanation)) ? of_level(explanation) : NULL;
    }
}

static const char *of_conflict(const struct explanation *explanation)
{
    return explanation->noted->refusal.value == TYPE_WRITABLE ? of_wanted_writable(explanation)
                                                              : of_wanted_table(explanation);
}

static const char *of_self_map(const struct explanation *explanation)
{
    if (explanation->noted->refusal.slot.level <= 1)
        return "The table maps itself writable. It can map itself read-only.";
    return "The entry leads back to the table that it stands in: a linear, or recursive, page table. Xen's PV guests "
           "get at their tables through their ordinary mapping of memory, read-only, and write them by mmu_update.";
}

static const char *of_pin(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    if (refusal->reason == REFUSE_ALREADY_PINNED)
        return explanation->is_initial ? "It is a table that the domain was started with: its root is pinned from the "
                                         "beginning."
                                       : NULL;
    if (type_is_table(found_type(explanation)) && type_is_validated(refusal->type))
        return "It is a table, but has no pin of its own: it ceases to be one when the entries above are cleared.";
    return "It is no table at all: it was unpinned already, or another frame was meant. An unpin takes the mfn.";
}

/*
 * ---- Flags.
 */

static const char *of_flags(const struct explanation *explanation)
{
    if (explanation->flags & ENTRY_PSE)
        return "PSE is set: the entry was to be a large page. PV guests have none, at any level; CPUID does not "
               "offer them either. Map each page with an L1 entry.";
    if (explanation->flags & ENTRY_NX)
        return "NX is set: an entry of a 32-bit guest's L3 has no such bit. Put it into the entries of the L2 and L1.";
    if (explanation->flags & ENTRY_GLOBAL)
        return "G is set: only a page can be global, which an L1 entry maps. Leave it out of all entries above.";
    if (explanation->flags & (ENTRY_PWT | ENTRY_PCD))
        return "PWT or PCD is set: a table is always cached. Leave them out of all entries above L1.";
    return NULL;
}

static const char *of_cache(const struct explanation *explanation)
{
    return explanation->flags & ENTRY_PAT
               ? "Bit 7 is set: in an L1 entry that is PAT, and not PSE. An entry for a large page has perhaps been "
                 "copied into an L1: leave the bit out."
               : NULL;
}

/*
 * ---- Slots and addresses.
 */

static const char *of_slot(const struct explanation *explanation)
{
    if (explanation->domain->width == WIDTH_64)
        return "L4 slots 256 to 271 are the hypervisor's, in every root. A copy of a whole L4, or one that is "
               "cleared entry by entry, has to leave them out.";
    return "The slots from 428 on of the topmost L2 are the hypervisor's. A copy of the whole table has to leave "
           "them out.";
}

static bool is_hypervisors(const struct explanation *explanation)
{
    uint64_t address = explanation->noted->refusal.value;

    if (explanation->domain->width == WIDTH_64)
        return address >= HYPERVISOR_VIRT_START && address < HYPERVISOR_VIRT_END;
    return address >= COMPAT_HYPERVISOR_VIRT_START;
}

static const char *of_walk(const struct explanation *explanation)
{
    if (is_hypervisors(explanation))
        return "The address is in the hypervisor's part of the address space, where a guest maps nothing.";
    if (mfn_is_none(explanation->missing.table))
        return NULL;
    return "A table is missing on the way to the address: update_va_mapping writes L1 entries, and makes no tables. "
           "Write the entry that is not present with mmu_update, top down, each for a table that is mapped read-only.";
}

static const char *of_address(const struct explanation *explanation)
{
    if (explanation->noted->refusal.value < LOW_END && explanation->domain->width == WIDTH_64)
        return "So low an address is hardly one of a kernel's: a physical address, a pfn, or a null pointer with an "
               "offset. The call wants the virtual address of its list.";
    return NULL;
}

/* A descriptor's S bit, and its type. */
#define DESCRIPTOR_S       (UINT64_C(1) << 44)
#define DESCRIPTOR_TYPE(d) ((unsigned)((d) >> 40) & 15u)
#define DESCRIPTOR_DPL(d)  ((unsigned)((d) >> 45) & 3u)
#define DESCRIPTOR_CODE    (UINT64_C(1) << 43)
#define DESCRIPTOR_LONG    (UINT64_C(1) << 53)

static const char *of_descriptor(const struct explanation *explanation)
{
    uint64_t descriptor = explanation->noted->refusal.value;

    if (!(descriptor & DESCRIPTOR_S)) {
        switch (DESCRIPTOR_TYPE(descriptor)) {
        case 9:
        case 11:
            return "It is a TSS. A PV guest has none: stack_switch says where the kernel's stack is.";
        case 2:
            return "It is an LDT's. A PV guest loads its LDT with MMUEXT_SET_LDT.";
        case 14:
        case 15:
            return "It is an interrupt or trap gate. Handlers are registered with set_trap_table.";
        default:
            return NULL;
        }
    }
    if ((descriptor & DESCRIPTOR_LONG) && (descriptor & DESCRIPTOR_CODE) && explanation->domain->width != WIDTH_64)
        return "It is a segment of 64-bit code, which a 32-bit guest cannot have.";
    return NULL;
}

const char *explain_mistake(const struct explanation *explanation)
{
    switch (explanation->noted->refusal.reason) {
    case REFUSE_NOT_OWNED:
    case REFUSE_NO_SUCH_FRAME:
    case REFUSE_NOT_RAM:
    case REFUSE_NOT_ALLOCATED:
    case REFUSE_GRANT_FRAME:
        return of_owner(explanation);
    case REFUSE_TYPE_CONFLICT:
        return of_conflict(explanation);
    case REFUSE_SELF_MAP:
        return of_self_map(explanation);
    case REFUSE_ALREADY_PINNED:
    case REFUSE_NOT_PINNED:
        return of_pin(explanation);
    case REFUSE_BAD_FLAGS:
        return of_flags(explanation);
    case REFUSE_CACHE_FLAGS:
    case REFUSE_CACHE_FLAGS_SHARED:
        return of_cache(explanation);
    case REFUSE_HYPERVISOR_SLOT:
        return of_slot(explanation);
    case REFUSE_NO_L1_ENTRY:
        return of_walk(explanation);
    case REFUSE_GUEST_ADDRESS:
    case REFUSE_GUEST_FAULT:
        return of_address(explanation);
    case REFUSE_DESCRIPTOR:
        return of_descriptor(explanation);
    default:
        return NULL;
    }
}
