/* SPDX-License-Identifier: MIT */
/* Inputs to begin with: random ones, kept for the first thing of a kind that they show, and cut. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tests/fuzz/lib/input.h>

#define SIZE_MOST  600u
#define CANDIDATES 4000u

/* A thing that an input can show. */
struct feature {
    char name[64];
    size_t offset; /* of its counter in struct model_stats */
    bool found;
};

#define FEATURES_MOST 128u

struct corpus {
    struct feature features[FEATURES_MOST];
    unsigned count;
};

static void add(struct corpus *corpus, const char *prefix, const char *name, size_t offset)
{
    struct feature *feature = &corpus->features[corpus->count++];

    if (corpus->count > FEATURES_MOST)
        abort();
    snprintf(feature->name, sizeof(feature->name), "%s-%s", prefix, name);
    for (char *at = feature->name; *at; at++)
        *at = *at == '_' ? '-' : (char)tolower((unsigned char)*at);
    feature->offset = offset;
}

static void list_features(struct corpus *corpus)
{
    static const char *const commands[] = {"pin_l1", "pin_l2", "pin_l3", "pin_l4", "unpin_table", "new_baseptr"};

    for (unsigned i = 0; i < STEP_KIND_COUNT; i++) {
        if (i != STEP_UNKNOWN && i != STEP_DESTROY && i != STEP_ENTER_KERNEL && i != STEP_SPECULATE && i != STEP_NESTED)
            add(corpus, "accepted", step_name(i), offsetof(struct model_stats, kinds[i].accepted));
    }
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        add(corpus, "accepted", commands[i], offsetof(struct model_stats, mmuext[i].accepted));
    add(corpus, "accepted", "new_user_baseptr", offsetof(struct model_stats, mmuext[MMUEXT_NEW_USER_BASEPTR].accepted));
    add(corpus, "domain", "ended", offsetof(struct model_stats, reboots));
    add(corpus, "domain", "left_frames", offsetof(struct model_stats, lingering));
    add(corpus, "stale", "store_at_preemption", offsetof(struct model_stats, mails_stale));
    add(corpus, "several", "at_once", offsetof(struct model_stats, concurrent));
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        if (i == REFUSE_NESTED || i == REFUSE_SUPERPAGE || i == REFUSE_UNKNOWN_COMMAND || i == REFUSE_WIDTH)
            continue;
        add(corpus, "refused", refusal_name((enum refusal_reason)i), offsetof(struct model_stats, reasons[i]));
    }
}

static uint64_t count_of(const struct model_stats *stats, const struct feature *feature)
{
    uint64_t count;

    memcpy(&count, (const uint8_t *)stats + feature->offset, sizeof(count));
    return count;
}

static struct model_stats try_input(const uint8_t *data, size_t size)
{
    struct model_stats stats = {0};
    struct model_config config;
    struct step_list list = {NULL, 0, 0};
    struct run run = {.at = 0};

    (void)input_run(data, size, &config, &list, &stats, &run);
    list_free(&list);
    return stats;
}

/* Write the shortest beginning of @data that still shows @feature. */
static bool write_cut(const char *directory, const uint8_t *data, size_t size, const struct feature *feature)
{
    size_t enough = size, length;
    char name[512];
    FILE *file;

    for (length = size / 2; length >= 8; length = length * 3 / 4) {
        const struct model_stats stats = try_input(data, length);

        if (count_of(&stats, feature) == 0)
            break;
        enough = length;
    }
    snprintf(name, sizeof(name), "%s/%s", directory, feature->name);
    file = fopen(name, "w");
    if (!file)
        return false;
    fwrite(data, 1, enough, file);
    return fclose(file) == 0;
}

static void random_input(uint64_t *random, uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        data[i] = (uint8_t)(*random >> 56);
    }
}

/* The first feature that nothing before has shown; NULL: nothing new. */
static struct feature *find_new(struct corpus *corpus, const struct model_stats *stats)
{
    for (unsigned i = 0; i < corpus->count; i++) {
        if (!corpus->features[i].found && count_of(stats, &corpus->features[i]) > 0)
            return &corpus->features[i];
    }
    return NULL;
}

bool corpus_write(const char *directory)
{
    struct corpus corpus = {.count = 0};
    uint8_t data[SIZE_MOST];
    uint64_t random = 1;

    list_features(&corpus);
    for (unsigned candidate = 0; candidate < CANDIDATES; candidate++) {
        size_t size = 60 + candidate % (SIZE_MOST - 60);
        struct model_stats stats;
        struct feature *feature;

        random_input(&random, data, size);
        stats = try_input(data, size);
        feature = find_new(&corpus, &stats);
        if (!feature)
            continue;
        feature->found = true;
        if (!write_cut(directory, data, size, feature))
            return false;
    }
    return true;
}
