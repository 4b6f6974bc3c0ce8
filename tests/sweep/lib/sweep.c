/* SPDX-License-Identifier: MIT */
/* In order: what is expected of an attempt; the checks around it; the loops. */
#include <inttypes.h>
#include <stdio.h>

#include <tests/sweep/lib/sweep.h>

uint64_t sweep_entry(const struct bed *bed, enum table table, unsigned slot)
{
    return sim_frame_entries(bed->sim, bed->tables[table])[slot];
}

struct answer sweep_answer(const struct bed *bed, enum table table, unsigned slot, enum naming naming, uint64_t value)
{
    const struct question question = {
        .pae = bed->config.pae,
        .level = bed_table_level(table),
        .top = table == TABLE_L2_TOP,
        .slot = slot,
        .devices = bed->config.devices,
        .l1tf = bed->config.l1tf,
        .linear = bed->config.linear,
        .itself = mfn_equal(pte_mfn(value), bed->tables[table]),
        .linked = world_view(&bed->world, bed->tables[table])->links_from > 0,
        .naming = naming,
        .value = value,
        .named = world_name(&bed->world, pte_mfn(value)),
    };

    return expect_entry(&question);
}

static struct answer answer_to(const struct bed *bed, const struct way *way, const struct attempt *attempt,
                               uint64_t value)
{
    struct answer answer = sweep_answer(bed, attempt->table, attempt->slot, way->naming, value);

    if (way->keeps_ad)
        answer = expect_keeping_ad(answer, attempt->old);
    if (way->settle)
        way->settle(bed, attempt, &answer);
    return answer;
}

/* ---- Counts. */

/* The frames that an attempt may have to do with: the table, what @old names, what @value names. */
struct counts {
    mfn_t mfn;
    struct type_word type;
    uint32_t refs;
};

static struct counts counts_of(const struct bed *bed, mfn_t mfn)
{
    const struct frame *frame = frame_find(&bed->sim->machine, mfn);

    if (!frame)
        return (struct counts){.mfn = MFN_NONE};
    return (struct counts){mfn, frame->type, frame->refs};
}

/* What @answer, to the entry @bits, adds to the counts of @mfn. */
static int refs_from(const struct answer *answer, uint64_t bits, mfn_t mfn)
{
    return !answer->error && answer->refers && mfn_equal(pte_mfn(bits), mfn);
}

static int uses_from(const struct answer *answer, uint64_t bits, mfn_t mfn)
{
    return answer->needs != USE_NONE ? refs_from(answer, bits, mfn) : 0;
}

struct change {
    uint64_t old, new;
    struct answer left, entered; /* what held references before, and what does now */
};

static bool counts_moved(const struct bed *bed, const struct counts *before, const struct change *change)
{
    struct counts now = counts_of(bed, before->mfn);
    int64_t refs = before->refs, uses = type_count(before->type);

    if (mfn_is_none(before->mfn))
        return true;
    refs += refs_from(&change->entered, change->new, before->mfn);
    refs -= refs_from(&change->left, change->old, before->mfn);
    uses += uses_from(&change->entered, change->new, before->mfn);
    uses -= uses_from(&change->left, change->old, before->mfn);
    if (now.refs != refs || type_count(now.type) != uses || type_is_busy(now.type) ||
        type_is_pinned(now.type) != type_is_pinned(before->type))
        return false;
    return !uses_from(&change->entered, change->new, before->mfn) ||
           type_of(now.type) == world_type(change->entered.needs);
}

/* ---- One combination. */

static const char *table_title(const struct bed *bed, enum table table)
{
    static char title[32];

    snprintf(title, sizeof(title), "%s %s", bed_table_name(table), bed->config.pae ? "PAE" : "64");
    return title;
}

struct outcome {
    int64_t error;
    uint64_t entry;
    bool counts;
};

static bool outcome_ok(const struct outcome *outcome, const struct answer *answer, const struct attempt *attempt)
{
    uint64_t entry = answer->error ? attempt->old : answer->bits;

    return outcome->error == answer->error && outcome->entry == entry && outcome->counts;
}

static struct outcome run(struct bed *bed, const struct way *way, const struct attempt *attempt, uint64_t value,
                          const struct answer *answer)
{
    struct counts before[] = {
        counts_of(bed, bed->tables[attempt->table]),
        counts_of(bed, pte_mfn(attempt->old)),
        counts_of(bed, pte_mfn(value)),
    };
    struct change change = {.old = attempt->old, .new = value};
    struct outcome outcome = {.counts = true};

    if (!answer->error) {
        change.left = sweep_answer(bed, attempt->table, attempt->slot, NAMING_SELF, attempt->old);
        change.entered = *answer;
    }
    outcome.error = way->run(bed, attempt);
    outcome.entry = sweep_entry(bed, attempt->table, attempt->slot);
    for (unsigned i = 0; i < ARRAY_SIZE(before); i++)
        outcome.counts &= counts_moved(bed, &before[i], &change);
    return outcome;
}

void sweep_try(struct bed *bed, const struct way *way, const struct attempt *attempt, enum target target,
               const char *how)
{
    uint64_t value = attempt->value;
    struct outcome outcome;
    struct answer answer;
    bool ok;

    if (way->effective && !way->effective(attempt, &value))
        return;
    answer = answer_to(bed, way, attempt, value);
    outcome = run(bed, way, attempt, value, &answer);
    ok = outcome_ok(&outcome, &answer, attempt);
    sweep_count(ok,
                "%s slot %u %s %s, target %s, %s: expected %d, got %" PRId64 " (entry %#" PRIx64 ", expected %#" PRIx64
                "%s)",
                table_title(bed, attempt->table), attempt->slot, ok ? "" : sweep_flags(value & ~PTE_FRAME), how,
                bed_target_name(target), way->name, answer.error, outcome.error, outcome.entry,
                answer.error ? attempt->old : answer.bits, outcome.counts ? "" : "; the counts are wrong");
}

/* ---- The loops. */

enum start {
    START_EMPTY,
    START_BIT,
    START_FRAME,
    START_JUNK,
    START_COUNT,
};

static const char *const start_names[START_COUNT] = {
    [START_EMPTY] = "fresh",
    [START_BIT] = "in place",
    [START_FRAME] = "over another frame",
    [START_JUNK] = "over a full entry that is not present",
};

static uint64_t start_value(const struct bed *bed, enum table table, enum start start, uint64_t value, unsigned bit)
{
    switch (start) {
    case START_BIT:
        return value ^ UINT64_C(1) << bit;
    case START_FRAME:
        return pte(bed->spare[table], PTE_P | PTE_RW | PTE_US | PTE_D);
    case START_JUNK:
        return ~PTE_P;
    default:
        return 0;
    }
}

bool sweep_prepare(struct bed *bed, struct attempt *attempt, uint64_t start)
{
    struct answer answer = sweep_answer(bed, attempt->table, attempt->slot, NAMING_SELF, start);

    if (answer.error)
        return false;
    if (sweep_entry(bed, attempt->table, attempt->slot) != answer.bits)
        bed_set(bed, bed->tables[attempt->table], attempt->slot, start);
    attempt->old = sweep_entry(bed, attempt->table, attempt->slot);
    if (attempt->old != answer.bits)
        sim_fail("sweep: the starting point %#" PRIx64 " was stored as %#" PRIx64, answer.bits, attempt->old);
    return true;
}

void sweep_values(struct bed *bed, mfn_t target, sweep_value_fn *each, void *arg)
{
    static const uint64_t with[] = {0, PTE_P, PTE_P | PTE_RW, PTE_P | PTE_RW | PTE_US};

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t mask = UINT64_C(1) << bit;

        for (unsigned i = 0; i < ARRAY_SIZE(with); i++) {
            uint64_t entry = pte(target, with[i]);

            each(bed, arg, bit, PTE_FRAME & mask ? entry ^ mask : entry | mask);
        }
    }
}

struct slot_sweep {
    const struct way *way;
    enum table table;
    unsigned slot;
    enum target target;
};

static void sweep_bit(struct bed *bed, void *arg, unsigned bit, uint64_t value)
{
    const struct slot_sweep *sweep = arg;

    for (enum start start = 0; start < START_COUNT; start++) {
        struct attempt attempt = {sweep->table, sweep->slot, 0, value};

        if (sweep_prepare(bed, &attempt, start_value(bed, sweep->table, start, value, bit)))
            sweep_try(bed, sweep->way, &attempt, sweep->target, start_names[start]);
    }
}

void sweep_slot(struct bed *bed, const struct way *ways, unsigned nr_ways, enum table table, unsigned slot)
{
    for (enum target target = 0; target < TARGET_COUNT; target++) {
        if (mfn_is_none(bed_target(bed, table, target)))
            continue;
        for (unsigned way = 0; way < nr_ways; way++) {
            struct slot_sweep sweep = {&ways[way], table, slot, target};

            sweep_values(bed, bed_target(bed, table, target), sweep_bit, &sweep);
            if (sweep_entry(bed, table, slot) != 0)
                bed_set(bed, bed->tables[table], slot, 0);
            bed_check(bed);
        }
    }
}

/* ---- mmu_update. */

static int64_t run_command(struct bed *bed, const struct attempt *attempt, unsigned command, unsigned domid)
{
    struct mmu_update request = {
        .ptr = pte(bed->tables[attempt->table], attempt->slot * 8u) | command,
        .val = attempt->value,
    };

    return guest_mmu_update(bed->vcpu, &request, 1, NULL, domid);
}

static int64_t run_normal(struct bed *bed, const struct attempt *attempt)
{
    return run_command(bed, attempt, MMU_NORMAL_PT_UPDATE, DOMID_SELF);
}

static int64_t run_preserve(struct bed *bed, const struct attempt *attempt)
{
    return run_command(bed, attempt, MMU_PT_UPDATE_PRESERVE_AD, DOMID_SELF);
}

static int64_t run_no_translate(struct bed *bed, const struct attempt *attempt)
{
    return run_command(bed, attempt, MMU_PT_UPDATE_NO_TRANSLATE, DOMID_SELF);
}

/* A slot of the same table that is empty and can be written. */
static unsigned neighbour(const struct bed *bed, const struct attempt *attempt)
{
    if (bed->config.pae && attempt->table == TABLE_L3)
        return attempt->slot == 2 ? 1 : 2;
    return attempt->slot == 100 ? 101 : 100;
}

/* The second of two requests that go to the same table. */
static int64_t run_second(struct bed *bed, const struct attempt *attempt)
{
    struct mmu_update requests[] = {
        {pte(bed->tables[attempt->table], neighbour(bed, attempt) * 8u), 0},
        {pte(bed->tables[attempt->table], attempt->slot * 8u), attempt->value},
    };
    unsigned done;
    int64_t error = guest_mmu_update(bed->vcpu, requests, 2, &done, DOMID_SELF);

    if (done != (error ? 1 : 2))
        sim_fail("sweep: %u of two requests are done", done);
    return error;
}

const struct way sweep_mmu_update_ways[] = {
    {.name = "mmu_update", .run = run_normal},
    {.name = "mmu_update preserving A and D", .keeps_ad = true, .run = run_preserve},
    {.name = "mmu_update after another", .run = run_second},
    {.name = "mmu_update without translation", .run = run_no_translate},
};
const unsigned sweep_nr_mmu_update_ways = ARRAY_SIZE(sweep_mmu_update_ways);
