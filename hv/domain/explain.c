/* SPDX-License-Identifier: MIT */
/* In order: the entry; the frame; who uses it, and what made it a table; a walk that ends; all of it. */
#include <abi/hypercall.h>
#include <engine/frame.h>
#include <engine/level.h>
#include <hv/domain/explain.h>
#include <hv/domain/explain_port.h>
#include <hv/mem/paging.h>

/*
 * ---- The entry.
 */

static uint64_t read_slot(mfn_t table, unsigned index)
{
    const uint64_t *entries = paging_ram(table.v << PAGE_SHIFT);

    return __atomic_load_n(&entries[index], __ATOMIC_RELAXED);
}

/* Where a table is looked at as a whole, its entries stand in it. */
static bool read_entry(const struct machine *machine, const struct refusal *refusal, uint64_t *entry)
{
    const struct frame *table = frame_find(machine, refusal->slot.table);

    if (refusal->slot.level == 0 || !table || refusal->call != __HYPERVISOR_mmuext_op)
        return false;
    *entry = read_slot(refusal->slot.table, refusal->slot.index);
    return *entry & ENTRY_PRESENT;
}

static void find_entry(const struct machine *machine, struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;
    const struct asked *asked = &explanation->noted->asked;

    if (refusal_is_of_entry(refusal)) {
        explanation->knows_entry = true;
        explanation->entry = refusal->value;
    } else if (asked->knows_entry) {
        explanation->knows_entry = true;
        explanation->entry = asked->entry;
    } else {
        explanation->knows_entry = read_entry(machine, refusal, &explanation->entry);
    }
}

static uint64_t refused_flags(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;
    enum width width = explanation->domain->width;

    if (refusal->reason == REFUSE_CACHE_FLAGS || refusal->reason == REFUSE_CACHE_FLAGS_SHARED)
        return explanation->entry & ENTRY_CACHE;
    if (refusal->reason != REFUSE_BAD_FLAGS || refusal->slot.level == 0)
        return 0;
    return explanation->entry & level_of(width, (enum frame_type)refusal->slot.level)->refused;
}

static void find_address(const struct machine *machine, struct explanation *explanation)
{
    const struct noted_refusal *noted = explanation->noted;

    if (noted->asked.knows_address) {
        explanation->knows_address = true;
        explanation->address = VADDR(noted->asked.address);
    } else if (!mfn_is_none(noted->refusal.slot.table)) {
        explanation->knows_address = search_address(machine, noted->refusal.slot, &explanation->address);
    }
}

/*
 * ---- The frame.
 */

static mfn_t frame_in_question(const struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    if (!mfn_is_none(refusal->frame))
        return refusal->frame;
    if (explanation->knows_entry)
        return entry_mfn(explanation->entry);
    return refusal_value(refusal->reason) == VALUE_FRAME ? MFN(refusal->value) : MFN_NONE;
}

static bool is_about_owner(enum refusal_reason reason)
{
    return reason == REFUSE_NOT_OWNED || reason == REFUSE_NO_SUCH_FRAME || reason == REFUSE_NOT_RAM ||
           reason == REFUSE_NOT_ALLOCATED || reason == REFUSE_GRANT_FRAME;
}

/* Has the frame been given back, by whomever?  It keeps its last type until somebody gets it. */
static bool was_given_back(const struct refusal *refusal)
{
    return refusal->owner.v == OWNER_NONE && type_of(refusal->type) != TYPE_NONE;
}

/* A number that is no frame of the domain's, and is one of its pfns. */
static void find_meant(struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    explanation->is_pfn = is_about_owner(refusal->reason) && !was_given_back(refusal) &&
                          !mfn_is_none(explanation->frame) && explanation->frame.v < explanation->domain->max_frames &&
                          !explanation->knows_pfn &&
                          search_frame(explanation->domain, explanation->frame.v, &explanation->meant);
}

/*
 * ---- Who uses it.
 */

static struct use *add_use(struct explanation *explanation, enum use_kind kind)
{
    static struct use spare;
    struct use *use = explanation->nr_uses < USES_SHOWN ? &explanation->uses[explanation->nr_uses] : &spare;

    explanation->nr_uses++;
    *use = (struct use){.kind = kind};
    return use;
}

static bool is_about_use(enum refusal_reason reason)
{
    return reason == REFUSE_TYPE_CONFLICT || reason == REFUSE_SELF_MAP || reason == REFUSE_TYPE_COUNT_EXHAUSTED ||
           reason == REFUSE_TABLE_SHARED || reason == REFUSE_FRAME_IN_USE || reason == REFUSE_ALREADY_PINNED ||
           reason == REFUSE_NOT_PINNED || reason == REFUSE_NOT_A_TABLE || reason == REFUSE_LINEAR_CHAIN;
}

/* Does an entry of a table of level @level hold a use of @type?  Of a frame that may have no references it does. */
static bool holds(enum refusal_reason reason, enum frame_type type, unsigned level, uint64_t entry)
{
    if (reason == REFUSE_FRAME_IN_USE)
        return true;
    if (type == TYPE_WRITABLE)
        return level == 1 && (entry & ENTRY_RW);
    return level > 1 && type_is_table(type);
}

static bool same_slot(struct slot one, struct slot other)
{
    return mfn_equal(one.table, other.table) && one.index == other.index;
}

static void add_entries(const struct machine *machine, struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;
    struct search search = search_begin(machine, explanation->frame, 0);
    struct slot slot;
    uint64_t entry;

    while (search_next(&search, &slot, &entry)) {
        struct use *use;

        if (!holds(refusal->reason, type_of(refusal->type), slot.level, entry) ||
            (same_slot(slot, refusal->slot) && refusal->slot.level > 0 && !type_is_validated(refusal->type)))
            continue;
        use = add_use(explanation, USE_ENTRY);
        use->slot = slot;
        if (explanation->nr_uses <= USES_SHOWN)
            use->knows_address = search_address(machine, slot, &use->address);
    }
    explanation->is_whole = !search_is_spent(&search);
}

static void add_pages(struct explanation *explanation, const struct vcpu *vcpu, enum use_kind kind, const mfn_t *pages,
                      unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (mfn_equal(pages[i], explanation->frame)) {
            struct use *use = add_use(explanation, kind);

            use->vcpu = vcpu->id;
            use->page = i;
        }
    }
}

static void add_vcpus(struct explanation *explanation)
{
    const struct domain *domain = explanation->domain;

    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        const struct vcpu *vcpu = domain->vcpus[i];

        if (mfn_equal(vcpu->kernel_root, explanation->frame))
            add_use(explanation, USE_KERNEL_ROOT)->vcpu = i;
        if (mfn_equal(vcpu->user_root, explanation->frame))
            add_use(explanation, USE_USER_ROOT)->vcpu = i;
        add_pages(explanation, vcpu, USE_GDT, vcpu->gdt, GDT_FRAMES);
        add_pages(explanation, vcpu, USE_LDT, vcpu->ldt, LDT_FRAMES);
    }
}

static void find_uses(const struct machine *machine, struct explanation *explanation)
{
    const struct frame *frame = frame_find(machine, explanation->frame);
    const struct domain *domain = explanation->domain;

    if (!is_about_use(explanation->noted->refusal.reason) || !frame)
        return;
    if (type_is_pinned(explanation->noted->refusal.type))
        add_use(explanation, USE_PIN);
    add_vcpus(explanation);
    if (frame->flags & FRAME_SHARED)
        add_use(explanation, USE_SHARED);
    for (unsigned i = 0; i < domain->nr_holds; i++) {
        if (mfn_equal(domain->holds[i], explanation->frame))
            add_use(explanation, USE_HELD);
    }
    add_entries(machine, explanation);
}

/* By which call the frame became what it was found as, if that was a table. */
static void find_origin(struct explanation *explanation)
{
    const struct refusal *refusal = &explanation->noted->refusal;

    explanation->knows_origin = is_about_use(refusal->reason) && type_is_validated(refusal->type) &&
                                explain_port_origin(explanation->frame, &explanation->origin) &&
                                explanation->origin.type == type_of(refusal->type);
}

/*
 * ---- A walk that ends.
 */

static struct slot where_walk_ends(const struct machine *machine, const struct vcpu *vcpu, vaddr_t vaddr)
{
    mfn_t table = vcpu->kernel_root;

    for (unsigned level = root_level(vcpu->domain); level > 1; level--) {
        const struct frame *frame = frame_find(machine, table);
        unsigned index = level_index(level, vaddr);
        uint64_t entry;

        if (!frame || !type_is_table(type_of(frame->type)) ||
            level_slot_is_hypervisor(level_of(vcpu->domain->width, type_of(frame->type)), index))
            return NOWHERE;
        entry = read_slot(table, index);
        if (!(entry & ENTRY_PRESENT))
            return (struct slot){table, level, index};
        table = entry_mfn(entry);
    }
    return NOWHERE;
}

static bool is_initial(const struct explanation *explanation)
{
    return explanation->knows_pfn && explain_port_is_first_table(explanation->domain, explanation->pfn);
}

void explain(const struct machine *machine, const struct noted_refusal *noted, struct explanation *explanation)
{
    const struct refusal *refusal = &noted->refusal;

    *explanation =
        (struct explanation){.noted = noted, .domain = refusal->vcpu->domain, .missing = NOWHERE, .is_whole = true};
    explanation->frame = MFN_NONE;
    if (noted->why)
        return; /* no frame is in question, and what the record says is all */
    find_entry(machine, explanation);
    explanation->flags = refused_flags(explanation);
    find_address(machine, explanation);
    explanation->frame = frame_in_question(explanation);
    explanation->knows_pfn =
        !mfn_is_none(explanation->frame) && search_pfn(explanation->domain, explanation->frame, &explanation->pfn);
    find_meant(explanation);
    find_uses(machine, explanation);
    find_origin(explanation);
    if (refusal->reason == REFUSE_NO_L1_ENTRY)
        explanation->missing = where_walk_ends(machine, refusal->vcpu, VADDR(refusal->value));
    explanation->is_initial = is_initial(explanation);
    explanation->mistake = explain_mistake(explanation);
}
