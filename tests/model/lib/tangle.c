/* SPDX-License-Identifier: MIT */
/* Tangles of steps. */
#include <string.h>

#include <tests/model/lib/tangle.h>

#define TASKS       (MODEL_DOMAINS * MODEL_VCPUS)
#define TASK_STEPS  8u
#define TASK_GROUPS 3u

/* What one vCPU does in a round. */
struct part {
    struct model *model;
    unsigned domain, vcpu;
    struct step steps[TASK_STEPS];
    size_t count;
    bool ended;
};

struct round {
    struct model *model;
    struct bytes bytes;
    struct part parts[TASKS];
    unsigned nr_parts;
    unsigned victim; /* the domain that ends in this round */
    uint64_t left;
    bool ends, ended;
    struct step_list *list;
};

struct tangle {
    struct model *model;
    struct round round;
    unsigned rounds;
};

static bool may_run(const struct part *part)
{
    return !model_vcpu(part->model, part->domain, part->vcpu)->domain->dying;
}

static void part_body(struct vcpu *vcpu, void *arg)
{
    struct part *part = arg;
    const struct place_area *area = &part->model->domains[part->domain].areas[part->vcpu];
    struct outcome outcomes[8];

    for (size_t at = 0, group; at < part->count && may_run(part); at += group) {
        const struct step *step = &part->steps[at];

        group = step_group(step, part->count - at);
        if (step_is_call(step) || step->kind == STEP_EMULATE || step->kind == STEP_LDT_FAULT) {
            if (vcpu->user_mode)
                vcpu_enter_kernel(vcpu);
        }
        (void)perform(vcpu, area, step, group, outcomes);
        for (size_t i = 0; i < group; i++) {
            model_count(part->model->stats, &step[i], &outcomes[i]);
            if (step[i].kind == STEP_VA_MAPPING || step[i].kind == STEP_STORE)
                meddle_remember(part->model, part->domain, part->vcpu, step[i].word[0]);
        }
        sim_pause(part->model->sim);
    }
    part->ended = true;
}

static void end_body(struct vcpu *vcpu, void *arg)
{
    struct round *round = arg;
    unsigned delay = bytes_below(&round->bytes, 40);

    (void)vcpu;
    for (unsigned i = 0; i < delay; i++)
        sim_pause(round->model->sim);
    round->left = domain_destroy(sim_domain(round->model->sim, round->victim));
    round->ended = true;
}

/* A sequence for each vCPU, from what is there before the round. */
static void plan(struct round *round)
{
    struct model *model = round->model;

    round->nr_parts = 0;
    round->list->count = 0;
    for (unsigned i = 0; i < model->nr_domains * MODEL_VCPUS; i++) {
        struct part *part = &round->parts[round->nr_parts];
        unsigned domain = i / MODEL_VCPUS;

        if (!model_alive(model, domain))
            continue;
        *part = (struct part){.model = model, .domain = domain, .vcpu = i % MODEL_VCPUS};
        for (unsigned group = 0; group < TASK_GROUPS && part->count + DRAW_MOST <= TASK_STEPS; group++) {
            struct step *steps = &part->steps[part->count];

            part->count += draw_steps_of(model, &round->bytes, domain, part->vcpu, steps);
            if (steps->kind == STEP_DESTROY)
                part->count--;
        }
        for (size_t at = 0; at < part->count; at++) {
            if (!model->oracle->state.domains[domain].wide)
                step_narrow(&part->steps[at]);
        }
        list_add(round->list, part->steps, part->count);
        round->nr_parts++;
    }
    round->ends = bytes_below(&round->bytes, 16) == 0;
    round->victim = bytes_below(&round->bytes, model->nr_domains);
    round->ends = round->ends && model_alive(model, round->victim);
    round->ended = !round->ends;
}

static void run_round(struct round *round)
{
    struct model *model = round->model;
    bool all_ended = false;

    for (unsigned i = 0; i < round->nr_parts; i++) {
        struct part *part = &round->parts[i];

        sim_spawn(model->sim, model_vcpu(model, part->domain, part->vcpu), part_body, part);
    }
    if (round->ends)
        sim_spawn(model->sim, NULL, end_body, round);
    while (!all_ended) {
        sim_pause(model->sim);
        all_ended = round->ended;
        for (unsigned i = 0; i < round->nr_parts; i++)
            all_ended &= round->parts[i].ended;
    }
}

/* The books, while nothing is under way. */
static void check_round(struct round *round)
{
    struct model *model = round->model;
    uint64_t owned = 0;

    model->nr_mails = 0;
    model->number++;
    check_engine(model);
    model_learn(model);
    check_state(model);
    if (round->ends) {
        model->stats->reboots++;
        model->stats->lingering += round->left > 0;
        for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++)
            owned += model->oracle->state.frames[mfn].owner == round->victim;
        /* Others may have let go of some since. */
        if (owned > round->left)
            sim_fail("a domain that has ended owns %llu frames, more than the %llu it left", (unsigned long long)owned,
                     (unsigned long long)round->left);
        if (owned == 0)
            (void)model_boot_again(model, round->victim);
    }
    for (unsigned i = 0; i < model->nr_domains; i++) {
        if (!model_alive(model, i) || model_areas_reachable(model, i))
            continue;
        model->stats->wedged++;
        model_reboot(model, i);
    }
}

static void body(struct vcpu *vcpu, void *arg)
{
    struct tangle *tangle = arg;

    (void)vcpu;
    for (unsigned i = 0; i < tangle->rounds; i++) {
        plan(&tangle->round);
        run_round(&tangle->round);
        check_round(&tangle->round);
    }
    model_finish(tangle->model);
}

bool tangle(const struct model_config *config, unsigned rounds, struct step_list *list, struct model_stats *stats,
            struct run *run)
{
    struct tangle all = {.rounds = rounds};
    bool failed;

    all.model = model_create(config, stats);
    all.round.model = all.model;
    all.round.bytes.random = (config->seed + 1) * UINT64_C(0xd1342543de82ef95);
    all.round.list = list;
    failed = sim_fails(all.model->sim, body, NULL, &all);
    if (failed)
        memcpy(run->message, all.model->sim->fail_message, sizeof(run->message));
    model_destroy(all.model);
    return !failed;
}
