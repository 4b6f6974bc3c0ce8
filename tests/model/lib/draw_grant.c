/* SPDX-License-Identifier: MIT */
/* Drawing grants: what a guest writes to its table; maps and unmaps; copies; the other commands. */
#include <abi/grant.h>
#include <tests/model/lib/draw.h>

#define REFS     14u       /* so few that they meet */
#define SUB_PAGE (1u << 8) /* version 2 */
#define MAPPINGS 160u      /* so many at most */

static bool frame_any_own(const struct draw *draw, uint64_t mfn)
{
    return draw->oracle->state.frames[mfn].owner == draw->pt && !model_is_area(draw->model, mfn);
}

static const struct oracle_grants *table_of(const struct draw *draw, unsigned domain)
{
    return &draw->oracle->state.domains[domain].grants;
}

/* A domain that lives, the caller itself now and then. */
static unsigned some_domain(struct draw *draw)
{
    unsigned domain = below(draw, draw->model->nr_domains);

    return model_alive(draw->model, domain) ? domain : draw->domain;
}

static uint32_t some_ref(struct draw *draw)
{
    static const uint32_t odd[] = {255, 256, 511, 512, 513, 2047, 16384, UINT32_MAX};

    return chance(draw, 250) ? below(draw, REFS) : odd[below(draw, ARRAY_SIZE(odd))];
}

/*
 * ---- Entries.
 */

/* The frame that an entry of @draw->pt names. */
static uint64_t entry_frame(struct draw *draw)
{
    static frame_class *const classes[] = {frame_plain, frame_plain, frame_plain,   frame_plain,
                                           frame_plain, frame_table, frame_segdesc, frame_any_own};
    uint64_t mfn = 0;

    if (chance(draw, 10))
        return below(draw, 2) ? below(draw, draw->oracle->nr_frames + 4u) : UINT64_C(1) << below(draw, 40);
    if (!draw_frame(draw, classes[below(draw, ARRAY_SIZE(classes))], &mfn))
        (void)draw_frame(draw, frame_own, &mfn);
    return mfn;
}

static unsigned entry_flags(struct draw *draw, unsigned version)
{
    unsigned flags = GTF_permit_access;

    if (chance(draw, 60))
        flags |= GTF_readonly;
    if (version == 2 && chance(draw, 40))
        flags |= SUB_PAGE;
    if (chance(draw, 12))
        flags ^= 1u << below(draw, 16);
    return flags;
}

static void place_entry(struct step *step, unsigned version, uint32_t ref, uint64_t header, uint64_t frame)
{
    step->kind = STEP_GRANT_ENTRY;
    step->count = (uint8_t)version;
    step->word[0] = (uint64_t)ref * version;
    step->word[1] = version == 2 ? header : header | frame << 32;
    step->word[2] = version == 2 ? frame : 0;
}

static void grant(struct draw *draw, struct step *step, uint32_t ref, unsigned domid, uint64_t frame)
{
    unsigned version = table_of(draw, step->domain)->version, flags = entry_flags(draw, version);
    uint64_t header = flags | (uint64_t)domid << 16;

    if (version == 2 && (flags & SUB_PAGE))
        header |= (uint64_t)(below(draw, 8) * 512) << 32 | (uint64_t)(below(draw, 9) * 512) << 48;
    place_entry(step, version, ref, header, frame);
}

/* One bit of what stands there, or all of it gone, or statuses written. */
static bool alter(struct draw *draw, struct step *step, uint32_t ref)
{
    const struct oracle_grants *table = table_of(draw, step->domain);
    struct oracle_entry entry;
    uint64_t word;

    if (!oracle_entry(draw->oracle, step->domain, ref, &entry))
        return false;
    if (table->version == 2 && chance(draw, 40)) {
        step->kind = STEP_GRANT_ENTRY;
        step->sub = 1;
        step->count = 1;
        step->word[0] = ref / 4;
        step->word[1] = chance(draw, 128) ? 0 : below(draw, 256) * UINT64_C(0x0101010101010101);
        return true;
    }
    step->kind = STEP_GRANT_ENTRY;
    step->count = 1;
    step->word[0] = (uint64_t)ref * table->version;
    word = draw->oracle->memory[entry.mfn][entry.offset / 8];
    if (chance(draw, 100))
        step->word[1] = word & ~UINT64_C(0xffff); /* the grant ends */
    else
        step->word[1] = word ^ UINT64_C(1) << (chance(draw, 128) ? below(draw, 9) : below(draw, 40));
    return true;
}

bool draw_grant_entry(struct draw *draw, struct step *step)
{
    uint32_t ref = below(draw, REFS);

    if (table_of(draw, draw->domain)->version == 0)
        return false;
    if (chance(draw, 80))
        return alter(draw, step, ref);
    grant(draw, step, ref, chance(draw, 245) ? some_domain(draw) : below(draw, 65536), entry_frame(draw));
    return true;
}

/*
 * ---- Maps.
 */

/* An entry that grants something to @user. */
static bool find_granted(struct draw *draw, unsigned granter, unsigned user, uint32_t *ref, unsigned *flags)
{
    unsigned start = below(draw, REFS);

    for (unsigned i = 0; i < REFS; i++) {
        struct oracle_entry entry;

        *ref = (start + i) % REFS;
        if (!oracle_entry(draw->oracle, granter, *ref, &entry) || entry.domid != user ||
            (entry.flags & GTF_type_mask) != GTF_permit_access)
            continue;
        *flags = entry.flags;
        return true;
    }
    return false;
}

/* Where to map: an address, or an entry.  False: it must stay what it is. */
static bool host_place(struct draw *draw, uint64_t *host_addr, uint32_t *flags)
{
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    const struct model_domain *self = &draw->model->domains[draw->domain];
    uint64_t table, ignored;
    unsigned index;

    if (chance(draw, 70)) {
        *flags |= GNTMAP_contains_pte;
        if (!draw_l1_change(draw, &table, &index, &ignored))
            return false;
        *host_addr = table << PAGE_SHIFT | index * 8 | (chance(draw, 4) ? 4 : 0);
        return true;
    }
    *host_addr = self->guest->window.v + below(draw, 8) * PAGE_SIZE;
    if (chance(draw, 60))
        *host_addr = self->guest->base.v + below(draw, (unsigned)self->pages) * PAGE_SIZE;
    if (chance(draw, 6))
        *host_addr ^= UINT64_C(1) << (12 + below(draw, 36));
    if (chance(draw, 6))
        *host_addr |= 1 + below(draw, 4095);
    return !oracle_find_l1(draw->oracle, draw->domain, vcpu->kernel_root, *host_addr, &table, &index) ||
           !draw_protected(draw, table, index);
}

/* Element @i of the step. */
static bool map_element(struct draw *draw, struct step *step, unsigned i, unsigned granter, uint32_t ref,
                        unsigned granted)
{
    uint64_t *word = &step->word[3 * i], host_addr = 0;
    uint32_t flags = GNTMAP_host_map;

    if (chance(draw, 30))
        flags = below(draw, 4);
    if ((granted & GTF_readonly) ? chance(draw, 230) : chance(draw, 80))
        flags |= GNTMAP_readonly;
    if (chance(draw, 60))
        flags |= GNTMAP_application_map;
    if (chance(draw, 20))
        flags |= 1u << below(draw, 32);
    flags &= ~(uint32_t)GNTMAP_contains_pte;
    if (!host_place(draw, &host_addr, &flags))
        return false;
    word[0] = host_addr;
    word[1] = flags | (uint64_t)granter << 32;
    word[2] = ref;
    return true;
}

bool draw_grant_map(struct draw *draw, struct step *step)
{
    unsigned count = chance(draw, 40) ? 2 + below(draw, 3) : 1;

    if (draw->oracle->state.nr_mappings > MAPPINGS)
        return false;
    step->kind = STEP_GRANT_MAP;
    for (unsigned i = 0; i < count; i++) {
        unsigned granter = some_domain(draw), flags = 0;
        uint32_t ref = some_ref(draw);

        if (chance(draw, 220) && !find_granted(draw, granter, draw->domain, &ref, &flags) && chance(draw, 200))
            break;
        if (chance(draw, 4))
            granter = below(draw, 2) ? DOMID_SELF : 7;
        if (!map_element(draw, step, i, granter, ref, flags))
            break;
        step->count++;
    }
    if (chance(draw, 6))
        step->args = (uint8_t)(ARGS_CUT + below(draw, 3));
    return step->count > 0;
}

/*
 * ---- Unmaps.
 */

/* A mapping of the caller's. */
static const struct oracle_mapping *find_mapping(struct draw *draw)
{
    unsigned count = draw->oracle->state.nr_mappings, start = below(draw, count ? count : 1);

    for (unsigned i = 0; i < count; i++) {
        const struct oracle_mapping *mapping = &draw->oracle->state.mappings[(start + i) % count];

        if (mapping->domain == draw->domain)
            return mapping;
    }
    return NULL;
}

/* May the entry that the address means be cleared? */
static bool may_clear(struct draw *draw, uint64_t address, bool named)
{
    const struct oracle_vcpu *vcpu = &draw->oracle->state.domains[draw->domain].vcpus[draw->vcpu];
    uint64_t table = address >> PAGE_SHIFT;
    unsigned index = (unsigned)(address & 0xfff) / 8;

    if (named)
        return table >= draw->oracle->nr_frames || !draw_protected(draw, table, index);
    return !oracle_find_l1(draw->oracle, draw->domain, vcpu->kernel_root, address, &table, &index) ||
           !draw_protected(draw, table, index);
}

static bool unmap_element(struct draw *draw, struct step *step, unsigned i)
{
    const struct oracle_mapping *mapping = find_mapping(draw);
    const struct model_domain *self = &draw->model->domains[draw->domain];
    uint64_t *word = &step->word[3 * i];

    if (!mapping)
        return false;
    word[0] = mapping->host ? mapping->host_addr : 0;
    word[2] = mapping->handle;
    if (step->sub & 1) {
        word[1] = chance(draw, 128) ? self->guest->window.v + below(draw, 8) * PAGE_SIZE
                                    : self->guest->base.v + below(draw, (unsigned)self->pages) * PAGE_SIZE;
        if (chance(draw, 20))
            word[1] = 0;
        if (!may_clear(draw, word[1], false))
            return false;
    } else if (mapping->device) {
        word[1] = mapping->frame << PAGE_SHIFT;
    }
    switch (below(draw, 32)) { /* and not that */
    case 0:
        word[0] = 0;
        break;
    case 1:
        word[1] = step->sub & 1 ? 0 : word[1] ^ PAGE_SIZE;
        break;
    case 2:
        word[0] = find_mapping(draw)->host_addr;
        break;
    case 3:
        word[0] ^= UINT64_C(1) << below(draw, 48);
        break;
    case 4:
        word[2] = below(draw, 400);
        break;
    case 5:
        word[1] = 0;
        break;
    default:
        break;
    }
    return may_clear(draw, word[0], mapping->named) && may_clear(draw, word[0], !mapping->named);
}

bool draw_grant_unmap(struct draw *draw, struct step *step)
{
    unsigned count = chance(draw, 40) ? 2 + below(draw, 3) : 1;

    step->kind = STEP_GRANT_UNMAP;
    step->sub = chance(draw, 40);
    while (step->count < count && unmap_element(draw, step, step->count))
        step->count++;
    if (chance(draw, 6))
        step->args = (uint8_t)(ARGS_CUT + below(draw, 3));
    return step->count > 0;
}

/*
 * ---- Copies.
 */

/* A side: the reference or frame, its domid; and whether it is a reference. */
static bool copy_side(struct draw *draw, uint64_t *word, bool *by_reference)
{
    unsigned granter = some_domain(draw), flags;
    uint32_t ref = some_ref(draw);

    *by_reference = chance(draw, 160);
    if (*by_reference) {
        if (chance(draw, 240) && !find_granted(draw, granter, draw->domain, &ref, &flags))
            return false;
        word[0] = ref;
        word[1] = granter == draw->domain && chance(draw, 128) ? DOMID_SELF : granter;
        return true;
    }
    word[0] = entry_frame(draw);
    word[1] = chance(draw, 240) ? DOMID_SELF : draw->domain;
    if (chance(draw, 8))
        word[1] = 7;
    return !(word[0] < draw->oracle->nr_frames && model_is_area(draw->model, word[0]));
}

/*
 * Offsets and a length, in words.  The place where stores may land at any moment is left out, or stays where it is.
 */
static void copy_bytes(struct draw *draw, uint64_t *word)
{
    unsigned from = below(draw, 128), to = below(draw, 128), words = below(draw, 96);

    if (chance(draw, 40)) {
        from = to = 0;
        words = 512;
    } else if (chance(draw, 20)) {
        from += 400; /* over the end, or not */
        to = from;
    }
    word[1] |= (uint64_t)from * 8 << 16;
    word[3] |= (uint64_t)to * 8 << 16;
    word[4] |= words * 8;
}

bool draw_grant_copy(struct draw *draw, struct step *step)
{
    unsigned count = chance(draw, 40) ? 2 + below(draw, 3) : 1;

    step->kind = STEP_GRANT_COPY;
    for (unsigned i = 0; i < count; i++) {
        uint64_t *word = &step->word[5 * i];
        bool source = false, dest = false;

        if (!copy_side(draw, &word[0], &source) || !copy_side(draw, &word[2], &dest))
            break;
        word[4] = (source ? GNTCOPY_source_gref << 16 : 0u) | (dest ? GNTCOPY_dest_gref << 16 : 0u);
        copy_bytes(draw, word);
        step->count++;
    }
    if (chance(draw, 6))
        step->args = (uint8_t)(ARGS_CUT + below(draw, 3));
    return step->count > 0;
}

/*
 * ---- The other commands.
 */

bool draw_grant_table(struct draw *draw, struct step *step)
{
    static const uint8_t commands[] = {GNTTABOP_set_version, GNTTABOP_swap_grant_ref, GNTTABOP_setup_table,
                                       GNTTABOP_query_size,  GNTTABOP_get_version,    GNTTABOP_get_status_frames,
                                       GNTTABOP_cache_flush, GNTTABOP_dump_table};
    unsigned roll = below(draw, 32);

    step->kind = STEP_GRANT_TABLE;
    step->sub = commands[roll < 12 ? 0 : roll < 20 ? 1 : below(draw, ARRAY_SIZE(commands))];
    step->word[0] = chance(draw, 128) ? DOMID_SELF : draw->domain;
    step->word[1] = chance(draw, 200) ? below(draw, 4) : below(draw, 35);
    step->word[2] = chance(draw, 245) ? 1 : below(draw, 3);
    step->word[3] = chance(draw, 8);
    if (step->sub == GNTTABOP_set_version)
        step->word[0] = chance(draw, 250) ? 1 + below(draw, 2) : below(draw, 4);
    if (step->sub == GNTTABOP_swap_grant_ref) {
        step->word[0] = some_ref(draw);
        step->word[1] = some_ref(draw);
    } else if (chance(draw, 10)) {
        step->word[0] = below(draw, 8);
    }
    if (chance(draw, 3))
        step->word[2] = UINT32_MAX;
    if (chance(draw, 6))
        step->args = (uint8_t)(ARGS_UNMAPPED + below(draw, 2));
    return true;
}

/*
 * ---- A story: granted, mapped, written through, meddled with, unmapped.
 */

static struct step *begin_step(struct draw *draw, struct step *step, enum step_kind kind, unsigned domain)
{
    *step = (struct step){.kind = (uint8_t)kind,
                          .domain = (uint8_t)domain,
                          .vcpu = (uint8_t)below(draw, MODEL_VCPUS),
                          .foreign = DOMID_SELF};
    return step;
}

/* What the user does to the entry, or the granter to what it has granted. */
static void meddle(struct draw *draw, struct step *step, unsigned granter, uint64_t host_addr, uint32_t ref)
{
    uint64_t table;
    unsigned index;

    switch (below(draw, 4)) {
    case 0:
        begin_step(draw, step, STEP_VA_MAPPING, draw->domain);
        step->word[0] = host_addr;
        if (chance(draw, 128) && oracle_find_l1(draw->oracle, draw->domain,
                                                draw->oracle->state.domains[draw->domain].vcpus[step->vcpu].kernel_root,
                                                host_addr, &table, &index))
            step->word[1] = oracle_granted(draw->oracle, granter, ref) << PAGE_SHIFT | PTE_P | PTE_A |
                            (chance(draw, 128) ? PTE_RW : 0);
        break;
    case 1:
        begin_step(draw, step, STEP_GRANT_ENTRY, granter);
        if (!alter(draw, step, ref))
            step->count = 0;
        break;
    case 2:
        begin_step(draw, step, STEP_GRANT_TABLE, granter);
        step->sub = GNTTABOP_set_version;
        step->word[0] = 1 + below(draw, 2);
        step->word[2] = 1;
        break;
    default:
        begin_step(draw, step, STEP_STORE, draw->domain);
        step->word[0] = host_addr;
        step->word[1] = draw_entry(draw, 1, 0);
        break;
    }
}

size_t draw_grant_story(struct draw *draw, struct step *steps)
{
    const struct model_domain *self = &draw->model->domains[draw->domain];
    unsigned granter = some_domain(draw), domain = draw->domain;
    uint64_t host_addr = self->guest->window.v + below(draw, 8) * PAGE_SIZE;
    uint32_t ref = below(draw, REFS), flags = chance(draw, 100) ? GNTMAP_host_map | GNTMAP_readonly : GNTMAP_host_map;

    if (table_of(draw, granter)->version == 0 || draw->oracle->state.nr_mappings > MAPPINGS ||
        !may_clear(draw, host_addr, false))
        return 0;
    draw->pt = granter;
    grant(draw, begin_step(draw, &steps[0], STEP_GRANT_ENTRY, granter), ref, domain, entry_frame(draw));
    draw->pt = domain;
    begin_step(draw, &steps[1], STEP_GRANT_MAP, domain)->count = 1;
    steps[1].word[0] = host_addr;
    steps[1].word[1] = flags | (uint64_t)granter << 32;
    steps[1].word[2] = ref;
    meddle(draw, &steps[2], granter, host_addr, ref);
    begin_step(draw, &steps[3], STEP_GRANT_UNMAP, domain)->count = 1;
    steps[3].word[0] = host_addr;
    steps[3].word[2] = grants_next_handle(draw->model, domain);
    return 4;
}
