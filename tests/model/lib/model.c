/* SPDX-License-Identifier: MIT */
/* The model's steps. */

#include <tests/model/lib/model.h>

uint64_t model_random(struct model *model)
{
    uint64_t state = model->random += UINT64_C(0x9e3779b97f4a7c15);

    state = (state ^ state >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    state = (state ^ state >> 27) * UINT64_C(0x94d049bb133111eb);
    return state ^ state >> 31;
}

unsigned model_below(struct model *model, unsigned bound)
{
    return (unsigned)(((model_random(model) >> 32) * bound) >> 32);
}

/*
 * ---- Places that must stay what they are.
 */

bool model_is_area(const struct model *model, uint64_t mfn)
{
    for (unsigned i = 0; i < model->nr_domains; i++) {
        for (unsigned j = 0; j < MODEL_VCPUS; j++) {
            for (unsigned page = 0; page < PLACE_NONE; page++) {
                if (model->domains[i].areas[j].mfn[page] == mfn)
                    return true;
            }
        }
    }
    return false;
}

bool model_root_reaches(const struct model *model, unsigned domain, unsigned vcpu, uint64_t root)
{
    const struct place_area *area = &model->domains[domain].areas[vcpu];
    bool writable;

    for (unsigned page = 0; page < PLACE_NONE; page++) {
        if (oracle_walk_root(model->oracle, domain, root, area->vaddr[page], &writable) != area->mfn[page] || !writable)
            return false;
    }
    return oracle_walk_root(model->oracle, domain, root, area->vaddr[PLACE_NONE], &writable) == ORACLE_NO_FRAME;
}

bool model_areas_reachable(const struct model *model, unsigned domain)
{
    for (unsigned i = 0; i < MODEL_VCPUS; i++) {
        if (!model_root_reaches(model, domain, i, model->oracle->state.domains[domain].vcpus[i].kernel_root))
            return false;
    }
    return true;
}

/*
 * ---- Steps.
 */

/* Hypercalls come from kernel mode. */
static void enter_kernel(struct model *model, const struct step *step)
{
    struct vcpu *vcpu = model_vcpu(model, step->domain, step->vcpu);

    if (!vcpu->user_mode || step->kind == STEP_STORE || step->kind == STEP_LOAD || step->kind == STEP_SPECULATE ||
        step->kind == STEP_ENTER_KERNEL)
        return;
    vcpu_enter_kernel(vcpu);
    model->oracle->state.domains[step->domain].vcpus[step->vcpu].user_mode = false;
}

void model_count(struct model_stats *stats, const struct step *step, const struct outcome *outcome)
{
    bool good = outcome->result >= 0 && (!step_is_grant(step) || (int16_t)outcome->extents[0] >= 0);

    if (step->kind == STEP_STORE || step->kind == STEP_LOAD)
        good = outcome->mfn != ORACLE_NO_FRAME;
    if (step->kind == STEP_MEMORY)
        good = outcome->result > 0;
    stats->steps++;
    stats->refused += !good;
    stats->kinds[step->kind].tried++;
    stats->kinds[step->kind].accepted += good;
    if (step->kind == STEP_MMUEXT && step->count == 1 && step->word[0] < 21) {
        stats->mmuext[step->word[0]].tried++;
        stats->mmuext[step->word[0]].accepted += good;
    }
    if (step->kind == STEP_EMULATE && step->sub < 8) {
        stats->forms[step->sub].tried++;
        stats->forms[step->sub].accepted += good;
    }
    if (step->kind == STEP_STORE && good)
        stats->stores_landed++;
}

static void judge(struct model *model, const struct step *step, const struct outcome *seen)
{
    struct oracle_mapping *mapping = oracle_mapping(model->oracle, step->domain, (uint32_t)step->word[2]), before;
    bool unmaps = step->kind == STEP_GRANT_UNMAP && mapping;
    struct outcome expected;

    if (unmaps)
        before = *mapping;
    if (step->kind == STEP_STORE && seen->mfn != ORACLE_NO_FRAME) {
        bool writable;
        uint64_t mfn = oracle_walk(model->oracle, step->domain, step->vcpu, step->word[0], &writable);

        model->stats->stores_stale += !writable || mfn != seen->mfn;
    }
    grants_follow_pool(model);
    oracle_step(model->oracle, step, seen, &expected);
    check_outcome(model, step, seen, &expected);
    if (unmaps && seen->result == 0)
        grants_check_flushed(model, step, &before);
    model_count(model->stats, step, seen);
    if (step->kind == STEP_VA_MAPPING || step->kind == STEP_VA_OTHER || step->kind == STEP_STORE ||
        step->kind == STEP_LOAD)
        meddle_remember(model, step->domain, step->vcpu, step->word[0]);
}

/*
 * Processors set accessed and dirty bits at any time: take over those that the coming steps build
 * upon.
 */
static void take_ad(struct model *model)
{
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++) {
        const uint64_t *seen;

        if (!oracle_is_table(oracle_type(model->oracle, mfn)))
            continue;
        seen = sim_frame_entries(model->sim, MFN(mfn));
        for (unsigned i = 0; i < 512; i++) {
            if (seen[i] != model->oracle->memory[mfn][i])
                oracle_take_ad(model->oracle, mfn, i, seen[i]);
        }
    }
}

static bool builds_on_ad(const struct step *step)
{
    return step->kind == STEP_EMULATE || step->kind == STEP_LOAD || step->kind == STEP_MMUEXT ||
           step->kind == STEP_GRANT_COPY || step->kind == STEP_GRANT_UNMAP;
}

/* The entry that a single MMU_PT_UPDATE_PRESERVE_AD of a live table aims at; NULL for other steps. */
static const uint64_t *kept_entry(const struct model *model, const struct step *steps, size_t count)
{
    uint64_t ptr = steps[0].word[0], mfn = ptr >> PAGE_SHIFT;

    if (count != 1 || steps[0].kind != STEP_MMU_UPDATE || steps[0].count != 1 ||
        (ptr & 7) != MMU_PT_UPDATE_PRESERVE_AD || !oracle_is_ram(model->oracle, mfn) ||
        !oracle_is_table(oracle_type(model->oracle, mfn)))
        return NULL;
    return &sim_frame_entries(model->sim, MFN(mfn))[(ptr & 0xfff) / 8];
}

static void run_steps(struct model *model, const struct step *steps, size_t count)
{
    unsigned domain = steps[0].domain, vcpu = steps[0].vcpu;
    const struct place_area *area = &model->domains[domain].areas[vcpu];
    struct outcome outcomes[8];
    const uint64_t *kept;
    uint64_t before;
    int64_t result;

    if (steps[0].kind == STEP_DESTROY) {
        model_reboot(model, domain);
        return;
    }
    for (size_t i = 0; i < count; i++)
        enter_kernel(model, &steps[i]);
    for (size_t i = 0; i < count; i++) {
        if (builds_on_ad(&steps[i])) {
            take_ad(model);
            break;
        }
    }
    if (steps[0].chained >= STEP_CONCURRENT) {
        concurrent_run(model, steps, count);
        return;
    }
    kept = kept_entry(model, steps, count);
    before = kept ? *kept & (PTE_A | PTE_D) : 0;
    result = perform(model_vcpu(model, domain, vcpu), area, steps, count, outcomes);
    if (result != 0)
        sim_fail("a multicall returned %lld", (long long)result);
    if (before && outcomes[0].result == 0 && (*kept & before) != before)
        sim_fail("step %llu: accessed or dirty bits were lost", (unsigned long long)model->number);
    for (size_t i = 0; i < count; i++)
        judge(model, &steps[i], &outcomes[i]);
}

/*
 * Does the step write to a scratch area, behind the back of the hypercalls that use it?  None is
 * drawn so; but in a list with other steps left out, it may turn out so.
 */
static bool writes_to_area(const struct model *model, const struct step *step)
{
    const uint64_t *word = step->word;

    switch (step->kind) {
    case STEP_MMU_UPDATE:
        for (unsigned i = 0; i < step->count; i++) {
            if (model_is_area(model, word[2 * i] >> PAGE_SHIFT))
                return true;
        }
        return false;
    case STEP_MMUEXT:
        for (unsigned i = 0; i < step->count; i++) {
            if (model_is_area(model, word[3 * i + 1]))
                return true;
        }
        return false;
    case STEP_DESCRIPTOR:
        return model_is_area(model, word[0] >> PAGE_SHIFT);
    case STEP_GRANT_MAP:
    case STEP_GRANT_COPY:
        return grants_touch_area(model, step);
    default:
        return false;
    }
}

/*
 * What machine and meddlers choose during a step depends on the step, not on what they have chosen
 * before: so a list behaves alike when some of its steps are left out, or the schedule differs.
 */
static void reseed(struct model *model, const struct step *steps, size_t count)
{
    uint64_t hash = model->config.seed + (uint64_t)model->config.shake * 0x10001;

    for (size_t i = 0; i < count; i++) {
        hash = (hash ^ (uint64_t)steps[i].kind << 32 ^ (uint64_t)steps[i].domain << 16 ^ (uint64_t)steps[i].vcpu << 8 ^
                steps[i].sub) *
               UINT64_C(0x9fb21c651e98df25);
        for (unsigned j = 0; j < STEP_WORDS; j++)
            hash = (hash ^ hash >> 29 ^ steps[i].word[j]) * UINT64_C(0xd1342543de82ef95);
    }
    model->random = hash;
    model->sim->random_state = model_random(model) | 1;
}

void model_steps(struct model *model, const struct step *steps, size_t count)
{
    struct step narrow[8];

    model->number++;
    for (size_t i = 0; i < count; i++) {
        narrow[i] = steps[i];
        if (steps[i].vcpu >= MODEL_VCPUS || !model_alive(model, steps[i].domain) || writes_to_area(model, &steps[i]))
            return;
        if (!model->oracle->state.domains[steps[i].domain].wide)
            step_narrow(&narrow[i]);
    }
    reseed(model, narrow, count);
    model->points = 0;
    run_steps(model, narrow, count);
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++) {
        model->stats->live[oracle_type(model->oracle, mfn)] += count;
        model->stats->pins += model->oracle->state.frames[mfn].pin ? count : 0;
        model->stats->links += model->oracle->uses[mfn].links_to * count;
    }
    model->stats->mappings += model->oracle->state.nr_mappings * count;
    grants_follow_pool(model);
    check_state(model);
    check_memory(model, model->number % 16 == 0 || steps[0].chained >= STEP_CONCURRENT);
    check_engine(model);
    model->nr_mails = 0;
    for (unsigned i = 0; i < model->nr_domains; i++) {
        if (!model_alive(model, i) || model_areas_reachable(model, i))
            continue;
        model->stats->wedged++;
        model_reboot(model, i);
        check_state(model);
    }
}
