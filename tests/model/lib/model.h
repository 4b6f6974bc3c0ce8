/* SPDX-License-Identifier: MIT */
/*
 * The model: a hosted machine with a few guests, the oracle beside it, and what compares the two
 * after each step.  Whatever goes wrong ends in sim_fail(); so everything here runs as a task under
 * sim_fails(), see model_run.h.
 */
#pragma once

#include <tests/model/lib/oracle.h>
#include <tests/model/lib/perform.h>

#define MODEL_DOMAINS 3u
#define MODEL_VCPUS   2u

/*
 * At this index of any frame, stores may land at any moment of an operation: they are never of
 * consequence (a value that is neither a present entry nor a present descriptor, and names no RAM or
 * superpage), and steps leave the index alone.
 */
#define MAIL_INDEX 300u
#define MAIL_VALUE UINT64_C(0x00005a0000000000)

struct model_config {
    uint64_t seed; /* decides widths, sizes, and all that the machine chooses */
    enum sim_preemption preemption;
    unsigned preempt_per_256;
    const uint64_t *script; /* SIM_PREEMPT_SCRIPT */
    size_t script_length;
    unsigned speculate_per_256;
    unsigned concurrent_per_256; /* how much of what is drawn runs at the same time */
    bool meddle;                 /* stores and checks at preemption points and flushes */
    unsigned shake;              /* another number, other choices of the machine: other interleavings among it */
    enum oracle_mistake mistake;
};

struct model_domain {
    struct guest *guest;
    uint64_t pages;
    struct place_area areas[MODEL_VCPUS];
    uint64_t area_l1; /* the L1 table that maps the areas */
};

struct model_mail {
    uint64_t mfn, value;
};

struct model_place {
    unsigned domain, vcpu;
    uint64_t vaddr;
};

#define MODEL_RECENT 64u
#define MODEL_MAILS  512u

/* What has been done, for the summary. */
struct model_count {
    uint64_t tried, accepted;
};

struct model_stats {
    struct model_count kinds[STEP_KIND_COUNT];
    struct model_count mmuext[21];
    struct model_count forms[8]; /* EMULATE */
    uint64_t steps, refused, reboots, wedged, lingering, tableless;
    uint64_t stores_landed, stores_stale, mails, mails_stale, rule_checks, yields, full_checks;
    uint64_t concurrent, excused_conversions, excused_attempts, excused_kept, excused_copies;
    uint64_t live[O_TYPES], pins, mappings, links; /* summed over all steps */
    uint64_t reasons[REFUSAL_COUNT];
};

struct model {
    struct model_config config;
    struct sim *sim;
    struct oracle *oracle;
    struct audit_counts *counts;
    struct model_domain domains[MODEL_DOMAINS];
    unsigned nr_domains;
    uint64_t random;
    uint64_t number; /* of the step under way */
    struct model_place recent[MODEL_RECENT];
    unsigned recent_count;
    struct model_mail mails[MODEL_MAILS];
    unsigned nr_mails;
    uint64_t next_mail;
    bool ad_loose[ORACLE_FRAMES_MAX];   /* processors may have set A and D bits in it */
    bool incoherent[ORACLE_FRAMES_MAX]; /* caches may hold what memory does not, since... */
    uint64_t cache_flushes[ORACLE_FRAMES_MAX][MODEL_DOMAINS * MODEL_VCPUS];
    uint32_t taken[ORACLE_FRAMES_MAX]; /* how often it had left the pool */
    uint8_t intent[ORACLE_FRAMES_MAX]; /* the level that draw.c is filling it for */
    bool hidden[ORACLE_FRAMES_MAX];    /* records of grants lie there */
    unsigned points;                   /* preemption points of this step */
    struct model_stats *stats;
    struct sim_config machine;
};

/* Make the machine, boot the guests, and let the oracle know all that it starts from. */
struct model *model_create(const struct model_config *config, struct model_stats *stats);
void model_destroy(struct model *model);

/*
 * Carry out @count steps that step_group() has put together, compare, audit.  Steps of a domain that
 * has ended do nothing.  Fails by sim_fail().
 */
void model_steps(struct model *model, const struct step *steps, size_t count);

/* The end of a sequence: compare everything, end all domains, see that nothing is left. */
void model_finish(struct model *model);

uint64_t model_random(struct model *model);
unsigned model_below(struct model *model, unsigned bound);

static inline struct vcpu *model_vcpu(const struct model *model, unsigned domain, unsigned vcpu)
{
    return sim_vcpu(model->sim, domain, vcpu);
}

static inline bool model_alive(const struct model *model, unsigned domain)
{
    return domain < model->nr_domains && model->oracle->state.domains[domain].alive;
}

/* Is @mfn one that hypercalls' structures lie in? */
bool model_is_area(const struct model *model, uint64_t mfn);

/* By the oracle's tables: would the vCPU reach its area on @root?  Can each of @domain's on the root it has? */
bool model_root_reaches(const struct model *model, unsigned domain, unsigned vcpu, uint64_t root);
bool model_areas_reachable(const struct model *model, unsigned domain);

void model_count(struct model_stats *stats, const struct step *step, const struct outcome *outcome);

/* Let the oracle forget what it knows, and start from what the engine says. */
void model_learn(struct model *model);

/* A domain that has ended and left nothing is booted again.  False: there is not enough memory. */
bool model_boot_again(struct model *model, unsigned domain);

/* End @domain and boot it again, if nothing keeps frames of it and there is memory. */
void model_reboot(struct model *model, unsigned domain);

/* ---- check.c */

/* The engine's state against the oracle's; memory where it was written lately, or all of it. */
void check_state(struct model *model);
void check_memory(struct model *model, bool all);

/* The engine's own audit, and the rule of the TLBs. */
void check_engine(struct model *model);

/* One step's outcome. */
void check_outcome(struct model *model, const struct step *step, const struct outcome *seen,
                   const struct outcome *expected);

/* Is the number of requests done right?  The oracle has carried out the step. */
bool check_done(const struct model *model, const struct step *step, const struct outcome *seen,
                const struct outcome *expected);

/* A hash of all that may depend on the steps alone: types, counts, owners, memory without A and D. */
uint64_t check_hash(const struct model *model);

/* ---- model_grant.c */

/* The engine may have taken frames from the pool for grants, or given some back: the oracle shall know. */
void grants_follow_pool(struct model *model);

/* The oracle's grants are from now on what the engine says. */
void grants_learn(struct model *model);

/* Where the engine's tables or mappings differ from the oracle's; NULL: nowhere. */
const char *grants_difference(const struct model *model);

/* The handle that @domain's next mapping is going to have, if the engine has it in memory; a guess is good enough. */
uint32_t grants_next_handle(const struct model *model, unsigned domain);

/* The step has unmapped, as its first element, what was mapped as @before: no processor may know it any more. */
void grants_check_flushed(struct model *model, const struct step *step, const struct oracle_mapping *before);

/* Does the step map a scratch area, or copy from or to one? */
bool grants_touch_area(const struct model *model, const struct step *step);

/* ---- concurrent.c */

#define CONCURRENT_MOST 3u

/*
 * Carry out @count steps of different vCPUs at the same time.  The oracle then is in the state that
 * explains the outcome, or the run fails.
 */
void concurrent_run(struct model *model, const struct step *steps, size_t count);

/* ---- meddle.c */

/* What others do at preemption points and flushes. */
void meddle_install(struct model *model);

/* Remember that an address was used or mapped. */
void meddle_remember(struct model *model, unsigned domain, unsigned vcpu, uint64_t vaddr);
