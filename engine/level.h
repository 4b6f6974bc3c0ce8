/* SPDX-License-Identifier: MIT */
/*
 * The geometry of page tables, as data: what differs between the levels and between the two widths.
 * Sources: Intel SDM volume 3 chapter 4 (formats), and the ABI's rules on flags and slots.
 */
#pragma once

#include <engine/machine.h>
#include <engine/type.h>

/* Bits of an entry. */
#define ENTRY_PRESENT      UINT64_C(0x001)
#define ENTRY_RW           UINT64_C(0x002)
#define ENTRY_USER         UINT64_C(0x004)
#define ENTRY_PWT          UINT64_C(0x008)
#define ENTRY_PCD          UINT64_C(0x010)
#define ENTRY_ACCESSED     UINT64_C(0x020)
#define ENTRY_DIRTY        UINT64_C(0x040)
#define ENTRY_PSE          UINT64_C(0x080) /* levels 2 to 4 */
#define ENTRY_PAT          UINT64_C(0x080) /* level 1 */
#define ENTRY_GLOBAL       UINT64_C(0x100)
#define ENTRY_AVAIL        UINT64_C(0xe00)
#define ENTRY_GUEST_KERNEL (UINT64_C(1) << 52) /* a kernel page of a 64-bit guest; ignored by the processor */
#define ENTRY_AVAIL_HIGH   UINT64_C(0x7ff0000000000000)
#define ENTRY_NX           (UINT64_C(1) << 63)
#define ENTRY_FRAME        UINT64_C(0x000ffffffffff000)

#define ENTRY_CACHE (ENTRY_PWT | ENTRY_PCD | ENTRY_PAT) /* level 1: the index into the PAT */
#define ENTRY_AD    (ENTRY_ACCESSED | ENTRY_DIRTY)

/*
 * What may change in an entry of any level without its frame, its rights to write and its memory type changing: no
 * reference and no type depends on these.  Everything else takes the full path (XSA-148, 182).
 */
#define ENTRY_INERT (ENTRY_AD | ENTRY_AVAIL | ENTRY_AVAIL_HIGH | ENTRY_NX | ENTRY_GLOBAL | ENTRY_USER)

static inline mfn_t entry_mfn(uint64_t entry)
{
    return MFN((entry & ENTRY_FRAME) >> PAGE_SHIFT);
}

struct level {
    enum frame_type type;  /* of a table of this level */
    enum frame_type child; /* what an entry's frame must be; WRITABLE: only if the entry allows writing */
    uint64_t refused;      /* flags that a present entry must not have */
    uint64_t added;        /* flags that a present entry gets */
    unsigned slots;        /* that the processor looks at */
    unsigned hyp_first;    /* slots from here to hyp_end - 1 are the hypervisor's; none if equal */
    unsigned hyp_end;
};

/* By type; a type of table that the width does not have has no slots.  Hidden: reached without a GOT. */
#pragma GCC visibility push(hidden)
extern const struct level levels_64[TYPE_L2_TOP + 1], levels_pae[TYPE_L2_TOP + 1];
#pragma GCC visibility pop

/* The level of a table of @type in a guest of @width; NULL if such guests have no such table. */
static inline const struct level *level_of(enum width width, enum frame_type type)
{
    const struct level *levels = width == WIDTH_64 ? levels_64 : levels_pae;

    return type_is_table(type) && levels[type].slots > 0 ? &levels[type] : NULL;
}

/* The number of @type's level, 1 to 4. */
static inline unsigned level_number(enum frame_type type)
{
    return type == TYPE_L2_TOP ? 2 : (unsigned)type;
}

/* What the frame named by slot @index of a table of @level must be: an L3's slot 3 of a 32-bit guest is special. */
static inline enum frame_type level_child(const struct level *level, unsigned index)
{
    return level->slots == 4 && index == 3 ? TYPE_L2_TOP : level->child;
}

static inline bool level_slot_is_hypervisor(const struct level *level, unsigned index)
{
    return index >= level->hyp_first && index < level->hyp_end;
}

/*
 * Can an entry of @level refer to a table of that level read-only, so that nobody writes it?  Not where each entry gets
 * RW, as in a 32-bit guest's L3 (XSA-185).
 */
static inline bool level_can_be_linear(const struct level *level)
{
    return !(level->added & ENTRY_RW);
}

/* The lowest bit of an address that indexes a table which is used as one of level @number. */
static inline unsigned level_shift(unsigned number)
{
    return PAGE_SHIFT + 9 * (number - 1);
}

/* The index of @vaddr in such a table. */
static inline unsigned level_index(unsigned number, vaddr_t vaddr)
{
    return (unsigned)(vaddr.v >> level_shift(number)) % ENTRIES_PER_TABLE;
}
