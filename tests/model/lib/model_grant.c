/* SPDX-License-Identifier: MIT */
/* Grants in the model: what the engine took from the pool for them; both sides' tables and mappings compared. */
#include <engine/grant_mapping.h>
#include <tests/model/lib/model.h>

/*
 * ---- Frames that no guest sees: records of uses, records of mappings.
 */

static void mark(bool *hidden, const mfn_t *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        hidden[frames[i].v] = true;
}

static void show_given(struct model *model, unsigned id)
{
    const struct domain_grants *grants = &sim_domain(model->sim, id)->grants;
    struct oracle_grants *given = &model->oracle->given[id];

    *given = (struct oracle_grants){.nr_frames = grants->nr_frames, .nr_status = grants->nr_status_frames};
    for (unsigned i = 0; i < grants->nr_frames; i++)
        given->frames[i] = (uint32_t)grants->frames[i].v;
    for (unsigned i = 0; i < grants->nr_status_frames; i++)
        given->status[i] = (uint32_t)grants->status_frames[i].v;
}

void grants_follow_pool(struct model *model)
{
    bool hidden[ORACLE_FRAMES_MAX] = {false};

    for (unsigned id = 0; id < model->nr_domains; id++) {
        const struct domain_grants *grants = &sim_domain(model->sim, id)->grants;

        for (unsigned i = 0; i < grants->nr_frames; i++)
            mark(hidden, grants->uses[i].frames, GRANT_USES_FRAMES);
        mark(hidden, grants->mapping_frames, grants->nr_mapping_frames);
        show_given(model, id);
    }
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++) {
        struct oracle_frame *frame = &model->oracle->state.frames[mfn];

        if (hidden[mfn] && frame->owner == O_POOL)
            frame->owner = O_HYPERVISOR;
        else if (model->hidden[mfn] && !hidden[mfn] && frame->owner == O_HYPERVISOR)
            frame->owner = O_POOL;
        model->hidden[mfn] = hidden[mfn];
    }
}

/*
 * ---- Learning.
 */

static void learn_mapping(struct model *model, unsigned id, uint32_t handle, const struct grant_mapping *mapping)
{
    struct oracle_state *state = &model->oracle->state;

    if (state->nr_mappings == ORACLE_MAPPINGS)
        sim_fail("more grants are mapped than the oracle has room for");
    state->mappings[state->nr_mappings++] = (struct oracle_mapping){.domain = (uint16_t)id,
                                                                    .granter = mapping->granter.v,
                                                                    .host = mapping->parts & MAPPING_HOST,
                                                                    .device = mapping->parts & MAPPING_DEVICE,
                                                                    .named = mapping->entry_named,
                                                                    .readonly = mapping->readonly,
                                                                    .handle = handle,
                                                                    .ref = mapping->ref,
                                                                    .frame = mapping->frame.v};
}

void grants_learn(struct model *model)
{
    grants_follow_pool(model);
    model->oracle->state.nr_mappings = 0;
    for (unsigned id = 0; id < model->nr_domains; id++) {
        const struct domain *domain = sim_domain(model->sim, id);
        const struct grant_mapping *mapping;

        model->oracle->state.domains[id].grants = model->oracle->given[id];
        model->oracle->state.domains[id].grants.version = domain->grants.version;
        for (uint32_t handle = 0; (mapping = grant_mapping_next(domain, &handle)); handle++)
            learn_mapping(model, id, handle, mapping);
    }
}

/*
 * ---- Comparing.
 */

static bool same_table(const struct model *model, unsigned id)
{
    const struct domain_grants *grants = &sim_domain(model->sim, id)->grants;
    const struct oracle_grants *own = &model->oracle->state.domains[id].grants;
    bool same = grants->version == own->version && grants->nr_frames == own->nr_frames &&
                grants->nr_status_frames == own->nr_status;

    for (unsigned i = 0; same && i < own->nr_frames; i++)
        same = grants->frames[i].v == own->frames[i];
    for (unsigned i = 0; same && i < own->nr_status; i++)
        same = grants->status_frames[i].v == own->status[i];
    return same;
}

static bool same_mapping(const struct grant_mapping *mapping, const struct oracle_mapping *own)
{
    unsigned parts = (own->host ? MAPPING_HOST : 0u) | (own->device ? MAPPING_DEVICE : 0u);

    return mapping->granter.v == own->granter && mapping->ref == own->ref && mapping->frame.v == own->frame &&
           mapping->readonly == own->readonly && mapping->parts == parts;
}

static bool same_mappings(const struct model *model, unsigned id)
{
    const struct domain *domain = sim_domain(model->sim, id);
    const struct grant_mapping *mapping;
    unsigned count = 0;

    for (uint32_t handle = 0; (mapping = grant_mapping_next(domain, &handle)); handle++) {
        const struct oracle_mapping *own = oracle_mapping(model->oracle, id, handle);

        if (!own || !same_mapping(mapping, own))
            return false;
        count++;
    }
    for (unsigned i = 0; i < model->oracle->state.nr_mappings; i++)
        count -= model->oracle->state.mappings[i].domain == id;
    return count == 0;
}

const char *grants_difference(const struct model *model)
{
    for (unsigned id = 0; id < model->nr_domains; id++) {
        if (!same_table(model, id))
            return "a grant table";
        if (!same_mappings(model, id))
            return "the mappings of grants";
    }
    return NULL;
}

uint32_t grants_next_handle(const struct model *model, unsigned domain)
{
    uint32_t next = sim_domain(model->sim, domain)->grants.free_mapping;

    return next ? next - 1 : 0;
}

/* Does a processor of the vCPU's still lead @vaddr to @frame, though no table does? */
static bool is_stale(const struct model *model, struct vcpu *vcpu, uint64_t vaddr, uint64_t frame)
{
    bool writable;
    mfn_t mfn;

    return sim_tlb_holds(model->sim, vcpu->cpu, VADDR(vaddr), &mfn, NULL) && mfn.v == frame &&
           sim_peek(vcpu, VADDR(vaddr), &writable).v != frame;
}

void grants_check_flushed(struct model *model, const struct step *step, const struct oracle_mapping *before)
{
    const struct oracle_mapping *now = oracle_mapping(model->oracle, before->domain, before->handle);

    /* Where domains share processors, the translation may be another one's. */
    if ((now && now->host) || before->named || model->machine.nr_cpus)
        return;
    for (unsigned i = 0; i < MODEL_VCPUS; i++) {
        if (is_stale(model, model_vcpu(model, step->domain, i), step->word[0], before->frame))
            sim_fail("step %llu: frame %#llx can be reached at %#llx, from where it has been unmapped",
                     (unsigned long long)model->number, (unsigned long long)before->frame,
                     (unsigned long long)step->word[0]);
    }
}

/*
 * ---- Places that must stay what they are.
 */

static bool is_area_entry(const struct model *model, uint64_t domid, unsigned caller, uint32_t ref)
{
    unsigned domain = domid == DOMID_SELF ? caller : (unsigned)domid;
    uint64_t mfn;

    if (!model_alive(model, domain))
        return false;
    mfn = oracle_granted(model->oracle, domain, ref);
    return mfn != ORACLE_NO_FRAME && model_is_area(model, mfn);
}

static bool is_area_side(const struct model *model, const struct step *step, const uint64_t *word, bool by_reference)
{
    if (!by_reference)
        return model_is_area(model, (uint32_t)word[0]) || model_is_area(model, word[0]);
    return is_area_entry(model, word[1] & 0xffff, step->domain, (uint32_t)word[0]);
}

/* Does the entry that would be written map an area?  The results of the call would go to what is lent, and be lost. */
static bool is_over_area(const struct model *model, const struct step *step, const uint64_t *map)
{
    const struct oracle *oracle = model->oracle;
    uint64_t root = oracle->state.domains[step->domain].vcpus[step->vcpu].kernel_root, table = map[0] >> PAGE_SHIFT;
    unsigned index = (unsigned)(map[0] & 0xfff) / 8;
    uint64_t entry;

    if (!(map[1] & GNTMAP_contains_pte) && !oracle_find_l1(oracle, step->domain, root, map[0], &table, &index))
        return false;
    if (table >= oracle->nr_frames)
        return false;
    entry = oracle->memory[table][index];
    return (entry & PTE_P) && model_is_area(model, (entry & PTE_FRAME) >> PAGE_SHIFT);
}

bool grants_touch_area(const struct model *model, const struct step *step)
{
    for (unsigned i = 0; i < step->count; i++) {
        const uint64_t *map = &step->word[3 * i], *copy = &step->word[5 * i];

        if (step->kind == STEP_GRANT_MAP &&
            (is_area_entry(model, map[1] >> 32 & 0xffff, step->domain, (uint32_t)map[2]) ||
             is_over_area(model, step, map)))
            return true;
        if (step->kind == STEP_GRANT_COPY && (is_area_side(model, step, &copy[0], copy[4] >> 16 & 1) ||
                                              is_area_side(model, step, &copy[2], copy[4] >> 17 & 1)))
            return true;
    }
    return false;
}
