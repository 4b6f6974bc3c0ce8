/* SPDX-License-Identifier: MIT */
/*
 * Several vCPUs at once.  Small groups of single changes must have an explanation as a sequence;
 * long tangles of whatever guests do, teardown among it, must keep the promises of the engine.
 *
 * PARAVANE_MODEL_OPS (default 60,000 of each kind), PARAVANE_MODEL_SEED, PARAVANE_MODEL_SECONDS: as in test_model.c,
 * which also runs the replay files that are written here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <cmocka.h>

#include <tests/model/lib/tangle.h>

#define STEPS_PER_MACHINE 1000u
#define DEFAULT_STEPS     60000u

static struct model_config interleaved_config(uint64_t seed)
{
    static const struct model_config variety[] = {
        {.preemption = SIM_PREEMPT_ALWAYS},
        {.preemption = SIM_PREEMPT_RANDOM, .preempt_per_256 = 60, .meddle = true},
        {.preemption = SIM_PREEMPT_RANDOM, .preempt_per_256 = 160, .speculate_per_256 = 2},
        {.preemption = SIM_PREEMPT_ALWAYS, .meddle = true},
    };
    struct model_config config = variety[seed % ARRAY_SIZE(variety)];

    config.seed = seed;
    config.concurrent_per_256 = 100;
    return config;
}

static void test_some_order_explains(void **state)
{
    uint64_t steps = env_number("PARAVANE_MODEL_OPS", DEFAULT_STEPS);
    uint64_t seconds = env_number("PARAVANE_MODEL_SECONDS", 0) / 2;
    uint64_t seed = env_number("PARAVANE_MODEL_SEED", 1) << 20 | 0x40000;
    struct model_stats *stats = calloc(1, sizeof(*stats));
    double begin = seconds_used(), used;

    (void)state;
    assert_non_null(stats);
    while (seconds ? seconds_used() - begin < (double)seconds : stats->steps < steps) {
        struct model_config config = interleaved_config(seed);
        struct bytes bytes = {.random = (seed++ + 1) * UINT64_C(0xd1342543de82ef95)};
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

/* ---- Tangles. */

#define ROUNDS_PER_MACHINE 60u

static void test_tangles(void **state)
{
    uint64_t steps = env_number("PARAVANE_MODEL_OPS", DEFAULT_STEPS);
    uint64_t seconds = env_number("PARAVANE_MODEL_SECONDS", 0) / 2;
    uint64_t seed = env_number("PARAVANE_MODEL_SEED", 1) << 20 | 0xc0000;
    struct model_stats *stats = calloc(1, sizeof(*stats));
    double begin = seconds_used(), used;

    (void)state;
    assert_non_null(stats);
    while (seconds ? seconds_used() - begin < (double)seconds : stats->steps < steps) {
        struct model_config config = interleaved_config(seed++);
        struct step_list list = {NULL, 0, 0};
        struct run run = {.at = 0};
        bool ok = tangle(&config, ROUNDS_PER_MACHINE, &list, stats, &run);

        if (!ok) {
            fprintf(stderr, "seed %#llx: %s\nthe round was:\n", (unsigned long long)config.seed, run.message);
            for (size_t i = 0; i < list.count; i++)
                step_print(stderr, &list.steps[i]);
        }
        list_free(&list);
        assert_true(ok);
    }
    used = seconds_used() - begin;
    stats_print(stdout, stats);
    printf("  %.1f s, %.0f steps a second\n", used, (double)stats->steps / used);
    free(stats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_some_order_explains),
        cmocka_unit_test(test_tangles),
    };

    setvbuf(stdout, NULL, _IOLBF, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
