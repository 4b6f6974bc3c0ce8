/* SPDX-License-Identifier: MIT */
/* Drawing whole steps: descriptor and trap tables, memory, accesses of guests, oddities. */
#include <abi/memory.h>
#include <tests/model/lib/draw.h>

static bool frame_idle_or_segdesc(const struct draw *draw, uint64_t mfn)
{
    return frame_idle(draw, mfn) || frame_segdesc(draw, mfn);
}

bool draw_gdt(struct draw *draw, struct step *step)
{
    unsigned count = below(draw, 4);

    step->kind = STEP_SET_GDT;
    step->word[0] = count * 512u - (count ? below(draw, 512) : 0);
    step->count = (uint8_t)count;
    for (unsigned i = 0; i < count; i++) {
        frame_class *is = chance(draw, 220) ? frame_idle_or_segdesc : frame_own;

        if (!draw_frame(draw, is, &step->word[1 + i]))
            return false;
    }
    if (chance(draw, 8))
        step->word[0] = 7168 + below(draw, 2);
    if (step->word[0] >= 7168) {
        step->count = 14;
        for (unsigned i = count; i < 14; i++)
            step->word[1 + i] = step->word[1 + i % 3];
    }
    if (chance(draw, 8))
        step->args = (uint8_t)(ARGS_CUT + below(draw, 2));
    return true;
}

bool draw_ldt(struct draw *draw, struct step *step)
{
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    uint64_t mfn, vaddr;

    if (chance(draw, vcpu->ldt_entries ? 160 : 16)) {
        step->kind = STEP_LDT_FAULT;
        step->word[0] = chance(draw, 220) ? below(draw, 2) : below(draw, 18);
        return true;
    }
    if (!draw_frame(draw, frame_idle_or_segdesc, &mfn) || !draw_home(draw, mfn, &vaddr))
        return false;
    step->kind = STEP_MMUEXT;
    step->count = 1;
    step->word[0] = MMUEXT_SET_LDT;
    step->word[1] = vaddr;
    step->word[2] = below(draw, 3) * 512 + below(draw, 8);
    if (chance(draw, 16))
        step->word[1] ^= UINT64_C(1) << below(draw, 64);
    if (chance(draw, 8))
        step->word[2] = 8191 + below(draw, 3);
    return true;
}

/* Descriptors of each sort: absent, segments, gates, what no guest may have. */
static uint64_t descriptor(struct draw *draw)
{
    static const uint64_t heads[] = {
        0,                  /* absent */
        0x00cf9a000000ffff, /* code, ring 0 */
        0x00cff2000000ffff, /* data, ring 3 */
        0x00af9a000000ffff, /* 64-bit code */
        0x0040920000000fff, /* small data */
        0x0000800000000000, /* upper half of a gate */
        0x0000ec0000330000, /* call gate */
        0x00008c00e0330000, /* call gate to the kernel */
        0x0000ec00e0080000, /* call gate to the hypervisor */
        0x00cf9b000000f500, /* code with a limit below 4 GiB */
        0x0000890000000067, /* TSS */
        0x0000820000000000, /* LDT */
        0x00008e0000100000, /* interrupt gate */
    };
    uint64_t found = heads[below(draw, ARRAY_SIZE(heads) - (chance(draw, 200) ? 3 : 0))];

    if (chance(draw, 64))
        found ^= UINT64_C(1) << below(draw, 64);
    return found;
}

bool draw_descriptor(struct draw *draw, struct step *step)
{
    frame_class *is = chance(draw, 128) ? frame_segdesc : frame_plain;
    uint64_t mfn;
    unsigned index = below(draw, 16);

    if (!draw_frame(draw, chance(draw, 230) ? is : frame_own, &mfn) || draw_protected(draw, mfn, index))
        return false;
    step->kind = STEP_DESCRIPTOR;
    step->word[0] = mfn << PAGE_SHIFT | index * 8;
    step->word[1] = descriptor(draw);
    if (chance(draw, 6))
        step->word[0] |= 1 + below(draw, 7);
    return true;
}

bool draw_traps(struct draw *draw, struct step *step)
{
    step->kind = STEP_TRAPS;
    step->count = (uint8_t)below(draw, 5);
    for (unsigned i = 0; i < step->count; i++) {
        step->word[2 * i] = below(draw, 256) | below(draw, 8) << 8 | below(draw, 16) << 16;
        step->word[2 * i + 1] = draw->model->domains[draw->domain].guest->base.v + below(draw, 256);
        if (chance(draw, 16))
            step->word[2 * i + 1] ^= UINT64_C(1) << below(draw, 64);
    }
    if (chance(draw, 48))
        step->args = (uint8_t)(ARGS_CUT + below(draw, 4));
    return true;
}

/*
 * ---- Memory.
 */

static bool frame_sole(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->uses[mfn].refs == 1 && draw->oracle->state.frames[mfn].allocated && frame_idle(draw, mfn);
}

/* To give back: rather one that nothing uses. */
static uint64_t frame_to_give(struct draw *draw)
{
    uint64_t mfn = 0;

    if (chance(draw, 16) || !draw_frame(draw, frame_sole, &mfn))
        (void)draw_frame(draw, chance(draw, 200) ? frame_idle : frame_own, &mfn);
    return mfn;
}

bool draw_memory(struct draw *draw, struct step *step)
{
    static const uint8_t commands[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation,
                                       XENMEM_populate_physmap,     XENMEM_decrease_reservation,
                                       XENMEM_current_reservation,  XENMEM_maximum_reservation};

    step->kind = STEP_MEMORY;
    step->sub = commands[below(draw, 4) + (chance(draw, 16) ? 2 : 0)];
    step->count = (uint8_t)(1 + below(draw, 3));
    step->word[0] = chance(draw, 40) ? below(draw, 3) : 0;
    if (chance(draw, 24) && step->sub != XENMEM_current_reservation && step->sub != XENMEM_maximum_reservation) {
        step->foreign = draw_domid(draw);
        if (!draw_domid_is_settled(draw, step->foreign))
            return false;
        if (step->foreign < draw->model->nr_domains)
            draw->pt = draw->pg = step->foreign;
    }
    for (unsigned i = 0; i < step->count; i++)
        step->word[2 + i] = step->sub == XENMEM_decrease_reservation ? frame_to_give(draw) : below(draw, 256);
    if (chance(draw, 8))
        step->word[1] = below(draw, 64);
    if (chance(draw, 4))
        step->word[0] = 9 + below(draw, 3);
    if (chance(draw, 4) && step->sub <= XENMEM_decrease_reservation)
        step->foreign = 9;
    if (chance(draw, 8) && step->sub != XENMEM_current_reservation && step->sub != XENMEM_maximum_reservation)
        step->args = (uint8_t)(ARGS_CUT + below(draw, 3));
    return true;
}

bool draw_exchange(struct draw *draw, struct step *step)
{
    unsigned in_order = chance(draw, 40) ? 1 : 0, out_order = chance(draw, 40) ? 1 : 0;
    unsigned nr_in = 1 + below(draw, 3), nr_out;

    if (out_order > in_order)
        nr_in *= 2;
    nr_out = (nr_in << in_order) >> out_order;
    step->kind = STEP_EXCHANGE;
    step->word[0] = in_order;
    step->word[1] = out_order;
    step->word[2] = nr_in;
    step->word[3] = nr_out;
    for (unsigned i = 0; i < nr_in; i++)
        step->word[4 + i] = frame_to_give(draw) & ~(uint64_t)in_order;
    for (unsigned i = 0; i < nr_out; i++)
        step->word[4 + nr_in + i] = below(draw, 256);
    if (chance(draw, 8))
        step->word[below(draw, 3)] += 9;
    if (step->word[2] > 9)
        step->word[2] = nr_in + 1;
    if (chance(draw, 8))
        step->args = (uint8_t)(ARGS_UNMAPPED + below(draw, 2));
    return true;
}

/*
 * ---- Accesses.
 */

static void draw_vaddr(struct draw *draw, uint64_t *vaddr)
{
    const struct model *model = draw->model;
    const struct model_domain *self = &model->domains[draw->domain];
    unsigned known = model->recent_count < MODEL_RECENT ? model->recent_count : MODEL_RECENT;
    unsigned roll = below(draw, 8), at = known ? below(draw, known) : 0;

    *vaddr = self->guest->window.v + below(draw, 8) * PAGE_SIZE;
    if (roll < 2)
        *vaddr = self->guest->base.v + below(draw, (unsigned)self->pages) * PAGE_SIZE;
    else if (roll < 6 && known && model->recent[at].domain == draw->domain)
        *vaddr = model->recent[at].vaddr;
    *vaddr = (*vaddr & ~UINT64_C(0xfff)) + below(draw, 64) * 8;
}

bool draw_store(struct draw *draw, struct step *step)
{
    step->kind = STEP_STORE;
    step->sub = chance(draw, 48);
    step->word[1] = draw_entry(draw, 1 + below(draw, draw->wide ? 4 : 3), 0);
    draw_vaddr(draw, &step->word[0]);
    return true;
}

bool draw_load(struct draw *draw, struct step *step)
{
    if (chance(draw, 64)) {
        step->kind = STEP_SPECULATE;
        step->word[0] = 1 + below(draw, 16);
        return true;
    }
    step->kind = STEP_LOAD;
    draw_vaddr(draw, &step->word[0]);
    return true;
}

bool draw_mode(struct draw *draw, struct step *step)
{
    if (!draw->wide)
        return false;
    step->kind = chance(draw, 200) ? STEP_ENTER_USER : STEP_ENTER_KERNEL;
    return true;
}

bool draw_odd(struct draw *draw, struct step *step)
{
    unsigned roll = below(draw, 256);

    if (roll < 128) {
        step->kind = STEP_NESTED;
    } else if (roll < 240 || step_in_multicall(step)) {
        step->kind = STEP_UNKNOWN;
        step->word[0] = (roll & 1) ? 100 + below(draw, 256) : 30;
    } else {
        step->kind = STEP_DESTROY;
    }
    return true;
}
