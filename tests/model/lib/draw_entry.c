/* SPDX-License-Identifier: MIT */
/* Drawing entries, and the requests that write them. */
#include <tests/model/lib/draw.h>

/* Slots that matter somewhere, and a few that are like any other. */
static const unsigned slots[] = {0,   1,   2,   3,   4,   5,   6,   7,   17,  100, 255,
                                 256, 257, 271, 272, 273, 299, 427, 428, 429, 510, 511};

static uint64_t make(uint64_t mfn, uint64_t flags)
{
    return mfn << PAGE_SHIFT | flags;
}

/*
 * ---- Entries.
 */

static bool frame_any(const struct draw *draw, uint64_t mfn)
{
    (void)draw;
    (void)mfn;
    return true;
}

static bool frame_foreign(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->state.frames[mfn].owner != draw->pt && draw->oracle->state.frames[mfn].owner < ORACLE_DOMAINS;
}

static bool frame_shared(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->state.frames[mfn].owner == draw->pt && draw->oracle->state.frames[mfn].shared;
}

/* A frame number that an entry should think twice about. */
static uint64_t odd_mfn(struct draw *draw)
{
    uint64_t mfn = 0;

    switch (below(draw, 8)) {
    case 0:
        return draw->oracle->nr_frames + below(draw, 3);
    case 1:
        return PTE_FRAME >> PAGE_SHIFT; /* all ones */
    case 2:
        return 100 + below(draw, 4); /* devices */
    case 3:
        return UINT64_C(1) << (20 + below(draw, 20));
    case 4:
        return 0xfee00;
    case 5:
        (void)draw_frame(draw, frame_shared, &mfn);
        return mfn;
    case 6:
        (void)draw_frame(draw, frame_any, &mfn);
        return mfn;
    default:
        (void)draw_frame(draw, frame_foreign, &mfn);
        return mfn;
    }
}

/* Flags that do not decide anything, and sometimes one that does. */
static uint64_t extra_flags(struct draw *draw)
{
    static const uint64_t memory_types[] = {
        PTE_PWT, PTE_PCD, PTE_PS, PTE_PS | PTE_PWT, PTE_PS | PTE_PCD, PTE_PCD | PTE_PWT, PTE_PS | PTE_PCD | PTE_PWT};
    unsigned roll = below(draw, 256);
    uint64_t flags = PTE_A;

    if (roll & 1)
        flags |= PTE_US;
    if (roll & 2)
        flags |= PTE_D;
    if ((roll & 0x1c) == 0)
        flags |= UINT64_C(0x200) << below(draw, 3);
    if ((roll & 0x3c) == 4)
        flags |= PTE_KERNEL << below(draw, 12);
    if (roll >= 250)
        flags ^= UINT64_C(1) << below(draw, 12);
    else if (roll >= 220 && draw->oracle->state.domains[draw->pt].nr_iomem)
        flags |= memory_types[roll % 7];
    return flags;
}

/* The frames are those of @draw->pt, for the time of this. */
static uint64_t l1_entry_here(struct draw *draw)
{
    unsigned roll = below(draw, 256);
    uint64_t mfn = 0, flags = PTE_P | extra_flags(draw);

    if (roll >= 248 && draw->oracle->state.domains[draw->pt].nr_iomem)
        return make(below(draw, 8) ? 100 + roll % 3 : 0xfee00, flags | (roll & 1 ? PTE_RW : 0));
    if (roll < 16)
        return make(odd_mfn(draw), (roll & 1 ? PTE_P : 0) | extra_flags(draw));
    if (roll < 24)
        return make(odd_mfn(draw), flags | PTE_RW);
    if (roll < 56)
        return 0;
    if (roll < 120 && draw_frame(draw, frame_own, &mfn))
        return make(mfn, flags);
    if (roll < 128 && draw_frame(draw, frame_table, &mfn))
        return make(mfn, flags | PTE_RW); /* must be refused */
    if (roll < 224 && draw_frame(draw, frame_writable, &mfn))
        return make(mfn, flags | PTE_RW);
    if (draw_frame(draw, frame_plain, &mfn))
        return make(mfn, flags | (roll & 1 ? PTE_RW : 0));
    return 0;
}

static uint64_t l1_entry(struct draw *draw)
{
    unsigned pt = draw->pt;
    uint64_t entry;

    draw->pt = draw->pg;
    entry = l1_entry_here(draw);
    draw->pt = pt;
    return entry;
}

/* What an upper entry may refer to: a table of the level below, or what has been filled as one. */
static bool is_child(const struct draw *draw, uint64_t mfn, unsigned level, bool top)
{
    enum oracle_type type = oracle_type(draw->oracle, mfn);

    if (!frame_own(draw, mfn))
        return false;
    if (type == O_NONE)
        return draw->model->intent[mfn] == level;
    return !top && oracle_is_table(type) && type != O_L2_TOP && oracle_level(type) == level;
}

static bool child_1(const struct draw *draw, uint64_t mfn)
{
    return is_child(draw, mfn, 1, false);
}

static bool child_2(const struct draw *draw, uint64_t mfn)
{
    return is_child(draw, mfn, 2, false);
}

static bool child_2_top(const struct draw *draw, uint64_t mfn)
{
    return is_child(draw, mfn, 2, true);
}

static bool child_3(const struct draw *draw, uint64_t mfn)
{
    return is_child(draw, mfn, 3, false);
}

/* Tables of a level that are in use. */
static bool level_2(const struct draw *draw, uint64_t mfn)
{
    return frame_table(draw, mfn) && oracle_level(oracle_type(draw->oracle, mfn)) == 2;
}

static bool level_3(const struct draw *draw, uint64_t mfn)
{
    return frame_table(draw, mfn) && oracle_type(draw->oracle, mfn) == O_L3;
}

static bool level_4(const struct draw *draw, uint64_t mfn)
{
    return frame_table(draw, mfn) && oracle_type(draw->oracle, mfn) == O_L4;
}

/* Behind such a slot, of an L4, lies the guest's own memory, whose arguments a linear entry there puts out of reach. */
static bool is_own_slot(const struct draw *draw, unsigned level, unsigned slot)
{
    return draw->wide && level == 4 && slot == (HYPERVISOR_VIRT_END >> 39) % 512;
}

/* An entry that leads to a table of its own level, mostly as it may. */
static uint64_t linear_entry(struct draw *draw, unsigned level)
{
    static frame_class *const levels[] = {level_2, level_3, level_4};
    uint64_t mfn = draw->table, flags = PTE_P | PTE_A | PTE_US;

    if (draw->table == ORACLE_NO_FRAME || !chance(draw, 100)) {
        if (!draw_frame(draw, levels[level - 2], &mfn))
            return 0;
    }
    if (chance(draw, 24))
        flags |= PTE_RW;
    return make(mfn, flags);
}

static uint64_t upper_entry(struct draw *draw, unsigned level, unsigned slot)
{
    static frame_class *const children[] = {child_1, child_2, child_3};
    frame_class *child = children[level - 2];
    unsigned roll = below(draw, 256);
    bool pae_root = !draw->wide && level == 3;
    uint64_t flags = pae_root ? PTE_P | PTE_A : PTE_TABLE, mfn = 0;

    if (draw->oracle->state.domains[draw->pt].linear && chance(draw, 72) && !is_own_slot(draw, level, slot))
        return linear_entry(draw, level);
    if (pae_root && slot == 3)
        child = child_2_top;
    if (roll < 8)
        return make(odd_mfn(draw), flags);
    if (roll < 16)
        flags ^= UINT64_C(1) << (roll & 4 ? below(draw, 12) : 52 + below(draw, 12));
    if (roll < 32)
        flags |= extra_flags(draw);
    if (roll < 224 && draw_frame(draw, child, &mfn))
        return make(mfn, flags);
    if (roll < 240 && draw_frame(draw, frame_idle, &mfn))
        return make(mfn, flags);
    if (roll < 244 && draw_frame(draw, frame_own, &mfn))
        return make(mfn, flags);
    return 0;
}

uint64_t draw_entry(struct draw *draw, unsigned level, unsigned slot)
{
    return level == 1 ? l1_entry(draw) : upper_entry(draw, level, slot);
}

/*
 * ---- Requests.
 */

static unsigned draw_slot(struct draw *draw, uint64_t mfn, unsigned level)
{
    const struct model_domain *self = &draw->model->domains[draw->pt];

    if (mfn == self->area_l1)
        return below(draw, (unsigned)self->pages + 4);
    if (level == 3 && !draw->wide)
        return below(draw, 5);
    if (level == 1 && chance(draw, 160))
        return below(draw, 16);
    return slots[below(draw, ARRAY_SIZE(slots))];
}

/* A slot whose entry is present, from some slot on. */
static bool present_slot(struct draw *draw, uint64_t mfn, unsigned *index)
{
    unsigned start = draw_slot(draw, mfn, 1);

    for (unsigned i = 0; i < 512; i++) {
        *index = (start + i) % 512;
        if ((draw->oracle->memory[mfn][*index] & PTE_P) && !draw_protected(draw, mfn, *index))
            return true;
    }
    return false;
}

bool draw_l1_change(struct draw *draw, uint64_t *table, unsigned *index, uint64_t *value)
{
    if (!draw_frame(draw, frame_l1, table))
        return false;
    *index = draw_slot(draw, *table, 1);
    *value = draw_entry(draw, 1, *index);
    return !draw_protected(draw, *table, *index);
}

/* Take write access, or all access, away from a frame: so it may become something else. */
static bool retire(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    uint64_t table, entry;
    unsigned index;

    if (!draw_frame(draw, frame_l1, &table))
        return false;
    for (unsigned tries = 0; tries < 4; tries++) {
        if (!present_slot(draw, table, &index))
            return false;
        entry = draw->oracle->memory[table][index];
        if (!(entry & PTE_RW) || !oracle_is_ram(draw->oracle, (entry & PTE_FRAME) >> PAGE_SHIFT) ||
            model_is_area(draw->model, (entry & PTE_FRAME) >> PAGE_SHIFT))
            continue;
        *ptr = make(table, index * 8);
        *value = chance(draw, 160) ? entry & ~PTE_RW : 0;
        return true;
    }
    return false;
}

/* Write an entry where a table is to be, or plain junk. */
static bool fill(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    uint8_t *intent;
    uint64_t mfn;
    unsigned index;

    if (!draw_frame(draw, chance(draw, 160) ? frame_idle : frame_plain, &mfn))
        return false;
    intent = &draw->model->intent[mfn];
    if (*intent == 0 || (*intent == 4 && !draw->wide) || chance(draw, 24))
        *intent = (uint8_t)(1 + below(draw, draw->wide ? 4 : 3));
    index = draw_slot(draw, mfn, *intent);
    if (draw_protected(draw, mfn, index))
        return false;
    *ptr = make(mfn, index * 8);
    draw->table = mfn;
    *value = draw_entry(draw, *intent, index);
    return true;
}

bool draw_link_request(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    unsigned level, index;
    uint64_t mfn;

    if (!draw_frame(draw, frame_upper, &mfn))
        return false;
    level = oracle_level(oracle_type(draw->oracle, mfn));
    index = draw_slot(draw, mfn, level);
    *ptr = make(mfn, index * 8);
    draw->table = mfn;
    *value = draw_entry(draw, level, index);
    return !draw_protected(draw, mfn, index);
}

bool draw_unlink_request(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    uint64_t mfn;
    unsigned index;

    if (!draw_frame(draw, frame_upper, &mfn) || !present_slot(draw, mfn, &index))
        return false;
    *ptr = make(mfn, index * 8);
    *value = chance(draw, 200) ? 0 : draw->oracle->memory[mfn][index] & ~PTE_P;
    return true;
}

/* One bit of an entry that stands in a table. */
static bool flip(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    uint64_t mfn;
    unsigned index;

    if (!draw_frame(draw, frame_table, &mfn) || !present_slot(draw, mfn, &index))
        return false;
    *ptr = make(mfn, index * 8);
    *value = draw->oracle->memory[mfn][index] ^ UINT64_C(1) << below(draw, 64);
    return true;
}

static bool anything(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    uint64_t mfn = odd_mfn(draw);
    unsigned index = slots[below(draw, ARRAY_SIZE(slots))];

    *ptr = make(mfn, index * 8);
    *value = draw_entry(draw, 1 + below(draw, 4), index);
    return !(mfn < draw->oracle->nr_frames && draw_protected(draw, mfn, index));
}

bool draw_request(struct draw *draw, uint64_t *ptr, uint64_t *value)
{
    unsigned roll = below(draw, 256), index;

    if (roll < 80) {
        if (!draw_l1_change(draw, ptr, &index, value))
            return false;
        *ptr = make(*ptr, index * 8);
        return true;
    }
    if (roll < 120)
        return retire(draw, ptr, value);
    if (roll < 190)
        return fill(draw, ptr, value);
    if (roll < 222)
        return draw_link_request(draw, ptr, value);
    if (roll < 236)
        return draw_unlink_request(draw, ptr, value);
    if (roll < 250)
        return flip(draw, ptr, value);
    return anything(draw, ptr, value);
}
