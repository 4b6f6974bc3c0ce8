/* SPDX-License-Identifier: MIT */
/* Drawing whole steps: updates, write emulation, pins, roots, the other commands of mmuext_op. */
#include <tests/model/lib/draw.h>

/* Now and then the structures lie where they cannot be read, the count where it cannot be written. */
static void draw_places(struct draw *draw, struct step *step)
{
    unsigned roll = below(draw, 256);

    if (roll < 6)
        step->args = (uint8_t)(ARGS_CUT + roll % 3);
    if (roll >= 248)
        step->done = (uint8_t)(1 + roll % 2);
    if (roll == 247)
        step->sub = 1;
}

unsigned draw_domid(struct draw *draw)
{
    switch (below(draw, 8)) {
    case 0:
        return DOMID_IO;
    case 1:
        return DOMID_XEN;
    case 2:
        return 7;
    case 3:
        return draw->domain;
    default:
        return (draw->domain + 1 + below(draw, draw->model->nr_domains - 1)) % draw->model->nr_domains;
    }
}

bool draw_domid_is_settled(const struct draw *draw, unsigned domid)
{
    return domid >= draw->model->nr_domains || model_alive(draw->model, domid);
}

/* Whose tables, whose frames: mostly the caller's own. */
static bool draw_foreign(struct draw *draw, struct step *step)
{
    unsigned roll = below(draw, 256), other;

    if (roll >= (draw->oracle->state.domains[draw->domain].privileged ? 48u : 8u))
        return true;
    other = draw_domid(draw);
    if (!draw_domid_is_settled(draw, other))
        return false;
    step->foreign = other;
    if (model_alive(draw->model, other))
        draw->pg = other;
    if (roll % 3 == 0 && other < draw->model->nr_domains) {
        step->foreign = (other + 1) << 16 | (roll & 4 ? (unsigned)DOMID_SELF : other);
        if (model_alive(draw->model, other)) {
            draw->pt = other;
            draw->pg = roll & 4 ? draw->domain : other;
            draw->wide = draw->oracle->state.domains[other].wide;
        }
    }
    return true;
}

bool draw_mmu_update(struct draw *draw, struct step *step)
{
    unsigned count = chance(draw, 64) ? 2 + below(draw, 5) : 1;
    bool ok = draw_foreign(draw, step);

    step->kind = STEP_MMU_UPDATE;
    for (unsigned i = 0; ok && i < count; i++) {
        uint64_t *word = &step->word[2 * i];
        unsigned roll = below(draw, 64);

        if (!draw_request(draw, &word[0], &word[1]))
            break;
        if (roll < 6)
            word[0] |= MMU_PT_UPDATE_PRESERVE_AD;
        else if (roll < 10)
            word[0] |= MMU_MACHPHYS_UPDATE;
        else if (roll == 10)
            word[0] |= 3 + below(draw, 5);
        step->count = (uint8_t)(i + 1);
    }
    draw_places(draw, step);
    return ok && (step->count > 0 || chance(draw, 16));
}

bool draw_va_mapping(struct draw *draw, struct step *step)
{
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    const struct model_domain *self = &draw->model->domains[draw->domain];
    uint64_t table;
    unsigned index, roll = below(draw, 256);

    step->kind = roll < 40 ? STEP_VA_OTHER : STEP_VA_MAPPING;
    if (roll < 20) {
        step->foreign = draw_domid(draw);
        if (!draw_domid_is_settled(draw, step->foreign))
            return false;
        if (model_alive(draw->model, step->foreign))
            draw->pg = step->foreign;
    }
    if (roll % 8 != 0) {
        step->word[0] = self->guest->window.v + below(draw, 8) * PAGE_SIZE;
        if (roll % 8 < 4)
            step->word[0] = self->guest->base.v + below(draw, (unsigned)self->pages) * PAGE_SIZE;
    } else {
        step->word[0] = self->guest->base.v ^ UINT64_C(1) << (12 + below(draw, 36));
    }
    if (oracle_find_l1(draw->oracle, draw->domain, vcpu->kernel_root, step->word[0], &table, &index) &&
        draw_protected(draw, table, index))
        return false;
    step->word[0] |= below(draw, 2);
    step->word[1] = draw_entry(draw, 1, (unsigned)(step->word[0] >> 12) & 511);
    if (chance(draw, 100))
        step->word[2] = below(draw, 8);
    if (chance(draw, 24)) {
        step->word[2] &= UVMF_FLUSHTYPE_MASK;
        step->word[3] = 1;
        step->mask = below(draw, 8);
        step->args = chance(draw, 64) ? ARGS_UNMAPPED + (uint8_t)below(draw, 2) : ARGS_GOOD;
    }
    return true;
}

bool draw_emulate(struct draw *draw, struct step *step)
{
    static const uint64_t bits[] = {PTE_RW, PTE_P, PTE_D, PTE_A, PTE_US, PTE_RW | PTE_D};
    uint64_t table, value, vaddr, old;
    unsigned index, bytes = 1u << below(draw, 4), offset;

    if (!draw_l1_change(draw, &table, &index, &value) || !draw_home(draw, table, &vaddr))
        return false;
    step->kind = STEP_EMULATE;
    step->sub = (uint8_t)below(draw, 7);
    if (chance(draw, 150))
        bytes = 8;
    offset = bytes < 8 ? below(draw, 8 / bytes) * bytes : 0;
    old = draw->oracle->memory[table][index] >> offset * 8;
    step->word[0] = vaddr + index * 8 + offset;
    step->word[1] = bytes;
    step->word[2] = value >> offset * 8;
    step->word[3] = chance(draw, 200) ? old : old ^ UINT64_C(1) << below(draw, 64);
    if (step->sub == WRITE_AND)
        step->word[2] = ~bits[below(draw, ARRAY_SIZE(bits))];
    if (step->sub == WRITE_OR || step->sub == WRITE_XOR)
        step->word[2] = bits[below(draw, ARRAY_SIZE(bits))];
    if (step->sub == WRITE_ADD)
        step->word[2] = UINT64_C(1) << below(draw, 20);
    if (chance(draw, 4))
        step->word[0] += 1;
    return true;
}

/*
 * ---- Commands of mmuext_op.
 */

static void one_command(struct step *step, uint64_t cmd, uint64_t arg1, uint64_t arg2)
{
    step->kind = STEP_MMUEXT;
    step->word[3 * step->count] = cmd;
    step->word[3 * step->count + 1] = arg1;
    step->word[3 * step->count + 2] = arg2;
    step->count++;
}

static bool frame_filled(const struct draw *draw, uint64_t mfn)
{
    return draw->model->intent[mfn] && frame_idle(draw, mfn);
}

/* To be pinned: mostly an idle frame, as what it was filled for, if anything. */
bool draw_pin(struct draw *draw, struct step *step)
{
    frame_class *is = chance(draw, 170) ? frame_filled : frame_idle;
    unsigned level;
    uint64_t mfn;

    if (chance(draw, 24))
        is = chance(draw, 128) ? frame_table : frame_own;
    if (!draw_frame(draw, is, &mfn))
        return false;
    level = draw->model->intent[mfn];
    if (is == frame_table)
        level = oracle_level(oracle_type(draw->oracle, mfn));
    if (level == 0 || chance(draw, 16))
        level = 1 + below(draw, 4);
    one_command(step, MMUEXT_PIN_L1_TABLE + level - 1, mfn, 0);
    if (chance(draw, 8))
        step->foreign = draw_domid(draw);
    draw_places(draw, step);
    return draw_domid_is_settled(draw, step->foreign);
}

bool draw_unpin(struct draw *draw, struct step *step)
{
    frame_class *is = chance(draw, 230) ? frame_pinned : frame_own;
    uint64_t mfn;

    if (!draw_frame(draw, is, &mfn))
        return false;
    one_command(step, MMUEXT_UNPIN_TABLE, mfn, 0);
    return true;
}

static bool frame_root(const struct draw *draw, uint64_t mfn)
{
    enum oracle_type type = oracle_type(draw->oracle, mfn), root = draw->wide ? O_L4 : O_L3;

    return frame_own(draw, mfn) && (type == root || (type == O_NONE && draw->model->intent[mfn] == root));
}

bool draw_root(struct draw *draw, struct step *step)
{
    bool user = chance(draw, 128);
    uint64_t mfn;

    if (!draw_frame(draw, chance(draw, 240) ? frame_root : frame_table, &mfn))
        return false;
    if (user && chance(draw, 40))
        mfn = 0;
    if (!user && frame_root(draw, mfn) && !model_root_reaches(draw->model, draw->domain, draw->vcpu, mfn))
        return false;
    one_command(step, user ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR, mfn, 0);
    if (chance(draw, 4))
        step->foreign = draw_domid(draw);
    return draw_domid_is_settled(draw, step->foreign);
}

/* A copy of a table, to become one itself; or a page of nothing. */
bool draw_copy(struct draw *draw, struct step *step)
{
    uint64_t from = 0, to;

    if (!draw_frame(draw, chance(draw, 200) ? frame_idle : frame_own, &to))
        return false;
    if (chance(draw, 90)) {
        one_command(step, MMUEXT_CLEAR_PAGE, to, 0);
        draw->model->intent[to] = 0;
        return true;
    }
    if (!draw_frame(draw, chance(draw, 220) ? frame_table : frame_own, &from))
        return false;
    one_command(step, MMUEXT_COPY_PAGE, to, from);
    draw->model->intent[to] = frame_table(draw, from) ? (uint8_t)oracle_level(oracle_type(draw->oracle, from)) : 0;
    return true;
}

static void draw_command(struct draw *draw, struct step *step)
{
    const struct model_domain *self = &draw->model->domains[draw->domain];
    uint64_t vaddr = self->guest->base.v + below(draw, 100) * PAGE_SIZE;
    unsigned roll = below(draw, 32);

    if (roll < 24) {
        uint64_t cmd = MMUEXT_TLB_FLUSH_LOCAL + roll % 7;

        if (chance(draw, 16))
            vaddr ^= UINT64_C(1) << below(draw, 64);
        one_command(step, cmd, vaddr, chance(draw, 230) ? ARGS_GOOD : ARGS_UNMAPPED);
        step->mask = below(draw, 8);
    } else if (roll < 28) {
        one_command(step, MMUEXT_FLUSH_CACHE_GLOBAL + below(draw, 4), vaddr >> 12, 0);
    } else if (roll < 30) {
        one_command(step, MMUEXT_UNPIN_TABLE, below(draw, 400), 0);
    } else {
        one_command(step, 14 + 7 * below(draw, 4), vaddr >> 12, 0);
    }
}

bool draw_mmuext(struct draw *draw, struct step *step)
{
    unsigned count = chance(draw, 40) ? 2 + below(draw, 3) : 1;

    step->kind = STEP_MMUEXT;
    for (unsigned i = 0; i < count; i++) {
        unsigned roll = below(draw, 4);

        if (count == 1 || roll < 2)
            draw_command(draw, step);
        else if (roll == 2)
            (void)draw_unpin(draw, step);
        else
            (void)draw_copy(draw, step);
    }
    if (chance(draw, 10))
        step->foreign = draw_domid(draw);
    draw_places(draw, step);
    return step->count > 0 && draw_domid_is_settled(draw, step->foreign);
}
