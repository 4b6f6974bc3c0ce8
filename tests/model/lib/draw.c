/* SPDX-License-Identifier: MIT */
/* Bytes, frames of a class, and which kind of step comes next. */
#include <tests/model/lib/draw.h>

static unsigned next_byte(struct bytes *bytes)
{
    if (!bytes->data) {
        bytes->random ^= bytes->random << 13;
        bytes->random ^= bytes->random >> 7;
        bytes->random ^= bytes->random << 17;
        return (unsigned)(bytes->random >> 24) & 0xff;
    }
    return bytes->at < bytes->size ? bytes->data[bytes->at++] : 0;
}

unsigned bytes_below(struct bytes *bytes, unsigned bound)
{
    unsigned value;

    if (bound <= 1)
        return 0;
    value = next_byte(bytes);
    if (bound > 256)
        value = value << 8 | next_byte(bytes);
    return value % bound;
}

/*
 * ---- Frames.
 */

bool draw_frame(struct draw *draw, frame_class *is, uint64_t *mfn)
{
    unsigned count = draw->oracle->nr_frames, start = below(draw, count);

    for (unsigned i = 0; i < count; i++) {
        *mfn = (start + i) % count;
        if (is(draw, *mfn))
            return true;
    }
    return false;
}

bool frame_own(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->state.frames[mfn].owner == draw->pt && !model_is_area(draw->model, mfn);
}

bool frame_idle(const struct draw *draw, uint64_t mfn)
{
    return oracle_type(draw->oracle, mfn) == O_NONE && frame_own(draw, mfn);
}

bool frame_writable(const struct draw *draw, uint64_t mfn)
{
    return oracle_type(draw->oracle, mfn) == O_WRITABLE && frame_own(draw, mfn);
}

bool frame_plain(const struct draw *draw, uint64_t mfn)
{
    return frame_idle(draw, mfn) || frame_writable(draw, mfn);
}

bool frame_table(const struct draw *draw, uint64_t mfn)
{
    return oracle_is_table(oracle_type(draw->oracle, mfn)) && frame_own(draw, mfn);
}

bool frame_l1(const struct draw *draw, uint64_t mfn)
{
    return oracle_type(draw->oracle, mfn) == O_L1 && frame_own(draw, mfn);
}

bool frame_upper(const struct draw *draw, uint64_t mfn)
{
    return frame_table(draw, mfn) && oracle_type(draw->oracle, mfn) != O_L1;
}

bool frame_pinned(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->state.frames[mfn].pin && frame_own(draw, mfn);
}

bool frame_segdesc(const struct draw *draw, uint64_t mfn)
{
    return oracle_type(draw->oracle, mfn) == O_SEGDESC && frame_own(draw, mfn);
}

/*
 * ---- Addresses.
 */

bool draw_l1_vaddr(const struct draw *draw, uint64_t table, unsigned index, uint64_t *vaddr)
{
    const struct model_domain *self = &draw->model->domains[draw->domain];
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    uint64_t starts[2] = {self->guest->base.v, self->guest->window.v}, found;
    unsigned first;

    for (unsigned i = 0; i < 2; i++) {
        if (oracle_find_l1(draw->oracle, draw->domain, vcpu->kernel_root, starts[i], &found, &first) &&
            found == table) {
            *vaddr = starts[i] + (uint64_t)index * PAGE_SIZE;
            return true;
        }
    }
    return false;
}

bool draw_home(const struct draw *draw, uint64_t mfn, uint64_t *vaddr)
{
    const struct model_domain *self = &draw->model->domains[draw->domain];
    uint64_t table = self->area_l1;

    if (draw->pt != draw->domain)
        return false;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t entry = draw->oracle->memory[table][i];

        if ((entry & PTE_P) && (entry & PTE_FRAME) >> PAGE_SHIFT == mfn && draw_l1_vaddr(draw, table, i, vaddr))
            return true;
    }
    return false;
}

/*
 * The areas are reached through entries whose indexes are those of the area's address and that lead
 * to its L1 table: those stay, in each table that is in use.
 */
bool draw_protected(const struct draw *draw, uint64_t mfn, unsigned index)
{
    const struct oracle *oracle = draw->oracle;
    enum oracle_type type = oracle_type(oracle, mfn);
    const struct model_domain *self;
    uint64_t vaddr, at = mfn;

    if (index == MAIL_INDEX || model_is_area(draw->model, mfn))
        return true;
    if (!oracle_is_table(type))
        return false;
    self = &draw->model->domains[oracle->state.frames[mfn].owner];
    vaddr = self->areas[0].vaddr[0];
    if (type == O_L1)
        return mfn == self->area_l1 && index - (vaddr >> 12 & 511) < MODEL_VCPUS * PLACE_PAGES;
    if (index != (vaddr >> (12 + 9 * (oracle_level(type) - 1)) & 511))
        return false;
    for (unsigned level = oracle_level(type); level > 1; level--) {
        uint64_t entry = oracle->memory[at][vaddr >> (12 + 9 * (level - 1)) & 511];

        if (!(entry & PTE_P))
            return false;
        at = (entry & PTE_FRAME) >> PAGE_SHIFT;
    }
    return at == self->area_l1;
}

/*
 * ---- Steps.
 */

#define CALLS_MOST 4u

struct action {
    unsigned weight;
    bool (*draw)(struct draw *draw, struct step *step);
    bool chain;      /* may stand in a multicall */
    bool concurrent; /* may run beside others, and is one change */
};

static const struct action actions[] = {
    {60, draw_mmu_update, true, true},   {36, draw_va_mapping, true, true}, {18, draw_emulate, false, true},
    {26, draw_pin, true, true},          {12, draw_unpin, true, true},      {12, draw_root, false, true},
    {12, draw_copy, true, false},        {12, draw_mmuext, true, false},    {6, draw_gdt, true, true},
    {8, draw_ldt, false, true},          {8, draw_descriptor, true, true},  {3, draw_traps, true, false},
    {10, draw_memory, true, false},      {4, draw_exchange, true, false},   {16, draw_store, false, false},
    {8, draw_load, false, false},        {5, draw_mode, false, false},      {4, draw_odd, true, false},
    {14, draw_grant_entry, false, true}, {16, draw_grant_map, true, true},  {12, draw_grant_unmap, true, true},
    {8, draw_grant_copy, true, true},    {6, draw_grant_table, true, true},
};

static const struct action *choose_action(struct draw *draw)
{
    unsigned total = 0, at;

    for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
        total += actions[i].weight;
    at = below(draw, total);
    for (unsigned i = 0;; i++) {
        if (at < actions[i].weight)
            return &actions[i];
        at -= actions[i].weight;
    }
}

static bool suits(const struct action *action, enum step_chain chain)
{
    switch (chain) {
    case STEP_CALLS:
    case STEP_CALLS_MORE:
        return action->chain;
    case STEP_CONCURRENT:
    case STEP_CONCURRENT_MORE:
        return action->concurrent;
    default:
        return true;
    }
}

void draw_one(struct draw *draw, struct step *step, enum step_chain chain)
{
    const struct step empty = {
        .domain = (uint8_t)draw->domain, .vcpu = (uint8_t)draw->vcpu, .foreign = DOMID_SELF, .chained = (uint8_t)chain};

    for (unsigned tries = 0; tries < 4; tries++) {
        const struct action *action = choose_action(draw);

        *step = empty;
        draw->pt = draw->pg = draw->domain;
        draw->table = ORACLE_NO_FRAME;
        draw->wide = draw->oracle->state.domains[draw->domain].wide;
        if (!suits(action, chain) || !action->draw(draw, step))
            continue;
        if (step_in_multicall(step) && step->args == ARGS_CUT)
            step->args = ARGS_UNMAPPED; /* there is one place for arrays that are cut */
        if (chain >= STEP_CONCURRENT && step->count > 1 && step->kind != STEP_SET_GDT)
            step->count = 1;
        return;
    }
    /* There was nothing to do it with. */
    *step = empty;
    step->kind = STEP_MMUEXT;
    step->count = 1;
    step->word[0] = MMUEXT_TLB_FLUSH_LOCAL;
}

static size_t draw_own(struct draw *draw, struct step *steps)
{
    enum step_chain chain = STEP_ALONE;
    size_t count = 1;

    if (chance(draw, 24)) {
        chain = STEP_CALLS;
        count = 1 + below(draw, CALLS_MOST);
    }
    for (size_t i = 0; i < count; i++) {
        draw_one(draw, &steps[i], chain);
        if (chain == STEP_CALLS)
            chain = STEP_CALLS_MORE;
    }
    return count;
}

size_t draw_steps_of(struct model *model, struct bytes *bytes, unsigned domain, unsigned vcpu, struct step *steps)
{
    struct draw draw = {.bytes = bytes,
                        .model = model,
                        .oracle = model->oracle,
                        .domain = domain,
                        .vcpu = vcpu,
                        .table = ORACLE_NO_FRAME};

    return draw_own(&draw, steps);
}

size_t draw_steps(struct model *model, struct bytes *bytes, struct step *steps)
{
    struct draw draw = {.bytes = bytes, .model = model, .oracle = model->oracle, .table = ORACLE_NO_FRAME};
    size_t count;

    draw.domain = below(&draw, model->nr_domains);
    for (unsigned i = 0; i < model->nr_domains && !model_alive(model, draw.domain); i++)
        draw.domain = (draw.domain + 1) % model->nr_domains;
    draw.vcpu = below(&draw, MODEL_VCPUS);
    if (model->config.concurrent_per_256 && chance(&draw, model->config.concurrent_per_256))
        return draw_concurrent(&draw, steps);
    if (chance(&draw, 12)) {
        count = draw_story(&draw, steps);
        if (count > 0)
            return count;
    }
    return draw_own(&draw, steps);
}
