/* SPDX-License-Identifier: MIT */
/*
 * Running lists of steps, each in a machine of its own; and what to do when one fails: find the
 * fewest steps that still do, print them, and let them be run again.
 */
#pragma once

#include <tests/model/lib/draw.h>

struct step_list {
    struct step *steps;
    size_t count, room;
};

void list_add(struct step_list *list, const struct step *steps, size_t count);
void list_free(struct step_list *list);

struct run {
    char message[256]; /* of the failure */
    size_t at;         /* the first step of the group that failed; the number of steps at the end */
    uint64_t *hashes;  /* if not NULL: check_hash() after each group, at the index of its first step */
    FILE *trace;       /* if not NULL: each step is printed as it begins */
};

/* Run @steps in a fresh machine.  False: it failed, @run says how. */
bool run_list(const struct model_config *config, const struct step *steps, size_t count, struct model_stats *stats,
              struct run *run);

/* Draw at least @count steps from @bytes, or until they end, and run them; @list receives them. */
bool run_drawn(const struct model_config *config, struct bytes *bytes, size_t count, struct step_list *list,
               struct model_stats *stats, struct run *run);

/*
 * Make a failing list as short and as plain as possible within about @seconds.  @list and @config
 * still fail afterwards, as @run says.  Returns how many runs it took.
 */
unsigned shrink(struct model_config *config, struct step_list *list, struct run *run, unsigned seconds);

/* Print a failure, as a replay file that explains itself. */
void replay_write(FILE *to, const struct model_config *config, const struct step_list *list, const char *message);

/* Read one.  False: it is none. */
bool replay_read(FILE *from, struct model_config *config, struct step_list *list);

/*
 * What a test does with a failure: shrink it, print it to standard error, and keep it in
 * build/log/model-SEED.replay if there is such a place.
 */
void report_failure(const struct model_config *config, struct step_list *list, const struct run *run);

/* Print what has been tried, and how much of it was accepted. */
void stats_print(FILE *to, const struct model_stats *stats);
void stats_add(struct model_stats *to, const struct model_stats *from);

/* A number from the environment, or @otherwise. */
uint64_t env_number(const char *name, uint64_t otherwise);

/* Seconds that this process has used. */
double seconds_used(void);

/* The variety of machines and schedules that the long runs go through, by number. */
struct model_config config_of(uint64_t seed);
