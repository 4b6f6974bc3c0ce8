/* SPDX-License-Identifier: MIT */
/*
 * Random sequences against the oracle, one step at a time, with everything that may happen beside
 * one: preemption, other guests' stores through stale translations, speculative walks.
 *
 * PARAVANE_MODEL_OPS      how many steps (default 320,000)
 * PARAVANE_MODEL_SEED     which ones (default 1)
 * PARAVANE_MODEL_SECONDS  go on for so long instead
 * PARAVANE_MODEL_REPLAY   run this file of steps, and nothing else
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <tests/model/lib/model_run.h>

#define STEPS_PER_MACHINE 1500u
#define DEFAULT_STEPS     320000u

static struct bytes random_bytes(uint64_t seed)
{
    return (struct bytes){.random = (seed + 1) * UINT64_C(0xd1342543de82ef95)};
}

/* ---- Sequences. */

/* Shows types.no-writable-table, types.hypervisor, types.own-frames, types.counted. */
static void test_random_sequences(void **state)
{
    uint64_t steps = env_number("PARAVANE_MODEL_OPS", DEFAULT_STEPS);
    uint64_t seconds = env_number("PARAVANE_MODEL_SECONDS", 0);
    uint64_t seed = env_number("PARAVANE_MODEL_SEED", 1) << 20;
    struct model_stats *stats = calloc(1, sizeof(*stats));
    double begin = seconds_used(), used;

    (void)state;
    assert_non_null(stats);
    while (seconds ? seconds_used() - begin < (double)seconds : stats->steps < steps) {
        struct model_config config = config_of(seed);
        struct bytes bytes = random_bytes(seed++);
        struct step_list list = {NULL, 0, 0};
        struct run run = {.at = 0};
        bool ok = run_drawn(&config, &bytes, STEPS_PER_MACHINE, &list, stats, &run);

        if (!ok)
            report_failure(&config, &list, &run);
        list_free(&list);
        assert_true(ok);
    }
    used = seconds_used() - begin;
    stats_print(stdout, stats);
    printf("  %.1f s, %.0f steps a second\n", used, (double)stats->steps / used);
    free(stats);
}

/* ---- Schedules. */

#define SCHEDULE_STEPS 600u
#define SCRIPT_POINTS  4096u

static void hash_run(const struct model_config *config, const struct step_list *list, uint64_t *hashes)
{
    struct model_stats stats = {0};
    struct run run = {.hashes = hashes};

    if (!run_list(config, list->steps, list->count, &stats, &run))
        fail_msg("seed %#llx, preemption %d: step %zu: %s", (unsigned long long)config->seed, config->preemption,
                 run.at, run.message);
}

static void compare_hashes(const struct model_config *config, const struct step_list *list, const uint64_t *never,
                           const uint64_t *hashes)
{
    for (size_t i = 0; i < list->count; i++) {
        if (never[i] == hashes[i])
            continue;
        fprintf(stderr, "seed %#llx: preemption %d: the state after step %zu differs:\n",
                (unsigned long long)config->seed, config->preemption, i);
        step_print(stderr, &list->steps[i]);
        fail();
    }
}

/* The same steps, never preempted, always, and at points chosen at random, leave the same state after each. */
static void compare_schedules(uint64_t seed)
{
    struct model_config config = {.seed = seed};
    struct bytes bytes = random_bytes(seed);
    struct model_stats stats = {0};
    struct step_list list = {NULL, 0, 0};
    struct run run = {.at = 0};
    uint64_t never[SCHEDULE_STEPS + DRAW_MOST] = {0}, hashes[SCHEDULE_STEPS + DRAW_MOST] = {0};
    uint64_t script[SCRIPT_POINTS];

    assert_true(run_drawn(&config, &bytes, SCHEDULE_STEPS, &list, &stats, &run));
    hash_run(&config, &list, never);
    config.preemption = SIM_PREEMPT_ALWAYS;
    hash_run(&config, &list, hashes);
    compare_hashes(&config, &list, never, hashes);
    config.preemption = SIM_PREEMPT_SCRIPT;
    for (unsigned run_number = 0; run_number < 3; run_number++) {
        uint64_t at = 0;

        for (unsigned i = 0; i < SCRIPT_POINTS; i++) {
            at += 1 + bytes_below(&bytes, 1u << (1 + 2 * run_number));
            script[i] = at;
        }
        config.script = script;
        config.script_length = SCRIPT_POINTS;
        hash_run(&config, &list, hashes);
        compare_hashes(&config, &list, never, hashes);
    }
    list_free(&list);
}

static void test_schedules_are_equivalent(void **state)
{
    uint64_t count = env_number("PARAVANE_MODEL_OPS", DEFAULT_STEPS) / 16000;
    uint64_t seed = env_number("PARAVANE_MODEL_SEED", 1) << 20 | 0x80000;

    (void)state;
    if (count == 0)
        count = 1;
    for (uint64_t i = 0; i < count; i++)
        compare_schedules(seed + i);
    printf("  %llu lists of %u steps under 5 schedules each\n", (unsigned long long)count, SCHEDULE_STEPS);
}

/* ---- The test of the tests. */

/*
 * The rarest of the mistakes is noticed by one seed of thirty.  With so many, that none does is not an accident of the
 * order in which random numbers are asked for.
 */
#define MISTAKE_SEEDS 400u

/* A mistaken oracle is noticed, and a few steps are enough to show it. */
static void expect_noticed(enum oracle_mistake mistake)
{
    for (uint64_t seed = 1; seed < MISTAKE_SEEDS; seed++) {
        struct model_config config = config_of(seed);
        struct bytes bytes = random_bytes(seed);
        struct model_stats stats = {0};
        struct step_list list = {NULL, 0, 0};
        struct run run = {.at = 0};
        bool ok;
        size_t enough;

        config.mistake = mistake;
        ok = run_drawn(&config, &bytes, 400, &list, &stats, &run);
        if (!ok)
            shrink(&config, &list, &run, 60);
        enough = list.count;
        list_free(&list);
        if (ok)
            continue;
        printf("  mistake %d: seed %llu, %zu steps: %s\n", mistake, (unsigned long long)seed, enough, run.message);
        assert_in_range(enough, 1, 10);
        return;
    }
    fail_msg("mistake %d of the oracle was not noticed", mistake);
}

static void test_mistakes_are_noticed(void **state)
{
    (void)state;
    for (unsigned mistake = ORACLE_RIGHT + 1; mistake < ORACLE_MISTAKES; mistake++)
        expect_noticed((enum oracle_mistake)mistake);
}

/* What is written to a replay file is what comes out of it, and fails in the same way. */
static void test_replay_files(void **state)
{
    struct model_config config = {.seed = 7, .mistake = ORACLE_PINS_TWICE}, read;
    struct step_list list = {NULL, 0, 0}, again = {NULL, 0, 0};
    struct bytes bytes = random_bytes(7);
    struct model_stats stats = {0};
    struct run first = {.at = 0}, second = {.at = 0};
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    assert_false(run_drawn(&config, &bytes, 4000, &list, &stats, &first));
    replay_write(file, &config, &list, first.message);
    rewind(file);
    assert_true(replay_read(file, &read, &again));
    fclose(file);
    assert_int_equal(again.count, list.count);
    assert_memory_equal(again.steps, list.steps, list.count * sizeof(list.steps[0]));
    read.mistake = config.mistake;
    assert_false(run_list(&read, again.steps, again.count, &stats, &second));
    assert_int_equal(first.at, second.at);
    assert_string_equal(first.message, second.message);
    list_free(&list);
    list_free(&again);
}

/* ---- A file of steps. */

static void test_replay(void **state)
{
    const char *name = getenv("PARAVANE_MODEL_REPLAY");
    FILE *file = name ? fopen(name, "r") : NULL;
    struct model_stats stats = {0};
    struct step_list list = {NULL, 0, 0};
    struct run run = {.trace = stdout};
    struct model_config config;
    bool ok;

    (void)state;
    if (!file || !replay_read(file, &config, &list))
        fail_msg("%s is no replay file", name ? name : "");
    fclose(file);
    ok = run_list(&config, list.steps, list.count, &stats, &run);
    list_free(&list);
    if (!ok)
        fail_msg("%s", run.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sequences),
        cmocka_unit_test(test_schedules_are_equivalent),
        cmocka_unit_test(test_mistakes_are_noticed),
        cmocka_unit_test(test_replay_files),
    };
    const struct CMUnitTest replay[] = {cmocka_unit_test(test_replay)};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (getenv("PARAVANE_MODEL_REPLAY"))
        return cmocka_run_group_tests(replay, NULL, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
