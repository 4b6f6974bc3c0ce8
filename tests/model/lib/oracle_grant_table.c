/* SPDX-License-Identifier: MIT */
/* The oracle on a domain's own grant table (abi/grant.h): its size, versions, exchanges, and its entries. */
#include <abi/grant.h>
#include <abi/layout.h>
#include <abi/mmu.h>
#include <sim/sim.h>
#include <tests/model/lib/oracle_parts.h>

#define RESERVED_WORDS(version) (8 * (version)) /* of eight bytes: so many the reserved entries have */
#define SUB_PAGE                (1u << 8)

/* What the call is about. */
struct table_call {
    const struct call *call;
    struct oracle_grants *grants;
    const struct oracle_grants *given;
    uint64_t *out;
};

static bool is_caller(const struct table_call *table, uint64_t domid)
{
    return (domid & 0xffff) == DOMID_SELF || (domid & 0xffff) == table->call->caller;
}

/*
 * ---- Growth.
 */

/* A frame that the engine took from the pool and shared with the caller. */
static void take_shared(struct oracle *oracle, const struct table_call *table, uint64_t mfn)
{
    if (mfn >= oracle->nr_frames || oracle->state.frames[mfn].owner != O_POOL)
        sim_fail("frame %#llx became one of a grant table, which was not in the pool", (unsigned long long)mfn);
    oracle->state.frames[mfn] = (struct oracle_frame){.owner = (uint16_t)table->call->caller, .shared = true};
    oracle->state.m2p[mfn] = MACH2PHYS_SHARED;
    for (unsigned i = 0; i < 512; i++)
        oracle_put(oracle, mfn, i, 0);
}

static void take_status(struct oracle *oracle, const struct table_call *table, unsigned count)
{
    for (; table->grants->nr_status < count; table->grants->nr_status++) {
        table->grants->status[table->grants->nr_status] = table->given->status[table->grants->nr_status];
        take_shared(oracle, table, table->grants->status[table->grants->nr_status]);
    }
}

/* May the pool have been short of what a frame more takes: two that lie together, itself, one for statuses? */
static bool pool_may_be_short(const struct oracle *oracle)
{
    if (oracle_pool(oracle) < 4)
        return true;
    for (unsigned mfn = 0; mfn + 1 < oracle->nr_frames; mfn += 2) {
        if (oracle->state.frames[mfn].owner == O_POOL && oracle->state.frames[mfn + 1].owner == O_POOL)
            return false;
    }
    return true;
}

/* As far as the pool reaches.  @enough: as far as it should. */
static int16_t grow(struct oracle *oracle, const struct table_call *table, uint32_t nr_frames)
{
    struct oracle_grants *grants = table->grants;

    if (nr_frames > ORACLE_TABLE)
        return GNTST_general_error;
    while (grants->nr_frames < nr_frames && grants->nr_frames < table->given->nr_frames) {
        if (grants->version == 2)
            take_status(oracle, table, (grants->nr_frames + 1 + 7) / 8);
        grants->frames[grants->nr_frames] = table->given->frames[grants->nr_frames];
        take_shared(oracle, table, grants->frames[grants->nr_frames++]);
    }
    if (grants->nr_frames < nr_frames && grants->version == 2)
        take_status(oracle, table, table->given->nr_status);
    oracle_settle(oracle);
    return grants->nr_frames < nr_frames && pool_may_be_short(oracle) ? GNTST_general_error : GNTST_okay;
}

static void list_frames(const struct table_call *table, const uint32_t *frames, uint32_t count)
{
    for (unsigned i = 0; i < count && i + 2 < STEP_EXTENTS; i++)
        table->out[2 + i] = frames[i];
}

static int16_t setup(struct oracle *oracle, const struct table_call *table)
{
    const uint64_t *word = table->call->step->word;
    int16_t status;

    if (!is_caller(table, word[0]))
        return GNTST_bad_domain;
    status = grow(oracle, table, (uint32_t)word[1]);
    if (status != GNTST_okay)
        return status;
    if (word[3] && (uint32_t)word[1] > 0)
        return GNTST_bad_virt_addr;
    list_frames(table, table->grants->frames, (uint32_t)word[1]);
    return GNTST_okay;
}

static int16_t status_frames(const struct table_call *table)
{
    const uint64_t *word = table->call->step->word;

    if (!is_caller(table, word[0]))
        return GNTST_bad_domain;
    if (table->grants->version != 2 || (uint32_t)word[1] > table->grants->nr_status)
        return GNTST_general_error;
    if (word[3] && (uint32_t)word[1] > 0)
        return GNTST_bad_virt_addr;
    list_frames(table, table->grants->status, (uint32_t)word[1]);
    return GNTST_okay;
}

/*
 * ---- Versions.
 */

static bool is_busy(const struct oracle *oracle, const struct table_call *table)
{
    for (unsigned i = 0; i < oracle->state.nr_mappings; i++) {
        if (oracle->state.mappings[i].granter == table->call->caller)
            return true;
    }
    for (unsigned i = 0; i < table->grants->nr_status; i++) {
        if (oracle->uses[table->grants->status[i]].refs > 1)
            return true;
    }
    return false;
}

/* What becomes of a reserved entry: its two words in version 2, its word in version 1. */
static void widen(uint64_t old, uint64_t *new)
{
    new[0] = old & 0xffffffff & ~(uint64_t)(GTF_reading | GTF_writing);
    new[1] = old >> 32;
}

static uint64_t narrow(const uint64_t *old)
{
    if ((old[0] & (GTF_type_mask | SUB_PAGE)) != GTF_permit_access || old[1] >> 32)
        return 0;
    return (old[0] & 0xffffffff & ~(uint64_t)(GTF_reading | GTF_writing)) | old[1] << 32;
}

static void clear(struct oracle *oracle, const uint32_t *frames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned index = 0; index < 512; index++)
            oracle_put(oracle, frames[i], index, 0);
    }
}

static void convert(struct oracle *oracle, const struct table_call *table, unsigned version)
{
    const struct oracle_grants *grants = table->grants;
    uint64_t new[16] = {0};

    for (unsigned i = 0; i < 8 && grants->nr_frames > 0; i++) {
        const uint64_t *old = oracle->memory[grants->frames[0]];

        if (version == 2)
            widen(old[i], &new[2 * i]);
        else
            new[i] = narrow(&old[2 * i]);
    }
    clear(oracle, grants->frames, grants->nr_frames);
    clear(oracle, grants->status, grants->nr_status);
    for (unsigned i = 0; i < RESERVED_WORDS(version) && grants->nr_frames > 0; i++)
        oracle_put(oracle, grants->frames[0], i, new[i]);
}

static int64_t set_version(struct oracle *oracle, const struct table_call *table)
{
    uint32_t wanted = (uint32_t)table->call->step->word[0];
    struct oracle_grants *grants = table->grants;

    if (wanted != 1 && wanted != 2)
        return -XEN_EINVAL;
    if (wanted == grants->version)
        return 0;
    if (is_busy(oracle, table))
        return -XEN_EBUSY;
    if (wanted == 2)
        take_status(oracle, table, table->given->nr_status);
    oracle_settle(oracle);
    if (wanted == 2 && grants->nr_status < (grants->nr_frames + 7) / 8)
        return oracle_pool(oracle) ? 0 : -XEN_ENOMEM; /* with frames in the pool it should have succeeded */
    convert(oracle, table, wanted);
    grants->version = wanted;
    return 0;
}

/*
 * ---- Exchange.
 */

static int16_t swap(struct oracle *oracle, const struct table_call *table, uint64_t a, uint64_t b)
{
    unsigned domain = table->call->caller, words = table->grants->version;
    struct oracle_entry first, second;

    if (!oracle_entry(oracle, domain, (uint32_t)a, &first) || !oracle_entry(oracle, domain, (uint32_t)b, &second))
        return GNTST_bad_gntref;
    if (use_exists(oracle, domain, (uint32_t)a) || use_exists(oracle, domain, (uint32_t)b))
        return GNTST_eagain;
    for (unsigned i = 0; i < words; i++) {
        uint64_t one = oracle->memory[first.mfn][first.offset / 8 + i];
        uint64_t other = oracle->memory[second.mfn][second.offset / 8 + i];

        oracle_put(oracle, first.mfn, first.offset / 8 + i, other);
        oracle_put(oracle, second.mfn, second.offset / 8 + i, one);
    }
    return GNTST_okay;
}

/* The elements behind the first are zeroes. */
static int64_t swaps(struct oracle *oracle, const struct table_call *table)
{
    const uint64_t *word = table->call->step->word;

    for (uint64_t i = 0; i < word[2]; i++) {
        int16_t status = i ? swap(oracle, table, 0, 0) : swap(oracle, table, word[0], word[1]);

        if (i == 0)
            table->out[0] = outcome_status(status);
    }
    return 0;
}

/*
 * ---- The call.
 */

/* What takes one structure, which can be read. */
static int64_t run(struct oracle *oracle, const struct table_call *table)
{
    const uint64_t *word = table->call->step->word;
    uint64_t *out = table->out;
    int64_t result;

    switch (table->call->step->sub) {
    case GNTTABOP_setup_table:
        out[0] = outcome_status(setup(oracle, table));
        return 0;
    case GNTTABOP_get_status_frames:
        out[0] = outcome_status(status_frames(table));
        return 0;
    case GNTTABOP_query_size:
        out[0] = outcome_status(is_caller(table, word[0]) ? GNTST_okay : GNTST_bad_domain);
        out[1] = is_caller(table, word[0]) ? table->grants->nr_frames : 0;
        out[2] = is_caller(table, word[0]) ? ORACLE_TABLE : 0;
        return 0;
    case GNTTABOP_set_version:
        result = set_version(oracle, table);
        out[1] = table->grants->version;
        return result;
    case GNTTABOP_get_version:
        if (!is_caller(table, word[0]))
            return -XEN_ESRCH;
        out[1] = table->grants->version;
        return 0;
    default:
        return -XEN_EINVAL; /* cache_flush */
    }
}

/* What stands where results go, when nobody has written any. */
static void results_before(const struct table_call *table)
{
    switch (table->call->step->sub) {
    case GNTTABOP_set_version:
        table->out[1] = (uint32_t)table->call->step->word[0];
        break;
    case GNTTABOP_setup_table:
    case GNTTABOP_get_status_frames:
    case GNTTABOP_query_size:
    case GNTTABOP_swap_grant_ref:
        table->out[0] = RESULT_BEFORE;
        break;
    default:
        break;
    }
}

int64_t oracle_grant_table(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    struct oracle_grants *grants = &oracle->state.domains[call->caller].grants;
    const struct table_call table = {call, grants, &oracle->given[call->caller], call->expected->extents};
    bool counted = step->sub == GNTTABOP_setup_table || step->sub == GNTTABOP_query_size ||
                   step->sub == GNTTABOP_get_status_frames;

    results_before(&table);
    if ((uint32_t)step->word[2] > INT32_MAX)
        return -XEN_EINVAL;
    if (step->sub == GNTTABOP_dump_table || step->sub > GNTTABOP_cache_flush)
        return -XEN_ENOSYS;
    if ((counted && step->word[2] != 1))
        return -XEN_EINVAL;
    if (step->sub == GNTTABOP_swap_grant_ref && step->word[2] == 0)
        return 0;
    if (step->args != ARGS_GOOD)
        return -XEN_EFAULT;
    return step->sub == GNTTABOP_swap_grant_ref ? swaps(oracle, &table) : run(oracle, &table);
}

/* The caller writes to its table. */
void oracle_grant_entry(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    const struct oracle_grants *grants = &oracle->state.domains[call->caller].grants;
    const uint32_t *frames = step->sub & 1 ? grants->status : grants->frames;
    unsigned nr_frames = step->sub & 1 ? grants->nr_status : grants->nr_frames;

    for (unsigned i = step->count; i > 0; i--) {
        uint64_t at = step->word[0] + i - 1;

        if (at / 512 < nr_frames)
            oracle_put(oracle, frames[at / 512], at % 512, step->word[i]);
    }
}
