/* SPDX-License-Identifier: MIT */
/*
 * Drawing steps that run at the same time.  The first one mostly takes a while: a table becomes one,
 * or ceases to be.  The others want something of the same frames meanwhile.
 */
#include <tests/model/lib/draw.h>

#define HOT_MOST 8u

/* The frames that the first step is about. */
struct hot {
    unsigned domain;
    unsigned count;
    uint64_t mfn[HOT_MOST];
};

static void add(const struct draw *draw, struct hot *hot, uint64_t mfn)
{
    if (oracle_is_ram(draw->oracle, mfn) && hot->count < HOT_MOST && !model_is_area(draw->model, mfn))
        hot->mfn[hot->count++] = mfn;
}

/* The frame itself, some that its entries refer to, and some that those refer to. */
static void add_table(const struct draw *draw, struct hot *hot, uint64_t mfn, unsigned depth)
{
    unsigned children = 0;

    add(draw, hot, mfn);
    if (!oracle_is_ram(draw->oracle, mfn) || depth == 0)
        return;
    for (unsigned i = 0; i < 512 && children < 2; i++) {
        uint64_t entry = draw->oracle->memory[mfn][i];

        if (!(entry & PTE_P) || (i >= 256 && i < 272))
            continue;
        add_table(draw, hot, (entry & PTE_FRAME) >> PAGE_SHIFT, depth - 1);
        children++;
    }
}

static void heat(const struct draw *draw, struct hot *hot, const struct step *step)
{
    uint64_t ptr = step->word[0] >> PAGE_SHIFT, old;

    switch (step->kind) {
    case STEP_MMU_UPDATE:
        if (oracle_is_ram(draw->oracle, ptr)) {
            old = draw->oracle->memory[ptr][(step->word[0] & 0xfff) / 8];
            if (old & PTE_P)
                add_table(draw, hot, (old & PTE_FRAME) >> PAGE_SHIFT, 2);
        }
        add_table(draw, hot, (step->word[1] & PTE_FRAME) >> PAGE_SHIFT, 2);
        add(draw, hot, ptr);
        break;
    case STEP_VA_MAPPING:
    case STEP_VA_OTHER:
        add(draw, hot, (step->word[1] & PTE_FRAME) >> PAGE_SHIFT);
        break;
    case STEP_MMUEXT:
    case STEP_SET_GDT:
        add_table(draw, hot, step->word[1], 2);
        break;
    default:
        break;
    }
}

/*
 * ---- The first step.
 */

static bool draw_long(struct draw *draw, struct step *step)
{
    unsigned roll = below(draw, 8);

    switch (roll) {
    case 0:
        return draw_unpin(draw, step);
    case 1:
    case 2:
        step->kind = STEP_MMU_UPDATE;
        step->count = 1;
        return roll == 1 ? draw_link_request(draw, &step->word[0], &step->word[1])
                         : draw_unlink_request(draw, &step->word[0], &step->word[1]);
    case 3:
        return draw_root(draw, step);
    case 4:
        return draw_gdt(draw, step);
    default:
        return draw_pin(draw, step);
    }
}

/*
 * ---- The others: something with a frame that is hot.
 */

/* Map it. */
static bool map(struct draw *draw, uint64_t mfn, struct step *step)
{
    uint64_t table, entry;
    unsigned index;

    if (!draw_l1_change(draw, &table, &index, &entry))
        return false;
    step->kind = STEP_MMU_UPDATE;
    step->count = 1;
    step->word[0] = table << PAGE_SHIFT | index * 8;
    step->word[1] = mfn << PAGE_SHIFT | PTE_P | PTE_A | (chance(draw, 200) ? PTE_RW : 0);
    return true;
}

/* Write an entry into it. */
static bool write_into(struct draw *draw, uint64_t mfn, struct step *step)
{
    enum oracle_type type = oracle_type(draw->oracle, mfn);
    unsigned level = oracle_is_table(type) ? oracle_level(type) : draw->model->intent[mfn];
    unsigned slot = below(draw, 8);

    if (level == 0 || (level == 4 && !draw->wide))
        level = 1;
    if (draw_protected(draw, mfn, slot))
        return false;
    step->kind = STEP_MMU_UPDATE;
    step->count = 1;
    step->word[0] = mfn << PAGE_SHIFT | slot * 8;
    step->word[1] = draw_entry(draw, level, slot);
    return true;
}

/* Let an upper table refer to it. */
static bool refer(struct draw *draw, uint64_t mfn, struct step *step)
{
    step->kind = STEP_MMU_UPDATE;
    step->count = 1;
    if (!draw_link_request(draw, &step->word[0], &step->word[1]))
        return false;
    step->word[1] = mfn << PAGE_SHIFT | (draw->wide ? PTE_TABLE : PTE_P | PTE_A);
    return true;
}

/* Pin it as what it is, or is to be, or as something else; or unpin it. */
static bool pin(struct draw *draw, uint64_t mfn, struct step *step)
{
    enum oracle_type type = oracle_type(draw->oracle, mfn);
    unsigned level = oracle_is_table(type) ? oracle_level(type) : draw->model->intent[mfn];

    if (level == 0 || chance(draw, 48))
        level = 1 + below(draw, 4);
    step->kind = STEP_MMUEXT;
    step->count = 1;
    step->word[0] = MMUEXT_PIN_L1_TABLE + level - 1;
    if (draw->oracle->state.frames[mfn].pin && chance(draw, 128))
        step->word[0] = MMUEXT_UNPIN_TABLE;
    step->word[1] = mfn;
    return true;
}

static bool use_otherwise(struct draw *draw, uint64_t mfn, struct step *step)
{
    if (chance(draw, 128)) {
        step->kind = STEP_SET_GDT;
        step->count = 1;
        step->word[0] = 1 + below(draw, 512);
        step->word[1] = mfn;
        return true;
    }
    step->kind = STEP_MMUEXT;
    step->count = 1;
    step->word[0] = draw->wide && chance(draw, 128) ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_CLEAR_PAGE;
    step->word[1] = mfn;
    return true;
}

static bool draw_collision(struct draw *draw, const struct hot *hot, struct step *step)
{
    uint64_t mfn = hot->mfn[below(draw, hot->count)];
    unsigned roll = below(draw, 16);

    if (roll < 4)
        return map(draw, mfn, step);
    if (roll < 7)
        return write_into(draw, mfn, step);
    if (roll < 9)
        return refer(draw, mfn, step);
    if (roll < 14)
        return pin(draw, mfn, step);
    return use_otherwise(draw, mfn, step);
}

/* One of the two, or whatever there is. */
static void draw_next(struct draw *draw, const struct hot *hot, struct step *step, bool first)
{
    enum step_chain chain = first ? STEP_CONCURRENT : STEP_CONCURRENT_MORE;
    bool ok = false;

    *step = (struct step){
        .domain = (uint8_t)draw->domain, .vcpu = (uint8_t)draw->vcpu, .foreign = DOMID_SELF, .chained = (uint8_t)chain};
    draw->pt = draw->pg = draw->domain;
    draw->wide = draw->oracle->state.domains[draw->domain].wide;
    if (first && chance(draw, 200))
        ok = draw_long(draw, step);
    else if (!first && hot->count && draw->domain == hot->domain && chance(draw, 230))
        ok = draw_collision(draw, hot, step);
    if (!ok)
        draw_one(draw, step, chain);
}

size_t draw_concurrent(struct draw *draw, struct step *steps)
{
    unsigned count = 2 + below(draw, CONCURRENT_MOST - 1), others = draw->model->nr_domains;
    struct hot hot = {.domain = draw->domain};

    for (unsigned i = 0; i < count; i++) {
        draw->vcpu = i % MODEL_VCPUS;
        if (i >= MODEL_VCPUS)
            draw->domain = (hot.domain + 1 + below(draw, others - 1)) % others;
        if (!model_alive(draw->model, draw->domain))
            return i; /* two at least: the first ones are of a domain that is */
        draw_next(draw, &hot, &steps[i], i == 0);
        if (i == 0)
            heat(draw, &hot, &steps[i]);
    }
    return count;
}
