/* SPDX-License-Identifier: MIT */
/* Scenes, scrambles, and the meter. */
#include <stdlib.h>
#include <string.h>

#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

#define PAUSES     400u /* switches after which the others are taken to wait for the act */
#define INTERRUPTS 100u /* of 256 points, in a scramble */

static void check_rule(struct sim *sim)
{
    struct sim_finding finding;

    if (sim_check_tlb_rule(sim, &finding))
        return;
    sim_print_finding(&finding);
    sim_fail("rule: %s", finding.rule);
}

/*
 * ---- Tasks.
 */

struct role {
    struct race *race;
    unsigned index;
};

static void run_act(struct vcpu *vcpu, void *arg)
{
    struct race *race = arg;
    uint64_t first = race->lesson.sim->preempt_points;

    race->scene->act(race, vcpu);
    race->points = race->lesson.sim->preempt_points - first;
    race->ended = true;
}

/* The others wait until the act is stopped, or has ended without. */
static void run_other(struct vcpu *vcpu, void *arg)
{
    const struct role *role = arg;
    struct race *race = role->race;

    while (!race->reached && !race->ended)
        sim_pause(race->lesson.sim);
    race->scene->others[role->index](race, vcpu);
    race->nr_left--;
}

static struct vcpu *vcpu_of_other(const struct lesson *lesson, unsigned index)
{
    const struct domain *domain = lesson->guest->domain;

    if (index + 1 < domain->nr_vcpus)
        return domain->vcpus[index + 1];
    return lesson->other_vcpu;
}

/* Run all tasks of the scene to their ends. */
static void run_tasks(struct race *race)
{
    const struct scene *scene = race->scene;
    struct role roles[RACE_OTHERS];

    sim_spawn(race->lesson.sim, race->lesson.vcpu, run_act, race);
    for (unsigned i = 0; i < RACE_OTHERS && scene->others[i]; i++) {
        roles[i] = (struct role){race, i};
        race->nr_left++;
        sim_spawn(race->lesson.sim, vcpu_of_other(&race->lesson, i), run_other, &roles[i]);
    }
    sim_run(race->lesson.sim);
}

/*
 * ---- Scenes.
 */

/* The act is stopped: the others go first, as far as they get without it. */
static void stop_here(struct sim *sim)
{
    struct race *race = sim->user;
    unsigned stops = race->scene->stops ? race->scene->stops : 1;

    check_rule(sim);
    race->reached = true;
    if (race->nr_stops == stops)
        return;
    race->nr_stops++;
    sim->preemption = race->nr_stops < stops ? SIM_PREEMPT_ALWAYS : SIM_PREEMPT_NEVER;
    for (unsigned i = 0; i < PAUSES && race->nr_left > 0; i++)
        sim_pause(sim);
    check_rule(sim);
}

static void begin_round(struct race *race, const struct scene *scene, unsigned round, uint64_t seed)
{
    struct sim_config config = scene->config;

    *race = (struct race){.scene = scene, .round = round};
    config.seed += seed;
    lesson_begin(&race->lesson, &config);
    race->lesson.sim->user = race;
    if (scene->prepare)
        scene->prepare(race);
}

static void end_round(struct race *race)
{
    race->lesson.sim->preemption = SIM_PREEMPT_NEVER;
    race->lesson.sim->on_preempt = NULL;
    race->lesson.sim->speculate_per_256 = 0;
    if (race->scene->check)
        race->scene->check(race);
    lesson_end(&race->lesson);
}

/* One play; @point is UINT64_MAX for the one that is not stopped.  Returns how many points the act passed. */
static uint64_t play(const struct scene *scene, uint64_t point)
{
    struct race race;
    uint64_t script;

    begin_round(&race, scene, (unsigned)point, 0);
    script = race.lesson.sim->preempt_points + point;
    if (point != UINT64_MAX) {
        race.lesson.sim->preempt_script = &script;
        race.lesson.sim->preempt_script_length = 1;
        race.lesson.sim->preemption = SIM_PREEMPT_SCRIPT;
        race.lesson.sim->on_preempt = stop_here;
    }
    run_tasks(&race);
    assert_true(race.ended && race.nr_left == 0);
    assert_int_equal(race.reached, point != UINT64_MAX);
    end_round(&race);
    return race.points;
}

uint64_t race_play(const struct scene *scene)
{
    unsigned stride = scene->stride ? scene->stride : 1;
    uint64_t points = play(scene, UINT64_MAX);

    assert_true(points > 0);
    for (uint64_t point = 0; point < points; point += stride)
        play(scene, point);
    play(scene, points - 1);
    return points;
}

void race_scramble(const struct scene *scene, unsigned seeds)
{
    for (unsigned seed = 0; seed < seeds; seed++) {
        struct race race;

        begin_round(&race, scene, seed, seed);
        race.reached = true;
        race.lesson.sim->preemption = SIM_PREEMPT_RANDOM;
        race.lesson.sim->preempt_per_256 = INTERRUPTS;
        race.lesson.sim->speculate_per_256 = seed % 2 ? 8 : 0;
        race.lesson.sim->on_preempt = check_rule;
        run_tasks(&race);
        end_round(&race);
    }
}

vaddr_t race_put_mmuext(struct vcpu *vcpu, unsigned command, mfn_t mfn)
{
    const struct mmuext_op op = {.cmd = command, .arg1.mfn = mfn.v};

    assert_int_equal(vcpu->domain->width, WIDTH_64);
    return guest_put(vcpu, &op, sizeof(op));
}

int64_t race_mmuext(struct vcpu *vcpu, vaddr_t argument)
{
    return guest_hypercall(vcpu, __HYPERVISOR_mmuext_op, argument.v, 1, 0, DOMID_SELF, 0, 0);
}

/*
 * ---- The meter.
 */

struct meter {
    struct frame *before;
    uint64_t most;
};

static struct meter meter;

static uint64_t difference(uint32_t a, uint32_t b)
{
    return a > b ? a - b : b - a;
}

static void meter_read(struct sim *sim)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < sim->machine.nr_frames; i++) {
        const struct frame *now = &sim->machine.frames[i], *before = &meter.before[i];

        if (now->refs == before->refs && now->type.v == before->type.v)
            continue;
        sum += difference(now->refs, before->refs) + (now->type.v != before->type.v);
        meter.before[i] = *now;
    }
    if (sum > meter.most)
        meter.most = sum;
}

void meter_start(struct sim *sim)
{
    size_t size = sim->machine.nr_frames * sizeof(struct frame);

    meter.most = 0;
    meter.before = malloc(size);
    assert_non_null(meter.before);
    memcpy(meter.before, sim->machine.frames, size);
    sim->preemption = SIM_PREEMPT_ALWAYS;
    sim->on_preempt = meter_read;
}

uint64_t meter_stop(struct sim *sim)
{
    sim->preemption = SIM_PREEMPT_NEVER;
    sim->on_preempt = NULL;
    meter_read(sim);
    free(meter.before);
    meter.before = NULL;
    return meter.most;
}
