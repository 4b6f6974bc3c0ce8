/* SPDX-License-Identifier: MIT */
/*
 * The rule over all that processors hold: sim.h states it.
 */
#include <abi/layout.h>
#include <abi/mmu.h>
#include <sim/sim_parts.h>
#include <sim/walk.h>

/* The processor and its guest whose caches are looked at, and what was found. */
struct inspection {
    struct sim *sim;
    const struct sim_cpu *cpu;
    const struct domain *domain;
    struct sim_finding *finding;
};

static bool breach(const struct inspection *at, const char *rule, uint64_t vaddr, mfn_t mfn)
{
    struct sim_finding finding = {
        .rule = rule,
        .cpu = (unsigned)(at->cpu - at->sim->cpus),
        .vaddr = VADDR(vaddr),
        .frame = mfn,
        .owner = OWNER_NONE,
    };
    const struct frame *frame = frame_find(&at->sim->machine, mfn);

    if (frame) {
        finding.type = frame->type;
        finding.owner = frame->owner;
    }
    if (at->finding)
        *at->finding = finding;
    return false;
}

/* Does the guest's safety depend on what the frame holds?  Then nobody but the engine may write it. */
static bool is_restricted(struct type_word type)
{
    return (type_is_table(type_of(type)) || type_of(type) == TYPE_SEGDESC) && !type_is_idle(type);
}

static bool is_hypervisors(const struct sim *sim, const struct frame *frame)
{
    return frame->owner == DOMID_XEN || frame_mfn(&sim->machine, frame).v >= sim->hypervisor_first.v;
}

static bool may_map_device(const struct domain *domain, mfn_t mfn)
{
    for (unsigned i = 0; i < domain->nr_iomem; i++) {
        if (mfn.v >= domain->iomem[i].first.v && mfn.v <= domain->iomem[i].last.v)
            return true;
    }
    return false;
}

/*
 * A guest sees nothing of the hypervisor's but the M2P, and that read-only; ring 3 sees no page of a supervisor.  Where
 * a linear table has entries of the hypervisor's, they are pages like the others: then its tables of the M2P are seen.
 */
static bool may_see_hypervisors(const struct domain *domain, const struct sim_cached *entry)
{
    if (domain->linear_tables && !entry->writable)
        return true;
    if (domain->width == WIDTH_64)
        return !entry->user ||
               (!entry->writable && entry->vaddr >= HYPERVISOR_VIRT_START && entry->vaddr < HYPERVISOR_VIRT_END);
    return !entry->writable && entry->vaddr >= COMPAT_HYPERVISOR_VIRT_START;
}

/* One frame of those that a translation covers. */
static bool check_frame(const struct inspection *at, const struct sim_cached *entry, mfn_t mfn)
{
    const struct frame *frame = frame_find(&at->sim->machine, mfn);
    uint64_t vaddr = entry->vaddr;

    if (!frame || !frame_is_ram(frame))
        return may_map_device(at->domain, mfn) ||
               breach(at, "a processor maps device memory that its guest has no right to", vaddr, mfn);
    if (is_hypervisors(at->sim, frame))
        return may_see_hypervisors(at->domain, entry) ||
               breach(at, "a processor shows its guest a frame of the hypervisor's", vaddr, mfn);
    if (entry->writable && is_restricted(frame->type))
        return breach(at, "a processor can write a table or descriptor table", vaddr, mfn);
    if (mfn_equal(mfn, entry->mfn) && at->sim->frames[mfn.v].taken != entry->taken)
        return breach(at, "a processor maps a frame that has been handed out again since", vaddr, mfn);
    if (frame->owner == OWNER_NONE || frame->owner == at->domain->id.v)
        return true;
    return (mfn_equal(mfn, entry->mfn) && frame->owner == entry->owner) ||
           breach(at, "a processor maps a frame that has become another domain's since", vaddr, mfn);
}

static bool check_translation(const struct inspection *at, const struct sim_cached *entry)
{
    uint64_t frames = UINT64_C(1) << (9 * (entry->level - 1));

    for (uint64_t i = 0; i < frames; i++) {
        if (!check_frame(at, entry, mfn_add(entry->mfn, i)))
            return false;
    }
    return true;
}

/* A linear table serves as one of each level below its own, too. */
static bool may_serve(const struct domain *domain, enum frame_type type, unsigned level)
{
    unsigned own = type == TYPE_L2_TOP ? 2 : (unsigned)type;

    return type_is_table(type) && (own == level || (domain->linear_tables && own > level));
}

/* A table that was one of this level last, and has not been anything else since, leads nowhere new. */
static bool check_table(const struct inspection *at, const struct sim_cached *entry)
{
    const struct frame *frame = frame_find(&at->sim->machine, entry->mfn);

    if (frame && is_hypervisors(at->sim, frame))
        return true;
    if (!frame || !may_serve(at->domain, type_of(frame->type), entry->level))
        return breach(at, "a paging-structure cache points to what is no table of its level", entry->vaddr, entry->mfn);
    if (at->sim->frames[entry->mfn.v].taken != entry->taken)
        return breach(at, "a paging-structure cache points to a frame that was handed out again", entry->vaddr,
                      entry->mfn);
    return true;
}

static bool check_cpu(const struct inspection *at)
{
    const struct sim_cache *translations = &at->cpu->tlb->translations;
    const struct sim_cache *tables = &at->cpu->tlb->tables;

    for (uint32_t i = 0; i < translations->count; i++) {
        if (!check_translation(at, &translations->entries[i]))
            return false;
    }
    for (uint32_t i = 0; i < tables->count; i++) {
        if (!check_table(at, &tables->entries[i]))
            return false;
    }
    return true;
}

static bool check_root(const struct inspection *at, const struct sim_vcpu *vcpu)
{
    const struct frame *root = frame_find(&at->sim->machine, vcpu->loaded_root);

    if (!mfn_equal(vcpu->loaded_root, vcpu_root(&vcpu->vcpu)))
        return breach(at, "a vCPU runs on another root than the engine believes", 0, vcpu->loaded_root);
    if (mfn_is_none(vcpu->loaded_root))
        return true;
    return (root && root->owner == at->domain->id.v &&
            type_is_live(root->type, (enum frame_type)root_level(at->domain))) ||
           breach(at, "a vCPU runs on a root that is not live", 0, vcpu->loaded_root);
}

static bool check_windows(const struct inspection *at, const struct sim_vcpu *vcpu)
{
    if (vcpu->ldt_entries != vcpu->vcpu.ldt_entries)
        return breach(at, "a vCPU has an LDT of another size than the engine believes", vcpu->ldt_entries, MFN_NONE);
    for (unsigned page = 0; page < SIM_WINDOW_PAGES; page++) {
        const struct frame *frame = frame_find(&at->sim->machine, vcpu->windows[page]);

        if (mfn_is_none(vcpu->windows[page]))
            continue;
        if (!frame || frame->owner != at->domain->id.v || !type_is_live(frame->type, TYPE_SEGDESC))
            return breach(at, "a descriptor window shows what is no live descriptor table", page, vcpu->windows[page]);
    }
    return true;
}

bool sim_check_tlb_rule(struct sim *sim, struct sim_finding *finding)
{
    struct inspection at = {.sim = sim, .finding = finding};

    for (unsigned i = 0; i < sim->nr_cpus; i++) {
        at.cpu = &sim->cpus[i];
        if (!at.cpu->current)
            continue;
        at.domain = at.cpu->current->vcpu.domain;
        if (!check_cpu(&at))
            return false;
    }
    for (unsigned i = 0; i < sim->nr_domains; i++) {
        at.domain = sim_domain(sim, i);
        for (unsigned j = 0; j < at.domain->nr_vcpus; j++) {
            const struct sim_vcpu *vcpu = &sim->domains[i].vcpus[j];

            at.cpu = &sim->cpus[vcpu->vcpu.cpu];
            if (!check_root(&at, vcpu) || !check_windows(&at, vcpu))
                return false;
        }
    }
    return true;
}
