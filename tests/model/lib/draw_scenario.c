/* SPDX-License-Identifier: MIT */
/*
 * Drawing short stories about stale translations: a processor caches one, memory stops justifying
 * it, nobody flushes, and the frame is put to another use.
 */
#include <abi/memory.h>
#include <tests/model/lib/draw.h>

struct story {
    struct draw *draw;
    struct step *steps;
    size_t count;
};

static struct step *add(struct story *story, enum step_kind kind, unsigned domain, unsigned vcpu)
{
    struct step *step = &story->steps[story->count++];

    *step =
        (struct step){.kind = (uint8_t)kind, .domain = (uint8_t)domain, .vcpu = (uint8_t)vcpu, .foreign = DOMID_SELF};
    return step;
}

static void add_request(struct step *step, uint64_t table, unsigned index, uint64_t value)
{
    step->word[2 * step->count] = table << PAGE_SHIFT | index * 8;
    step->word[2 * step->count + 1] = value;
    step->count++;
}

/* A store, or a load, so that the vCPU's processor knows the address. */
static void add_access(struct story *story, unsigned domain, unsigned vcpu, uint64_t vaddr, bool store)
{
    struct step *step = add(story, store ? STEP_STORE : STEP_LOAD, domain, vcpu);

    step->word[0] = vaddr;
}

/* Put @mfn to a use for which nobody may be able to write it. */
static void add_use(struct story *story, unsigned domain, uint64_t mfn)
{
    struct draw *draw = story->draw;
    struct step *step;

    if (chance(draw, 64)) {
        step = add(story, STEP_SET_GDT, domain, below(draw, MODEL_VCPUS));
        step->count = 1;
        step->word[0] = 512;
        step->word[1] = mfn;
        return;
    }
    step = add(story, STEP_MMUEXT, domain, below(draw, MODEL_VCPUS));
    step->count = 1;
    step->word[0] = MMUEXT_PIN_L1_TABLE;
    if (draw->model->intent[mfn] && chance(draw, 128))
        step->word[0] = MMUEXT_PIN_L1_TABLE + draw->model->intent[mfn] - 1u;
    step->word[1] = mfn;
}

/* ---- A frame in use as writable, mapped exactly once, at a known address. */

struct mapping {
    uint64_t mfn, vaddr, table, entry;
    unsigned index;
};

static bool find_mapping(struct draw *draw, struct mapping *found)
{
    const struct model_domain *self = &draw->model->domains[draw->domain];
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    unsigned start = below(draw, (unsigned)self->pages);

    if (!oracle_find_l1(draw->oracle, draw->domain, vcpu->kernel_root, self->guest->base.v, &found->table,
                        &found->index))
        return false;
    for (unsigned i = 0; i < self->pages; i++) {
        found->index = (start + i) % (unsigned)self->pages;
        found->entry = draw->oracle->memory[found->table][found->index];
        found->mfn = (found->entry & PTE_FRAME) >> PAGE_SHIFT;
        found->vaddr = self->guest->base.v + (uint64_t)found->index * PAGE_SIZE;
        if ((found->entry & (PTE_P | PTE_RW)) == (PTE_P | PTE_RW) && oracle_is_ram(draw->oracle, found->mfn) &&
            frame_writable(draw, found->mfn) && draw->oracle->uses[found->mfn].uses == 1)
            return true;
    }
    return false;
}

/* Written by one vCPU, unmapped by another, then a table or descriptors. */
static bool to_table(struct story *story)
{
    struct draw *draw = story->draw;
    struct mapping it;
    struct step *step;

    if (!find_mapping(draw, &it))
        return false;
    add_access(story, draw->domain, below(draw, MODEL_VCPUS), it.vaddr, true);
    step = add(story, STEP_MMU_UPDATE, draw->domain, below(draw, MODEL_VCPUS));
    add_request(step, it.table, it.index, chance(draw, 128) ? 0 : it.entry & ~PTE_RW);
    add_use(story, draw->domain, it.mfn);
    return true;
}

/* Written through another domain's mapping, which goes, then its owner's table. */
static bool to_table_from_afar(struct story *story)
{
    struct draw *draw = story->draw;
    const struct model *model = draw->model;
    unsigned afar = below(draw, model->nr_domains), vcpu = below(draw, MODEL_VCPUS), index;
    uint64_t window, table;
    struct mapping it;
    struct step *step;

    if (afar == draw->domain || !model_alive(model, afar) || !draw->oracle->state.domains[afar].privileged ||
        !find_mapping(draw, &it))
        return false;
    window = model->domains[afar].guest->window.v + below(draw, 8) * PAGE_SIZE;
    if (!oracle_find_l1(draw->oracle, afar, draw->oracle->state.domains[afar].vcpus[vcpu].kernel_root, window, &table,
                        &index) ||
        draw_protected(draw, table, index))
        return false;
    step = add(story, STEP_MMU_UPDATE, afar, vcpu);
    step->foreign = draw->domain;
    add_request(step, table, index, it.mfn << PAGE_SHIFT | PTE_RW_PAGE);
    add_access(story, afar, vcpu, window, true);
    step = add(story, STEP_MMU_UPDATE, draw->domain, draw->vcpu);
    add_request(step, it.table, it.index, it.entry & ~PTE_RW);
    step = add(story, STEP_MMU_UPDATE, afar, below(draw, MODEL_VCPUS));
    add_request(step, table, index, 0);
    add_use(story, draw->domain, it.mfn);
    return true;
}

/* Written, given back, and handed out again, perhaps to somebody else. */
static bool to_pool(struct story *story)
{
    struct draw *draw = story->draw;
    struct mapping it;
    struct step *step;

    if (!find_mapping(draw, &it))
        return false;
    add_access(story, draw->domain, draw->vcpu, it.vaddr, true);
    step = add(story, STEP_MMU_UPDATE, draw->domain, below(draw, MODEL_VCPUS));
    add_request(step, it.table, it.index, 0);
    step = add(story, STEP_MEMORY, draw->domain, below(draw, MODEL_VCPUS));
    step->sub = XENMEM_decrease_reservation;
    step->count = 1;
    step->word[2] = it.mfn;
    step = add(story, STEP_MEMORY, below(draw, draw->model->nr_domains), below(draw, MODEL_VCPUS));
    step->sub = XENMEM_populate_physmap;
    step->count = 4;
    return true;
}

/* ---- A table that processors walk through. */

static bool find_table(struct draw *draw, uint64_t *parent, unsigned *index, uint64_t *table)
{
    if (!draw_frame(draw, frame_upper, parent))
        return false;
    for (unsigned i = 0, at = below(draw, 512); i < 512; i++) {
        uint64_t entry;

        *index = (at + i) % 512;
        entry = draw->oracle->memory[*parent][*index];
        *table = (entry & PTE_FRAME) >> PAGE_SHIFT;
        if ((entry & PTE_P) && oracle_is_ram(draw->oracle, *table) && frame_table(draw, *table) &&
            draw->oracle->uses[*table].uses == 1 && !draw_protected(draw, *parent, *index))
            return true;
    }
    return false;
}

/* Taken out of its parent and, in the same call, mapped writable or put in at another level. */
static bool from_table(struct story *story)
{
    struct draw *draw = story->draw;
    uint64_t parent, table, l1, other;
    unsigned index, slot;
    struct step *step;

    if (!find_table(draw, &parent, &index, &table) || !draw_frame(draw, frame_l1, &l1))
        return false;
    slot = 8 + below(draw, 8);
    step = add(story, STEP_SPECULATE, draw->domain, draw->vcpu);
    step->word[0] = 20;
    step = add(story, STEP_MMU_UPDATE, draw->domain, draw->vcpu);
    add_request(step, parent, index, 0);
    if (chance(draw, 160) || !draw_frame(draw, frame_upper, &other)) {
        if (draw_protected(draw, l1, slot))
            return false;
        add_request(step, l1, slot, table << PAGE_SHIFT | PTE_RW_PAGE);
    } else {
        if (draw_protected(draw, other, slot))
            return false;
        add_request(step, other, slot, table << PAGE_SHIFT | (draw->wide ? PTE_TABLE : PTE_P | PTE_A));
    }
    return true;
}

size_t draw_story(struct draw *draw, struct step *steps)
{
    static bool (*const stories[])(struct story *) = {to_table, to_table_from_afar, to_pool, from_table};
    struct story story = {draw, steps, 0};

    draw->pt = draw->pg = draw->domain;
    draw->wide = draw->oracle->state.domains[draw->domain].wide;
    if (chance(draw, 100))
        return draw_grant_story(draw, steps);
    return stories[below(draw, ARRAY_SIZE(stories))](&story) ? story.count : 0;
}
