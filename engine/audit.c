/* SPDX-License-Identifier: MIT */
/*
 * The audit, in order: recounting every use of every frame; the predicates; their table.
 * It shares the judgement of entries with the rest of the engine, and nothing of the counting.
 */
#include <abi/layout.h>
#include <engine/audit.h>
#include <engine/frame.h>
#include <engine/grant_mapping.h>
#include <engine/grant_table.h>
#include <engine/level.h>
#include <engine/linear.h>

struct audit {
    const struct machine *machine;
    struct audit_counts *counts;
    struct audit_finding *finding;
};

/* Record what is wrong; false, for "return broken(...)". */
static bool broken(const struct audit *audit, mfn_t frame, uint64_t expected, uint64_t found)
{
    audit->finding->frame = frame;
    audit->finding->expected = expected;
    audit->finding->found = found;
    return false;
}

static void count_use(const struct audit *audit, mfn_t mfn, bool typed)
{
    const struct frame *frame = frame_find(audit->machine, mfn);

    if (!frame || !frame_is_ram(frame))
        return;
    audit->counts[mfn.v].refs++;
    audit->counts[mfn.v].uses += typed;
}

static const struct level *table_level(const struct audit *audit, const struct frame *frame)
{
    const struct domain *domain = domain_find(audit->machine, DOMID(frame->owner));

    return domain && type_is_validated(frame->type) ? level_of(domain->width, type_of(frame->type)) : NULL;
}

/*
 * An entry of @domain's that maps another domain's frame, which it can only have from a grant, unless a privileged
 * domain has been at work: that one maps whose frames it likes, in whose tables it likes.
 */
static void count_foreign(const struct audit *audit, const struct domain *domain, uint64_t entry)
{
    const struct frame *frame = frame_find(audit->machine, entry_mfn(entry));

    if (audit->machine->privilege_used || !frame || !frame_is_ram(frame) || frame->owner == domain->id.v)
        return;
    audit->counts[entry_mfn(entry).v].unmapped--;
    audit->counts[entry_mfn(entry).v].unmapped_writable -= !!(entry & ENTRY_RW);
}

/* An entry of the table @mfn, which is of an upper level.  One for the table itself holds nothing. */
static void count_upper(const struct audit *audit, const struct level *level, mfn_t mfn, uint64_t entry)
{
    const struct frame *frame = frame_find(audit->machine, entry_mfn(entry));

    if (mfn_equal(mfn, entry_mfn(entry)))
        return;
    count_use(audit, entry_mfn(entry), true);
    if (!frame || !linear_is_of_level(frame, level_number(level->type)))
        return;
    audit->counts[mfn.v].links_to++;
    audit->counts[entry_mfn(entry).v].links_from++;
}

static void count_table(const struct audit *audit, const struct frame *frame)
{
    const struct domain *domain = domain_find(audit->machine, DOMID(frame->owner));
    const struct level *level = table_level(audit, frame);
    const uint64_t *entries;

    if (!level)
        return;
    entries = frame_entries(audit->machine, frame);
    for (unsigned i = 0; i < level->slots; i++) {
        if (!(entries[i] & ENTRY_PRESENT) || level_slot_is_hypervisor(level, i))
            continue;
        if (level->type != TYPE_L1) {
            count_upper(audit, level, frame_mfn(audit->machine, frame), entries[i]);
            continue;
        }
        count_use(audit, entry_mfn(entries[i]), entries[i] & ENTRY_RW);
        count_foreign(audit, domain, entries[i]);
    }
}

static void count_frame(const struct audit *audit, const struct frame *frame)
{
    mfn_t mfn = frame_mfn(audit->machine, frame);

    if (frame->flags & FRAME_ALLOCATED)
        count_use(audit, mfn, false);
    if (frame->flags & FRAME_SHARED)
        count_use(audit, mfn, true);
    if (type_is_pinned(frame->type))
        count_use(audit, mfn, true);
    count_table(audit, frame);
}

static void count_vcpu(const struct audit *audit, const struct vcpu *vcpu)
{
    count_use(audit, vcpu->kernel_root, true);
    count_use(audit, vcpu->user_root, true);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        count_use(audit, vcpu->gdt[i], true);
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        count_use(audit, vcpu->ldt[i], true);
}

static void count_holds(const struct audit *audit, const struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_holds; i++)
        count_use(audit, domain->holds[i], true);
}

/* A mapped grant refers to its frame, whatever has become of the entry that was made with it. */
static void count_mappings(const struct audit *audit, const struct domain *domain)
{
    const struct grant_mapping *mapping;

    for (grant_handle_t handle = 0; (mapping = grant_mapping_next(domain, &handle)); handle++) {
        count_use(audit, mapping->frame, !mapping->readonly);
        if ((mapping->parts & MAPPING_HOST) && mapping->granter.v != domain->id.v) {
            audit->counts[mapping->frame.v].unmapped++;
            audit->counts[mapping->frame.v].unmapped_writable += !mapping->readonly;
        }
    }
}

static void count_everything(const struct audit *audit)
{
    for (uint64_t i = 0; i < audit->machine->nr_frames; i++)
        count_frame(audit, &audit->machine->frames[i]);
    for (unsigned i = 0; i < audit->machine->nr_domains; i++) {
        const struct domain *domain = audit->machine->domains[i];

        if (!domain)
            continue;
        count_holds(audit, domain);
        count_mappings(audit, domain);
        for (unsigned j = 0; j < domain->nr_vcpus; j++)
            count_vcpu(audit, domain->vcpus[j]);
    }
}

/* Each type word is in one of its states, and in none that belongs to an operation. */
static bool inv_type_words(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    if (!type_word_legal(frame->type) || type_is_busy(frame->type))
        return broken(audit, mfn, 0, frame->type.v);
    return true;
}

/* The general count is the number of references that exist. */
static bool inv_general_count(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    if (audit->counts[mfn.v].refs != frame->refs)
        return broken(audit, mfn, audit->counts[mfn.v].refs, frame->refs);
    return true;
}

/* The type count is the number of uses that exist. */
static bool inv_type_count(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    if (audit->counts[mfn.v].uses != type_count(frame->type))
        return broken(audit, mfn, audit->counts[mfn.v].uses, type_count(frame->type));
    return true;
}

/* A referenced frame has an owner that exists; one without references is the pool's, the hypervisor's, or no RAM. */
static bool inv_ownership(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    bool owned = domain_find(audit->machine, DOMID(frame->owner)) != NULL;

    if (owned != (frame->refs > 0) || (!owned && frame->owner < DOMID_FIRST_RESERVED))
        return broken(audit, mfn, frame->refs, frame->owner);
    if (!owned && (!type_is_idle(frame->type) || (frame->flags & (FRAME_ALLOCATED | FRAME_SHARED))))
        return broken(audit, mfn, 0, frame->type.v);
    return true;
}

/* The M2P says nothing about frames that no guest owns. */
static bool inv_m2p(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    uint64_t found = audit->machine->m2p[mfn.v];

    if (frame->owner >= DOMID_FIRST_RESERVED && found != MACH2PHYS_INVALID)
        return broken(audit, mfn, MACH2PHYS_INVALID, found);
    return true;
}

/* A linear entry of the table @mfn of @domain: read-only, and for itself, or for another table that may be shared. */
static bool is_linear(const struct domain *domain, const struct level *level, mfn_t mfn, const struct frame *frame,
                      uint64_t entry)
{
    return domain->linear_tables && level_can_be_linear(level) && !(entry & ENTRY_RW) &&
           type_is_validated(frame->type) && linear_is_of_level(frame, level_number(level->type)) &&
           (mfn_equal(mfn, entry_mfn(entry)) || type_of(frame->type) != TYPE_L2_TOP);
}

/* What entry @index of the live table @mfn of @domain refers to is what its level asks for. */
static bool entry_holds(const struct audit *audit, const struct level *level, mfn_t mfn, unsigned index, uint64_t entry)
{
    const struct domain *domain = domain_find(audit->machine, DOMID(audit->machine->frames[mfn.v].owner));
    const struct frame *frame = frame_find(audit->machine, entry_mfn(entry));
    enum frame_type child = level_child(level, index);

    if ((entry & level->refused) || (entry & level->added) != level->added)
        return false;
    if (!frame || !frame_is_ram(frame))
        return level->type == TYPE_L1 && domain->nr_iomem > 0;
    if (level->type == TYPE_L1)
        return domain_find(audit->machine, DOMID(frame->owner)) &&
               (!(entry & ENTRY_RW) || type_of(frame->type) == TYPE_WRITABLE);
    return frame->owner == domain->id.v &&
           (type_is_live(frame->type, child) || is_linear(domain, level, mfn, frame, entry));
}

/* What a slot of a live table holds that is not the guest's. */
static uint64_t hypervisor_entry(const struct machine *machine, const struct level *level, unsigned index)
{
    if (index >= level->slots)
        return 0;
    return level->type == TYPE_L4 ? machine->root_slots[index - level->hyp_first]
                                  : machine->compat_slots[index - level->hyp_first];
}

/* The M2P's slot of roots of user mode: engine/root.c. */
static bool may_hide(const struct domain *domain, const struct level *level, unsigned index)
{
    return domain->m2p_strict && level->type == TYPE_L4 && index == MACH2PHYS_L4_SLOT;
}

/* Every entry of every live table is legal, and its frame is what it must be; the hypervisor's slots are its own. */
static bool inv_entries(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    const struct machine *machine = audit->machine;
    const struct level *level = table_level(audit, frame);
    const struct domain *domain = domain_find(machine, DOMID(frame->owner));
    const uint64_t *entries;

    if (!level)
        return true;
    entries = frame_entries(machine, frame);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++) {
        if (i >= level->slots || level_slot_is_hypervisor(level, i)) {
            uint64_t wanted = hypervisor_entry(machine, level, i);

            if (entries[i] == 0 && may_hide(domain, level, i))
                continue;
            /* The processor sets accessed bits in the hypervisor's entries too. */
            if ((entries[i] | ENTRY_AD) != (wanted | ENTRY_AD))
                return broken(audit, mfn, wanted, entries[i]);
        } else if ((entries[i] & ENTRY_PRESENT) && !entry_holds(audit, level, mfn, i, entries[i])) {
            return broken(audit, mfn, i, entries[i]);
        }
    }
    return true;
}

/*
 * A table knows of its links: those to other tables of its level, or those from them, never both.  Of too many from
 * others it knows that there are, or have been, as many as it can count.
 */
static bool inv_links(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    const struct audit_counts *counts = &audit->counts[mfn.v];
    uint32_t expected = counts->links_to > 0 ? counts->links_to : counts->links_from;

    if (counts->links_to > 0 && counts->links_from > 0)
        return broken(audit, mfn, counts->links_to, counts->links_from);
    if (linear_is_target(frame) && linear_count(frame) == LINEAR_COUNT_MAX && counts->links_to == 0)
        return table_level(audit, frame) || broken(audit, mfn, 0, linear_count(frame));
    if (linear_count(frame) != expected || linear_is_source(frame) != (counts->links_to > 0))
        return broken(audit, mfn, expected, linear_count(frame));
    return true;
}

/* A live frame of a table type belongs to a guest that has tables of that type. */
static bool inv_tables(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    if (type_is_validated(frame->type) && type_of(frame->type) != TYPE_SEGDESC && !table_level(audit, frame))
        return broken(audit, mfn, 0, frame->type.v);
    return true;
}

static bool holds_type(const struct audit *audit, const struct domain *domain, mfn_t mfn, enum frame_type type)
{
    const struct frame *frame = frame_find(audit->machine, mfn);

    if (mfn_is_none(mfn) || (frame && frame->owner == domain->id.v && type_is_live(frame->type, type)))
        return true;
    return broken(audit, mfn, type, frame ? frame->type.v : 0);
}

/* Roots are live root tables, descriptor windows show live descriptor frames, and user mode has a root while any is. */
static bool inv_vcpu(const struct audit *audit, const struct domain *domain, const struct vcpu *vcpu)
{
    enum frame_type root = (enum frame_type)root_level(domain);
    bool good = holds_type(audit, domain, vcpu->kernel_root, root) && holds_type(audit, domain, vcpu->user_root, root);

    for (unsigned i = 0; good && i < GDT_FRAMES; i++)
        good = holds_type(audit, domain, vcpu->gdt[i], TYPE_SEGDESC);
    for (unsigned i = 0; good && i < LDT_FRAMES; i++)
        good = holds_type(audit, domain, vcpu->ldt[i], TYPE_SEGDESC);
    if (good && vcpu->user_mode && mfn_is_none(vcpu->user_root) && !mfn_is_none(vcpu->kernel_root))
        return broken(audit, MFN_NONE, 1, 0);
    return good;
}

/* The reservation counts the frames that are the domain's own, and no operation is left behind. */
static bool inv_domain(const struct audit *audit, const struct domain *domain)
{
    uint64_t owned = 0;

    for (uint64_t i = 0; i < audit->machine->nr_frames; i++) {
        const struct frame *frame = &audit->machine->frames[i];

        owned += frame->owner == domain->id.v && !(frame->flags & FRAME_SHARED);
    }
    if (owned != domain->nr_frames)
        return broken(audit, MFN_NONE, owned, domain->nr_frames);
    return true;
}

/* What the hypervisor writes to is the domain's, and writable. */
static bool inv_holds(const struct audit *audit, const struct domain *domain)
{
    for (unsigned i = 0; i < domain->nr_holds; i++) {
        const struct frame *frame = frame_find(audit->machine, domain->holds[i]);

        if (!frame || frame->owner != domain->id.v || type_of(frame->type) != TYPE_WRITABLE)
            return broken(audit, domain->holds[i], TYPE_WRITABLE, frame ? frame->type.v : 0);
    }
    return true;
}

struct uses {
    uint32_t readers, writers;
};

/* How many of all mappings are of @granter's entry @ref: those that only read, and those that write. */
static struct uses count_uses_of(const struct audit *audit, const struct domain *granter, grant_ref_t ref)
{
    struct uses count = {0, 0};

    for (unsigned i = 0; i < audit->machine->nr_domains; i++) {
        const struct domain *domain = audit->machine->domains[i];
        const struct grant_mapping *mapping;

        for (grant_handle_t handle = 0; domain && (mapping = grant_mapping_next(domain, &handle)); handle++) {
            bool same = mapping->granter.v == granter->id.v && mapping->ref == ref;

            count.readers += same && mapping->readonly;
            count.writers += same && !mapping->readonly;
        }
    }
    return count;
}

/* Each entry of a table of grants has as many uses as there are mappings of it. */
static bool inv_grant_uses(const struct audit *audit, const struct domain *domain)
{
    const struct grant_use *use;
    unsigned used = 0;

    for (grant_ref_t ref = 0; (use = grant_table_next_use(domain, &ref)); ref++) {
        const struct uses counted = count_uses_of(audit, domain, ref);

        used++;
        if (use->readers != counted.readers || use->writers != counted.writers)
            return broken(audit, use->frame, counted.readers + counted.writers, use->readers + use->writers);
    }
    if (used != domain->grants.nr_in_use)
        return broken(audit, MFN_NONE, used, domain->grants.nr_in_use);
    return true;
}

/* Each mapping is of a frame that its granter still owns, and is counted there, unless the granter has ended. */
static bool inv_mappings(const struct audit *audit, const struct domain *domain)
{
    const struct grant_mapping *mapping;

    for (grant_handle_t handle = 0; (mapping = grant_mapping_next(domain, &handle)); handle++) {
        const struct domain *granter = domain_find(audit->machine, mapping->granter);
        struct grant_place place;

        if (!granter || audit->machine->frames[mapping->frame.v].owner != granter->id.v)
            return broken(audit, mapping->frame, mapping->granter.v, handle);
        if (granter->grants.version == 0)
            continue;
        if (!grant_place_find(granter, mapping->ref, &place) || !mfn_equal(place.use->frame, mapping->frame) ||
            place.use->user.v != domain->id.v)
            return broken(audit, mapping->frame, mapping->ref, handle);
    }
    return true;
}

/* Without privilege, others' frames are mapped by grants alone: at most one entry for each mapping that is left. */
static bool inv_foreign_entries(const struct audit *audit, const struct frame *frame, mfn_t mfn)
{
    (void)frame;
    if (audit->counts[mfn.v].unmapped < 0 || audit->counts[mfn.v].unmapped_writable < 0)
        return broken(audit, mfn, 0, (uint32_t)audit->counts[mfn.v].unmapped);
    return true;
}

struct predicate {
    const char *name;
    bool (*holds)(const struct audit *audit, const struct frame *frame, mfn_t mfn);
};

static const struct predicate predicates[] = {
    {"inv_type_words", inv_type_words},
    {"inv_ownership", inv_ownership},
    {"inv_tables", inv_tables},
    {"inv_general_count", inv_general_count},
    {"inv_type_count", inv_type_count},
    {"inv_entries", inv_entries},
    {"inv_links", inv_links},
    {"inv_foreign_entries", inv_foreign_entries},
    {"inv_m2p", inv_m2p},
};

static bool audit_frames(const struct audit *audit)
{
    for (size_t p = 0; p < ARRAY_SIZE(predicates); p++) {
        audit->finding->invariant = predicates[p].name;
        for (uint64_t i = 0; i < audit->machine->nr_frames; i++) {
            if (!predicates[p].holds(audit, &audit->machine->frames[i], MFN(i)))
                return false;
        }
    }
    return true;
}

static const struct {
    const char *name;
    bool (*holds)(const struct audit *audit, const struct domain *domain);
} domain_predicates[] = {
    {"inv_domain", inv_domain},
    {"inv_holds", inv_holds},
    {"inv_grant_uses", inv_grant_uses},
    {"inv_mappings", inv_mappings},
};

static bool audit_domain(const struct audit *audit, const struct domain *domain)
{
    for (size_t p = 0; p < ARRAY_SIZE(domain_predicates); p++) {
        audit->finding->invariant = domain_predicates[p].name;
        if (!domain_predicates[p].holds(audit, domain))
            return false;
    }
    audit->finding->invariant = "inv_vcpu";
    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        if (!inv_vcpu(audit, domain, domain->vcpus[i]))
            return false;
    }
    return true;
}

static bool audit_counted(const struct audit *audit)
{
    if (!audit_frames(audit))
        return false;
    for (unsigned i = 0; i < audit->machine->nr_domains; i++) {
        if (audit->machine->domains[i] && !audit_domain(audit, audit->machine->domains[i]))
            return false;
    }
    return true;
}

bool audit_machine(const struct machine *machine, struct audit_counts *counts, struct audit_finding *finding)
{
    const struct audit audit = {machine, counts, finding};
    bool holds;

    count_everything(&audit);
    holds = audit_counted(&audit);
    for (uint64_t i = 0; i < machine->nr_frames; i++)
        counts[i] = (struct audit_counts){0};
    return holds;
}
