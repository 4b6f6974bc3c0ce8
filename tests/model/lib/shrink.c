/* SPDX-License-Identifier: MIT */
/* A failing list made small, and written down. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tests/model/lib/model_run.h>

#define INTERLEAVINGS 12u /* that are tried where steps run at the same time */
#define PRINTED_MOST  60u /* steps; more are in the file only */

/* A search under way. */
struct search {
    struct model_config *config;
    struct step_list *list;
    struct run *run;
    double until;
    unsigned runs;
};

static bool is_concurrent(const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].chained >= STEP_CONCURRENT)
            return true;
    }
    return false;
}

/* The next letter outside numbers. */
static const char *next_letter(const char *at)
{
    while (*at && !isalpha((unsigned char)*at)) {
        if (isdigit((unsigned char)*at)) {
            while (isalnum((unsigned char)*at))
                at++;
        } else {
            at++;
        }
    }
    return at;
}

/* Do two messages begin alike, but for numbers? */
static bool similar(const char *one, const char *other)
{
    for (unsigned letters = 0; letters < 40; letters++) {
        one = next_letter(one);
        other = next_letter(other);
        if (*one != *other)
            return false;
        if (!*one)
            return true;
        one++;
        other++;
    }
    return true;
}

/* Run it; where steps run at the same time, under several interleavings. */
static bool fails_somehow(struct search *search, struct model_config *config, const struct step *steps, size_t count,
                          struct run *run)
{
    unsigned most = is_concurrent(steps, count) ? INTERLEAVINGS : 0;
    struct model_stats stats = {0};

    for (unsigned i = 0; i <= most; i++) {
        config->shake = i ? i : config->shake;
        search->runs++;
        if (!run_list(config, steps, count, &stats, run) && similar(run->message, search->run->message))
            return true;
    }
    return false;
}

/* Does @steps fail too?  If so it is what we go on with. */
static bool still_fails(struct search *search, const struct model_config *config, const struct step *steps,
                        size_t count)
{
    struct model_config shaken = *config;
    struct run run = {.at = 0};

    if (seconds_used() > search->until || !fails_somehow(search, &shaken, steps, count, &run))
        return false;
    *search->config = shaken;
    if (run.at < count) /* what stands behind the failing group is of no use */
        count = run.at + step_group(steps + run.at, count - run.at);
    memmove(search->list->steps, steps, count * sizeof(steps[0]));
    search->list->count = count;
    memcpy(search->run->message, run.message, sizeof(run.message));
    search->run->at = run.at;
    return true;
}

/* Try to do without @length steps from @at on. */
static bool try_without(struct search *search, size_t at, size_t length)
{
    size_t count = search->list->count - length;
    struct step *fewer = malloc((count + 1) * sizeof(fewer[0]));
    bool fails;

    if (!fewer)
        abort();
    memcpy(fewer, search->list->steps, at * sizeof(fewer[0]));
    memcpy(fewer + at, search->list->steps + at + length, (count - at) * sizeof(fewer[0]));
    fails = still_fails(search, search->config, fewer, count);
    free(fewer);
    return fails;
}

/* Leave out ever smaller pieces, the last ones first. */
static void remove_steps(struct search *search)
{
    for (size_t length = search->list->count / 2; length > 0;) {
        bool some = false;

        for (size_t at = search->list->count; at > 0;) {
            at = at > length ? at - length : 0;
            if (at + length <= search->list->count && try_without(search, at, length)) {
                some = true;
                at = at < search->list->count ? at : search->list->count;
            }
        }
        if (length > 1 || !some)
            length /= 2;
    }
}

/* The list with step @at replaced. */
static bool try_instead(struct search *search, size_t at, const struct step *step)
{
    size_t count = search->list->count;
    struct step *changed = malloc(count * sizeof(changed[0]));
    bool fails;

    if (!changed)
        abort();
    memcpy(changed, search->list->steps, count * sizeof(changed[0]));
    changed[at] = *step;
    fails = still_fails(search, search->config, changed, count);
    free(changed);
    return fails;
}

/* Batches of fewer requests, calls outside multicalls. */
static void plain_steps(struct search *search)
{
    for (size_t at = 0; at < search->list->count; at++) {
        struct step step = search->list->steps[at];
        unsigned size = step.kind == STEP_MMU_UPDATE ? 2 : step.kind == STEP_MMUEXT ? 3 : 0;

        if (step.chained) {
            step.chained = 0;
            if (!try_instead(search, at, &step))
                step.chained = 1;
        }
        for (unsigned i = size ? step.count : 0; i-- > 0;) {
            struct step fewer = step;

            if (fewer.count == 1)
                break;
            fewer.count--;
            memmove(&fewer.word[i * size], &fewer.word[(i + 1) * size],
                    (STEP_WORDS - (i + 1) * size) * sizeof(fewer.word[0]));
            if (try_instead(search, at, &fewer))
                step = fewer;
        }
    }
}

static void plain_config(struct search *search)
{
    struct model_config plain = *search->config;

    plain.speculate_per_256 = 0;
    if (!still_fails(search, &plain, search->list->steps, search->list->count))
        plain = *search->config;
    plain.meddle = false;
    if (!still_fails(search, &plain, search->list->steps, search->list->count))
        plain = *search->config;
    plain.preemption = SIM_PREEMPT_NEVER;
    (void)still_fails(search, &plain, search->list->steps, search->list->count);
}

unsigned shrink(struct model_config *config, struct step_list *list, struct run *run, unsigned seconds)
{
    struct search search = {config, list, run, seconds_used() + seconds, 0};
    size_t before;

    if (!still_fails(&search, config, list->steps, list->count))
        return search.runs; /* it depends on more than the list: leave it whole */
    plain_config(&search);
    do {
        before = list->count;
        remove_steps(&search);
        plain_steps(&search);
    } while (list->count < before && seconds_used() < search.until);
    plain_config(&search);
    return search.runs;
}

/*
 * ---- Files.
 */

void replay_write(FILE *to, const struct model_config *config, const struct step_list *list, const char *message)
{
    fprintf(to, "# %s\n", message);
    fprintf(to, "model %llx %x %x %x %x %x\n", (unsigned long long)config->seed, config->preemption,
            config->preempt_per_256, config->speculate_per_256, config->meddle, config->shake);
    for (size_t i = 0; i < list->count; i++)
        step_write(to, &list->steps[i]);
}

bool replay_read(FILE *from, struct model_config *config, struct step_list *list)
{
    unsigned long long seed;
    unsigned preemption, chance, speculate, meddle, shake;
    char line[1024];
    bool found = false;

    while (fgets(line, sizeof(line), from)) {
        struct step step;

        if (line[0] == '#') {
            continue;
        } else if (sscanf(line, "model %llx %x %x %x %x %x", &seed, &preemption, &chance, &speculate, &meddle,
                          &shake) == 6) {
            *config = (struct model_config){.seed = seed,
                                            .preemption = (enum sim_preemption)preemption,
                                            .preempt_per_256 = chance,
                                            .speculate_per_256 = speculate,
                                            .meddle = meddle,
                                            .shake = shake};
            found = true;
        } else if (step_read(line, &step)) {
            list_add(list, &step, 1);
        }
    }
    return found;
}

void report_failure(const struct model_config *config, struct step_list *list, const struct run *run)
{
    struct model_config smaller = *config;
    struct run last = *run;
    size_t before = list->count;
    char name[64];
    unsigned runs;
    FILE *file;

    fprintf(stderr, "seed %#llx: step %zu of %zu: %s\n", (unsigned long long)config->seed, run->at, list->count,
            run->message);
    last.hashes = NULL;
    last.trace = NULL;
    runs = shrink(&smaller, list, &last, (unsigned)env_number("PARAVANE_MODEL_SHRINK", 120));
    fprintf(stderr, "%zu of %zu steps are enough (%u runs)", list->count, before, runs);
    snprintf(name, sizeof(name), "build/log/model-%llx.replay", (unsigned long long)config->seed);
    file = fopen(name, "w");
    if (file) {
        replay_write(file, &smaller, list, last.message);
        fclose(file);
        fprintf(stderr, ", run them again with PARAVANE_MODEL_REPLAY=%s", name);
    }
    if (list->count > PRINTED_MOST) {
        fprintf(stderr, "\n");
        return;
    }
    fprintf(stderr, ":\n\n");
    replay_write(stderr, &smaller, list, last.message);
}
