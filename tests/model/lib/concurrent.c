/* SPDX-License-Identifier: MIT */
/*
 * Steps of several vCPUs at the same time, and whether what came out can be explained: by the same
 * steps one after the other, in some order.
 *
 * Four excuses are accepted, and counted.  A step that was refused because a frame was just being
 * converted may have done nothing.  So may one that was refused beside another one that was: while
 * that one's tables were being validated, until it failed, they were in use.  What it has adjusted
 * of them stays adjusted.  And a frame that its guest has given back leaves with its last reference,
 * one after the other; a step that is under way already keeps it from leaving.  Fourth, a copy of grants uses its pages
 * and entries for a while, and what was refused beside it may have met that.
 */
#include <string.h>

#include <tests/model/lib/model.h>

#define MOST       CONCURRENT_MOST
#define WHERE_SIZE 40u

struct job {
    struct model *model;
    const struct step *step;
    struct outcome outcome;
    bool ended;
    bool met_conversion;
};

static void body(struct vcpu *vcpu, void *arg)
{
    struct job *job = arg;
    const struct step *step = job->step;
    const struct sim *sim = job->model->sim;
    uint64_t conversions = sim->refusals[REFUSE_TYPE_UNDER_CONVERSION];

    (void)perform(vcpu, &job->model->domains[step->domain].areas[step->vcpu], step, 1, &job->outcome);
    job->met_conversion = sim->refusals[REFUSE_TYPE_UNDER_CONVERSION] > conversions;
    job->ended = true;
}

/*
 * ---- Comparing, without a word.
 */

static bool same_frame(const struct model *model, unsigned mfn)
{
    const struct oracle *oracle = model->oracle;
    const struct frame *frame = &model->sim->machine.frames[mfn];
    uint16_t owner = oracle->state.frames[mfn].owner;

    if (owner >= ORACLE_DOMAINS)
        return frame->owner >= ORACLE_DOMAINS;
    return frame->owner == owner && frame->refs == oracle->uses[mfn].refs &&
           type_count(frame->type) == oracle->uses[mfn].uses &&
           (oracle->uses[mfn].uses == 0 || (unsigned)type_of(frame->type) == oracle->uses[mfn].type) &&
           type_is_pinned(frame->type) == (oracle->state.frames[mfn].pin != 0) &&
           model->sim->machine.m2p[mfn] == oracle->state.m2p[mfn];
}

/*
 * May @seen be what an attempt to use the frame as a table or for descriptors has made of @old before
 * it failed?  Entries are adjusted one after the other, and stay so.
 */
static bool left_behind(const struct model *model, unsigned mfn, unsigned index, uint64_t old, uint64_t seen)
{
    uint16_t owner = model->oracle->state.frames[mfn].owner;
    uint64_t ad = PTE_A | PTE_D;

    for (unsigned type = O_L1; type <= O_SEGDESC; type++) {
        uint64_t adjusted = oracle_adjusted(model->oracle, owner, (enum oracle_type)type, index, old);

        if (((adjusted ^ seen) & ~ad) == 0)
            return true;
    }
    return false;
}

static bool same_memory(const struct model *model, unsigned mfn, bool attempts)
{
    const uint64_t *expected = model->oracle->memory[mfn], *seen;

    if (model->oracle->state.frames[mfn].owner >= ORACLE_DOMAINS || model_is_area(model, mfn))
        return true;
    seen = sim_frame_entries(model->sim, MFN(mfn));
    if (memcmp(seen, expected, PAGE_SIZE) == 0)
        return true;
    for (unsigned i = 0; i < 512; i++) {
        if (i != MAIL_INDEX && (seen[i] ^ expected[i]) & ~(PTE_A | PTE_D) &&
            !(attempts && left_behind(model, mfn, i, expected[i], seen[i])))
            return false;
    }
    return true;
}

/* What attempts have left behind is what we go on with. */
static void take_memory(struct model *model)
{
    struct oracle *oracle = model->oracle;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        if (oracle->state.frames[mfn].owner < ORACLE_DOMAINS)
            memcpy(oracle->memory[mfn], sim_frame_entries(model->sim, MFN(mfn)), PAGE_SIZE);
    }
}

static bool same_vcpu(const struct model *model, unsigned domain, unsigned id)
{
    const struct vcpu *vcpu = model_vcpu(model, domain, id);
    const struct oracle_vcpu *own = &model->oracle->state.domains[domain].vcpus[id];

    if (vcpu->kernel_root.v != own->kernel_root || vcpu->user_root.v != own->user_root)
        return false;
    for (unsigned i = 0; i < GDT_FRAMES; i++) {
        if (vcpu->gdt[i].v != own->gdt[i])
            return false;
    }
    for (unsigned i = 0; i < LDT_FRAMES; i++) {
        if (vcpu->ldt[i].v != own->ldt[i])
            return false;
    }
    return true;
}

/* False: @where says where they differ first. */
static bool same_state(const struct model *model, bool attempts, char *where)
{
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++) {
        bool frame = same_frame(model, mfn);

        if (frame && same_memory(model, mfn, attempts))
            continue;
        snprintf(where, WHERE_SIZE, "%s frame %#x", frame ? "what is in" : "the record of", mfn);
        return false;
    }
    for (unsigned i = 0; i < model->nr_domains; i++) {
        for (unsigned j = 0; model_alive(model, i) && j < MODEL_VCPUS; j++) {
            if (same_vcpu(model, i, j))
                continue;
            snprintf(where, WHERE_SIZE, "d%uv%u", i, j);
            return false;
        }
    }
    if (grants_difference(model))
        snprintf(where, WHERE_SIZE, "%s", grants_difference(model));
    return !grants_difference(model);
}

/* Grant operations say in their statuses what became of each element. */
static bool is_refused(const struct job *job)
{
    return job->outcome.result != 0 || (step_is_grant(job->step) && (int16_t)job->outcome.extents[0] != 0);
}

static bool same_outcome(const struct job *job, const struct outcome *expected)
{
    const struct outcome *seen = &job->outcome;

    if (job->step->kind == STEP_EMULATE || job->step->kind == STEP_LDT_FAULT)
        return (seen->result == 0) == (expected->result == 0) && (seen->result != 0 || seen->seen == expected->seen);
    if (step_is_grant(job->step) && memcmp(seen->extents, expected->extents, sizeof(seen->extents)) != 0)
        return false;
    return seen->result == expected->result && check_done(job->model, job->step, seen, expected);
}

/*
 * ---- Orders.
 */

/* The steps, what came out, and what speaks against the order that came nearest. */
struct group {
    struct model *model;
    struct job jobs[MOST];
    size_t count;
    char where[WHERE_SIZE];
};

/* Does the order @order explain everything, if the steps in @excused have done nothing? */
static bool explains(struct group *group, const unsigned *order, unsigned excused)
{
    struct oracle *oracle = group->model->oracle;
    bool same = true;

    oracle_begin(oracle);
    for (size_t i = 0; same && i < group->count; i++) {
        const struct job *job = &group->jobs[order[i]];
        struct outcome expected;

        if (excused & 1u << order[i])
            continue;
        oracle_step(oracle, job->step, &job->outcome, &expected);
        same = same_outcome(job, &expected);
    }
    if (!same || !same_state(group->model, excused != 0, group->where)) {
        oracle_rollback(oracle);
        return false;
    }
    oracle_commit(oracle);
    if (excused)
        take_memory(group->model);
    return true;
}

static bool next_order(unsigned *order, size_t count)
{
    size_t i = count - 1, j = count - 1;
    unsigned swap;

    while (i > 0 && order[i - 1] > order[i])
        i--;
    if (i == 0)
        return false;
    while (order[j] < order[i - 1])
        j--;
    swap = order[i - 1];
    order[i - 1] = order[j];
    order[j] = swap;
    for (j = count - 1; i < j; i++, j--) {
        swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    return true;
}

static bool some_order_explains(struct group *group, unsigned excused)
{
    unsigned order[MOST];

    for (unsigned i = 0; i < group->count; i++)
        order[i] = i;
    do {
        if (explains(group, order, excused))
            return true;
    } while (next_order(order, group->count));
    return false;
}

/* Some subset of @excusable that helps. */
static bool some_excuse_explains(struct group *group, unsigned excusable)
{
    for (unsigned excused = 1; excused < 1u << group->count; excused++) {
        if ((excused & ~excusable) == 0 && some_order_explains(group, excused))
            return true;
    }
    return false;
}

/*
 * ---- Frames that were given back.
 */

static bool mentions(const struct model *model, const struct step *step, uint64_t mfn)
{
    uint64_t table = step->word[0] >> PAGE_SHIFT;

    for (unsigned i = 0; i < 4; i++) {
        if (step->word[i] == mfn || (step->word[i] & PTE_FRAME) >> PAGE_SHIFT == mfn)
            return true;
    }
    if (step->kind != STEP_MMU_UPDATE || !oracle_is_ram(model->oracle, table))
        return false;
    return (model->oracle->memory[table][(step->word[0] & 0xfff) / 8] & PTE_FRAME) >> PAGE_SHIFT == mfn;
}

/* Do two of the steps need the same frame that only their references keep? */
static bool keep_alive(const struct group *group)
{
    const struct oracle *oracle = group->model->oracle;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        const struct oracle_frame *frame = &oracle->state.frames[mfn];
        unsigned count = 0;

        if (frame->owner >= ORACLE_DOMAINS || frame->allocated || frame->shared)
            continue;
        for (size_t i = 0; i < group->count; i++)
            count += mentions(group->model, group->jobs[i].step, mfn);
        if (count > 1)
            return true;
    }
    return false;
}

_Noreturn static void fail_group(const struct group *group)
{
    char results[128] = "";
    size_t length = 0;

    for (size_t i = 0; i < group->count && length < sizeof(results); i++) {
        const struct job *job = &group->jobs[i];

        length += (size_t)snprintf(
            results + length, sizeof(results) - length, " %s %lld%s;", step_name(job->step->kind),
            (long long)(step_is_grant(job->step) ? (int16_t)job->outcome.extents[0] : job->outcome.result),
            job->met_conversion ? " (converting)" : "");
    }
    sim_fail("step %llu: no order of the %zu steps explains what came out (%s):%s",
             (unsigned long long)group->model->number, group->count, *group->where ? group->where : "the results",
             results);
}

/* What came out is accepted if it makes sense in itself: check_state() recounts it. */
static void excuse_kept(struct group *group)
{
    group->model->stats->excused_kept++;
    model_learn(group->model);
}

static void explain(struct group *group)
{
    struct model_stats *stats = group->model->stats;
    unsigned converting = 0, refused = 0, copies = 0;

    for (unsigned i = 0; i < group->count; i++) {
        copies += group->jobs[i].step->kind == STEP_GRANT_COPY;
        if (!is_refused(&group->jobs[i]))
            continue;
        refused |= 1u << i;
        converting |= group->jobs[i].met_conversion ? 1u << i : 0;
    }
    stats->concurrent++;
    grants_follow_pool(group->model);
    if (some_order_explains(group, 0))
        return;
    if (some_excuse_explains(group, converting))
        stats->excused_conversions++;
    else if ((refused & (refused - 1)) && some_excuse_explains(group, refused))
        stats->excused_attempts++;
    else if (copies && some_excuse_explains(group, refused))
        stats->excused_copies++;
    else if (keep_alive(group))
        excuse_kept(group);
    else
        fail_group(group);
}

void concurrent_run(struct model *model, const struct step *steps, size_t count)
{
    struct group group = {.model = model, .count = count};
    bool all_ended = false;

    for (size_t i = 0; i < count; i++) {
        group.jobs[i] = (struct job){.model = model, .step = &steps[i]};
        sim_spawn(model->sim, model_vcpu(model, steps[i].domain, steps[i].vcpu), body, &group.jobs[i]);
    }
    while (!all_ended) {
        sim_pause(model->sim);
        all_ended = true;
        for (size_t i = 0; i < count; i++)
            all_ended &= group.jobs[i].ended;
    }
    explain(&group);
    for (size_t i = 0; i < count; i++)
        model_count(model->stats, &steps[i], &group.jobs[i].outcome);
}
