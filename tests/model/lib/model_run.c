/* SPDX-License-Identifier: MIT */
/* Lists of steps in machines of their own. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tests/model/lib/model_run.h>

void list_add(struct step_list *list, const struct step *steps, size_t count)
{
    if (list->count + count > list->room) {
        list->room = 2 * (list->count + count);
        list->steps = realloc(list->steps, list->room * sizeof(list->steps[0]));
        if (!list->steps)
            abort();
    }
    memcpy(list->steps + list->count, steps, count * sizeof(steps[0]));
    list->count += count;
}

void list_free(struct step_list *list)
{
    free(list->steps);
    *list = (struct step_list){NULL, 0, 0};
}

uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

double seconds_used(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct model_config config_of(uint64_t seed)
{
    static const struct model_config variety[] = {
        {.preemption = SIM_PREEMPT_NEVER, .speculate_per_256 = 2},
        {.preemption = SIM_PREEMPT_RANDOM, .preempt_per_256 = 40, .meddle = true},
        {.preemption = SIM_PREEMPT_ALWAYS, .meddle = true},
        {.preemption = SIM_PREEMPT_RANDOM, .preempt_per_256 = 128, .speculate_per_256 = 6, .meddle = true},
        {.preemption = SIM_PREEMPT_RANDOM, .preempt_per_256 = 10, .speculate_per_256 = 20},
        {.preemption = SIM_PREEMPT_NEVER, .speculate_per_256 = 6, .meddle = true},
    };
    struct model_config config = variety[seed % ARRAY_SIZE(variety)];

    config.seed = seed;
    return config;
}

/*
 * ---- Runs.
 */

struct job {
    struct model *model;
    struct bytes *bytes; /* NULL: a list */
    struct step_list *list;
    const struct step *steps;
    size_t count;
    struct run *run;
};

static void run_group(struct job *job, const struct step *steps, size_t count)
{
    struct run *run = job->run;

    if (run->trace) {
        for (size_t i = 0; i < count; i++)
            step_print(run->trace, &steps[i]);
    }
    model_steps(job->model, steps, count);
    if (run->hashes)
        run->hashes[run->at] = check_hash(job->model);
}

static void body(struct vcpu *vcpu, void *arg)
{
    struct job *job = arg;
    struct step drawn[DRAW_MOST];
    size_t count;

    (void)vcpu;
    while (job->bytes && job->run->at < job->count && bytes_left(job->bytes)) {
        count = draw_steps(job->model, job->bytes, drawn);
        list_add(job->list, drawn, count);
        for (size_t done = 0, group; done < count; done += group) {
            group = step_group(drawn + done, count - done);
            run_group(job, drawn + done, group);
            job->run->at += group;
        }
    }
    while (!job->bytes && job->run->at < job->count) {
        count = step_group(job->steps + job->run->at, job->count - job->run->at);
        run_group(job, job->steps + job->run->at, count);
        job->run->at += count;
    }
    model_finish(job->model);
}

static bool run_job(const struct model_config *config, struct job *job, struct model_stats *stats)
{
    bool failed;

    job->run->at = 0;
    job->model = model_create(config, stats);
    failed = sim_fails(job->model->sim, body, NULL, job);
    if (failed)
        memcpy(job->run->message, job->model->sim->fail_message, sizeof(job->run->message));
    model_destroy(job->model);
    return !failed;
}

bool run_list(const struct model_config *config, const struct step *steps, size_t count, struct model_stats *stats,
              struct run *run)
{
    struct job job = {.steps = steps, .count = count, .run = run};

    return run_job(config, &job, stats);
}

bool run_drawn(const struct model_config *config, struct bytes *bytes, size_t count, struct step_list *list,
               struct model_stats *stats, struct run *run)
{
    struct job job = {.bytes = bytes, .list = list, .count = count, .run = run};

    return run_job(config, &job, stats);
}

/*
 * ---- Statistics.
 */

void stats_add(struct model_stats *to, const struct model_stats *from)
{
    /* Nothing but counters of one type. */
    uint64_t *sum = (uint64_t *)(void *)to;
    const uint64_t *more = (const uint64_t *)(const void *)from;

    for (size_t i = 0; i < sizeof(*to) / sizeof(uint64_t); i++)
        sum[i] += more[i];
}

static void print_count(FILE *to, const char *name, const struct model_count *count)
{
    if (count->tried)
        fprintf(to, "    %-32s %9llu  %5.1f %%\n", name, (unsigned long long)count->tried,
                100.0 * (double)count->accepted / (double)count->tried);
}

static void print_live(FILE *to, const struct model_stats *stats)
{
    fprintf(to, "  on average");
    for (unsigned i = O_L1; i < O_TYPES; i++)
        fprintf(to, " %.1f %s,", (double)stats->live[i] / (double)stats->steps, oracle_type_name((enum oracle_type)i));
    fprintf(to, " %.1f pins, %.1f mapped grants, %.2f links\n", (double)stats->pins / (double)stats->steps,
            (double)stats->mappings / (double)stats->steps, (double)stats->links / (double)stats->steps);
}

static void print_operations(FILE *to, const struct model_stats *stats)
{
    static const char *const commands[21] = {"pin L1",
                                             "pin L2",
                                             "pin L3",
                                             "pin L4",
                                             "unpin",
                                             "new_baseptr",
                                             "tlb_flush_local",
                                             "invlpg_local",
                                             "tlb_flush_multi",
                                             "invlpg_multi",
                                             "tlb_flush_all",
                                             "invlpg_all",
                                             "flush_cache",
                                             "set_ldt",
                                             "14",
                                             "new_user_baseptr",
                                             "clear_page",
                                             "copy_page",
                                             "flush_cache_global",
                                             "mark_super",
                                             "unmark_super"};
    static const char *const forms[8] = {"mov", "xchg", "cmpxchg", "and", "or", "xor", "add", ""};

    for (unsigned i = 0; i < STEP_KIND_COUNT; i++)
        print_count(to, step_name(i), &stats->kinds[i]);
    for (unsigned i = 0; i < 21; i++)
        print_count(to, commands[i], &stats->mmuext[i]);
    for (unsigned i = 0; i < 8; i++)
        print_count(to, forms[i], &stats->forms[i]);
}

static void print_stores(FILE *to, const struct model_stats *stats)
{
    fprintf(to,
            "  %llu yields, %llu rule checks at them, %llu stores at them landed, %llu of them stale\n"
            "  %llu stores between steps landed, %llu of them stale\n",
            (unsigned long long)stats->yields, (unsigned long long)stats->rule_checks, (unsigned long long)stats->mails,
            (unsigned long long)stats->mails_stale, (unsigned long long)stats->stores_landed,
            (unsigned long long)stats->stores_stale);
}

static void print_ends(FILE *to, const struct model_stats *stats)
{
    fprintf(
        to,
        "  %llu ends of domains, %llu left frames behind, %llu since they had lost their tables; %llu began without "
        "a grant table\n",
        (unsigned long long)stats->reboots, (unsigned long long)stats->lingering, (unsigned long long)stats->wedged,
        (unsigned long long)stats->tableless);
}

static void print_concurrent(FILE *to, const struct model_stats *stats)
{
    fprintf(to,
            "  %llu times several at once; explained but for a conversion met %llu, another one that failed %llu, a "
            "frame kept %llu, a copy met %llu\n",
            (unsigned long long)stats->concurrent, (unsigned long long)stats->excused_conversions,
            (unsigned long long)stats->excused_attempts, (unsigned long long)stats->excused_kept,
            (unsigned long long)stats->excused_copies);
}

static void print_refusals(FILE *to, const struct model_stats *stats)
{
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        if (stats->reasons[i])
            fprintf(to, "    refused for %-24s %9llu\n", refusal_name((enum refusal_reason)i),
                    (unsigned long long)stats->reasons[i]);
    }
}

void stats_print(FILE *to, const struct model_stats *stats)
{
    fprintf(to, "  %llu steps, %.1f %% accepted\n", (unsigned long long)stats->steps,
            stats->steps ? 100.0 - 100.0 * (double)stats->refused / (double)stats->steps : 0.0);
    print_operations(to, stats);
    print_stores(to, stats);
    print_ends(to, stats);
    if (stats->concurrent)
        print_concurrent(to, stats);
    if (stats->live[O_WRITABLE])
        print_live(to, stats);
    print_refusals(to, stats);
}
