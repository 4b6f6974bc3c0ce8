/* SPDX-License-Identifier: MIT */
/* What the test has done is kept, and from it and the bytes of the tables every frame is counted anew. */
#include <stdlib.h>

#include <engine/linear.h>

#include <tests/sweep/lib/world.h>

static const enum frame_type types[] = {
    [USE_NONE] = TYPE_NONE,     [USE_WRITABLE] = TYPE_WRITABLE,
    [USE_L1] = TYPE_L1,         [USE_L2] = TYPE_L2,
    [USE_L3] = TYPE_L3,         [USE_L4] = TYPE_L4,
    [USE_L2_TOP] = TYPE_L2_TOP, [USE_SEGDESC] = TYPE_SEGDESC,
};

enum frame_type world_type(enum use use)
{
    return types[use];
}

struct view *world_view(const struct world *world, mfn_t mfn)
{
    return mfn.v < world->nr_frames ? &world->views[mfn.v] : NULL;
}

void world_hold(struct world *world, mfn_t mfn, enum use use)
{
    if (world->nr_holds == WORLD_HOLDS_MAX)
        sim_fail("sweep: more uses outside tables than there is room for");
    world->holds[world->nr_holds++] = (struct hold){mfn, use};
}

void world_release(struct world *world, mfn_t mfn, enum use use)
{
    for (unsigned i = 0; i < world->nr_holds; i++) {
        if (mfn_equal(world->holds[i].mfn, mfn) && world->holds[i].use == use) {
            world->holds[i] = world->holds[--world->nr_holds];
            return;
        }
    }
    sim_fail("sweep: no such use of frame %#llx", (unsigned long long)mfn.v);
}

/* What guest_boot() leaves: the root is pinned, and loaded on every vCPU. */
static void hold_boot(struct world *world, const struct guest *guest)
{
    enum use root = guest->domain->width == WIDTH_64 ? USE_L4 : USE_L3;

    world_hold(world, guest_root(guest), root);
    for (unsigned i = 0; i < guest->domain->nr_vcpus; i++)
        world_hold(world, guest_root(guest), root);
}

void world_create(struct world *world, struct sim *sim, struct guest *self, struct guest *other)
{
    *world = (struct world){.sim = sim, .self = self, .other = other};
    world->nr_frames = sim->machine.nr_frames;
    world->views = calloc(world->nr_frames, sizeof(world->views[0]));
    if (!world->views)
        abort();
    hold_boot(world, self);
    if (other)
        hold_boot(world, other);
    world_recount(world);
}

void world_destroy(struct world *world)
{
    free(world->views);
    world->views = NULL;
}

/* ---- The recount. */

static void forget_counts(struct world *world)
{
    for (uint64_t i = 0; i < world->nr_frames; i++) {
        struct view *view = &world->views[i];
        int inside = view->inside;

        *view = (struct view){.owner = OWNER_POOL, .inside = inside};
        if (i >= world->sim->hypervisor_first.v)
            view->owner = OWNER_HYPERVISOR;
        else if (!world->sim->frames[i].ram)
            view->owner = OWNER_DEVICE;
    }
}

/* Every page of a guest is allocated; its shared_info is written by the hypervisor too. */
static void count_pages(struct world *world, const struct guest *guest, enum owner owner)
{
    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        struct view *view = world_view(world, guest_mfn(guest, PFN(pfn)));

        view->owner = owner;
        view->refs = 1;
    }
    if (guest->shared_info.v < guest->nr_pages) {
        struct view *shared = world_view(world, guest_mfn(guest, guest->shared_info));

        shared->shared = true;
        shared->use = USE_WRITABLE;
        shared->uses = 1;
    }
}

static bool slot_is_skipped(bool pae, enum use use, unsigned slot)
{
    switch (use) {
    case USE_L4:
        return slot >= 256 && slot <= 271;
    case USE_L3:
        return pae && slot >= 4;
    case USE_L2_TOP:
        return slot >= 428;
    default:
        return false;
    }
}

static enum use child_of(bool pae, enum use use, unsigned slot)
{
    switch (use) {
    case USE_L4:
        return USE_L3;
    case USE_L3:
        return pae && slot == 3 ? USE_L2_TOP : USE_L2;
    default:
        return USE_L1;
    }
}

static void count_table(struct world *world, bool pae, mfn_t table, enum use use);

static void count_use(struct world *world, bool pae, mfn_t mfn, enum use use)
{
    struct view *view = world_view(world, mfn);

    view->refs++;
    if (use == USE_NONE)
        return;
    view->uses++;
    view->use = use;
    if (use >= USE_L1 && use <= USE_L2_TOP && !view->visited)
        count_table(world, pae, mfn, use);
}

static unsigned level_of_use(enum use use)
{
    return use == USE_L2_TOP ? 2 : (unsigned)(use - USE_L1) + 1;
}

/* An entry of a table above level 1.  One for the table itself holds nothing; one for its like is a link. */
static void count_upper(struct world *world, bool pae, mfn_t table, enum use use, unsigned slot, mfn_t named)
{
    enum use held = world_view(world, named)->held;

    if (mfn_equal(table, named))
        return;
    if (held >= USE_L1 && held <= USE_L2_TOP && level_of_use(held) == level_of_use(use)) {
        world_view(world, table)->links_to++;
        world_view(world, named)->links_from++;
        count_use(world, pae, named, held);
        return;
    }
    count_use(world, pae, named, child_of(pae, use, slot));
}

/* Descends a level a call, or follows a link. */
static void count_table(struct world *world, bool pae, mfn_t table, enum use use)
{
    world_view(world, table)->visited = true;
    for (unsigned slot = 0; slot < ENTRIES_PER_TABLE; slot++) {
        uint64_t entry = sim_frame_entries(world->sim, table)[slot];
        const struct view *named = world_view(world, pte_mfn(entry));

        if (!(entry & PTE_P) || slot_is_skipped(pae, use, slot) || !named)
            continue;
        if (named->owner == OWNER_DEVICE)
            continue;
        if (use == USE_L1)
            count_use(world, pae, pte_mfn(entry), entry & PTE_RW ? USE_WRITABLE : USE_NONE);
        else
            count_upper(world, pae, table, use, slot, pte_mfn(entry));
    }
}

static bool hold_is_pae(const struct world *world, mfn_t mfn)
{
    bool other = world_view(world, mfn)->owner == OWNER_OTHER;

    return (other ? world->other : world->self)->domain->width == WIDTH_PAE;
}

void world_recount(struct world *world)
{
    forget_counts(world);
    count_pages(world, world->self, OWNER_SELF);
    if (world->other)
        count_pages(world, world->other, OWNER_OTHER);
    for (unsigned i = 0; i < world->nr_holds; i++)
        world_view(world, world->holds[i].mfn)->held = world->holds[i].use;
    for (unsigned i = 0; i < world->nr_holds; i++) {
        mfn_t mfn = world->holds[i].mfn;

        count_use(world, hold_is_pae(world, mfn), mfn, world->holds[i].use);
    }
}

/* ---- Questions. */

/* Rights as the configuration gives them; no device lies beyond the address lines. */
static bool is_permitted(const struct world *world, mfn_t mfn)
{
    const struct domain *domain = world->self->domain;

    for (unsigned i = 0; i < domain->nr_iomem; i++) {
        if (mfn.v >= domain->iomem[i].first.v && mfn.v <= domain->iomem[i].last.v)
            return true;
    }
    return false;
}

struct named world_name(const struct world *world, mfn_t mfn)
{
    const struct view *view = world_view(world, mfn);
    unsigned address_bits = world->sim->machine.phys_bits - PAGE_SHIFT;

    if (mfn.v >> address_bits)
        return (struct named){.owner = OWNER_NOWHERE};
    if (!view)
        return (struct named){.owner = OWNER_DEVICE, .permitted = is_permitted(world, mfn)};
    return (struct named){
        .owner = view->owner,
        .use = view->use,
        .shared = view->shared,
        .permitted = view->owner == OWNER_DEVICE && is_permitted(world, mfn),
        .below_end = true,
        .inside = view->inside,
        .links = view->links_to > 0,
    };
}

static bool view_agrees(const struct view *view, const struct frame *frame)
{
    bool table = view->use >= USE_L1;

    if (view->owner == OWNER_POOL || view->owner == OWNER_DEVICE || view->owner == OWNER_HYPERVISOR)
        return type_count(frame->type) == 0;
    if (frame->refs != view->refs || type_count(frame->type) != view->uses || type_is_busy(frame->type))
        return false;
    if (view->uses == 0)
        return !type_is_validated(frame->type);
    if (linear_count(frame) != view->links_to + view->links_from || linear_is_source(frame) != (view->links_to > 0))
        return false;
    return type_of(frame->type) == types[view->use] && type_is_validated(frame->type) == table;
}

bool world_agrees(const struct world *world, mfn_t *wrong)
{
    for (uint64_t i = 0; i < world->nr_frames; i++) {
        if (!view_agrees(&world->views[i], &world->sim->machine.frames[i])) {
            *wrong = MFN(i);
            return false;
        }
    }
    return true;
}
