/* SPDX-License-Identifier: MIT */
/*
 * What each frame is in use as.  From scratch: start at allocations, pins, roots and descriptor
 * tables, follow each entry of each table.  And by trying: add one use, follow what it brings with
 * it, see whether anything speaks against it.
 */
#include <stdlib.h>
#include <string.h>

#include <sim/sim.h>
#include <tests/model/lib/oracle_parts.h>

struct word {
    uint32_t mfn, index;
    uint64_t old;
};

struct oracle_journal {
    bool on;
    size_t count, room;
    struct word *words;
    struct oracle_state state;
    struct oracle_use uses[ORACLE_FRAMES_MAX];
};

void oracle_bug(const char *what, uint64_t where)
{
    sim_fail("the oracle contradicts itself: %s (%#llx)", what, (unsigned long long)where);
}

struct oracle *oracle_create(unsigned nr_frames)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));

    if (!oracle || nr_frames > ORACLE_FRAMES_MAX)
        abort();
    oracle->nr_frames = nr_frames;
    oracle->memory = calloc(nr_frames, sizeof(oracle->memory[0]));
    oracle->journal = calloc(1, sizeof(*oracle->journal));
    if (!oracle->memory || !oracle->journal)
        abort();
    for (unsigned mfn = 0; mfn < nr_frames; mfn++) {
        oracle->state.frames[mfn].owner = O_NOT_RAM;
        oracle->state.m2p[mfn] = UINT64_MAX;
    }
    return oracle;
}

void oracle_destroy(struct oracle *oracle)
{
    if (!oracle)
        return;
    free(oracle->journal->words);
    free(oracle->journal);
    free(oracle->memory);
    free(oracle);
}

/*
 * ---- Undoing.
 */

void oracle_begin(struct oracle *oracle)
{
    struct oracle_journal *journal = oracle->journal;

    journal->on = true;
    journal->count = 0;
    journal->state = oracle->state;
    memcpy(journal->uses, oracle->uses, sizeof(oracle->uses));
}

void oracle_rollback(struct oracle *oracle)
{
    struct oracle_journal *journal = oracle->journal;

    while (journal->count > 0) {
        const struct word *word = &journal->words[--journal->count];

        oracle->memory[word->mfn][word->index] = word->old;
    }
    journal->on = false;
    oracle->state = journal->state;
    memcpy(oracle->uses, journal->uses, sizeof(oracle->uses));
}

void oracle_commit(struct oracle *oracle)
{
    oracle->journal->on = false;
    oracle->journal->count = 0;
}

void oracle_put(struct oracle *oracle, uint64_t mfn, unsigned index, uint64_t value)
{
    struct oracle_journal *journal = oracle->journal;
    uint64_t *place = &oracle->memory[mfn][index];

    oracle->touched[mfn] = 1;
    if (*place == value)
        return;
    if (journal->on) {
        if (journal->count == journal->room) {
            journal->room = journal->room ? 2 * journal->room : 1024;
            journal->words = realloc(journal->words, journal->room * sizeof(journal->words[0]));
            if (!journal->words)
                abort();
        }
        journal->words[journal->count++] = (struct word){(uint32_t)mfn, index, *place};
    }
    *place = value;
}

/*
 * ---- From scratch.
 */

static void insist(struct oracle *oracle, uint64_t mfn, enum oracle_type type)
{
    const struct oracle_use *use = &oracle->uses[mfn];

    if (use->uses > 0 && use->type != type && oracle->mistake != ORACLE_TABLES_WRITABLE)
        oracle_bug("a frame is used as two things", mfn);
}

static void count_writable(struct oracle *oracle, uint64_t mfn)
{
    struct oracle_use *use = &oracle->uses[mfn];

    insist(oracle, mfn, O_WRITABLE);
    if (use->uses == 0)
        use->type = O_WRITABLE;
    use->uses++;
}

static void count_use(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type);

/* An entry of the table @mfn, of a level above 1, for @target.  One for the table itself is no use of it. */
static void count_upper(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type, unsigned slot,
                        uint64_t target)
{
    enum oracle_type was = (enum oracle_type)oracle->state.frames[target].was;

    if (target == mfn)
        return;
    if (oracle_is_table(was) && oracle_level(was) == oracle_level(type)) {
        oracle->uses[mfn].links_to++;
        oracle->uses[target].links_from++;
        count_use(oracle, domain, target, was);
    } else if (!oracle->state.domains[domain].wide && type == O_L3 && slot == 3) {
        count_use(oracle, domain, target, O_L2_TOP);
    } else {
        count_use(oracle, domain, target, (enum oracle_type)(oracle_level(type) - 1));
    }
}

static void count_entries(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type)
{
    const struct oracle_domain *self = &oracle->state.domains[domain];
    unsigned slots = rules_slots(self, type), first, end;

    rules_hypervisor_slots(self, type, &first, &end);
    for (unsigned slot = 0; slot < slots; slot++) {
        uint64_t entry = oracle->memory[mfn][slot], target = entry_target(entry);

        if (!(entry & BIT_P) || (slot >= first && slot < end) || !oracle_is_ram(oracle, target))
            continue;
        if (type == O_L1) {
            oracle->uses[target].refs++;
            if (entry & BIT_RW)
                count_writable(oracle, target);
            oracle->uses[target].uncached |= (entry & BIT_RW) && (entry & BITS_MEMORY);
        } else {
            count_upper(oracle, domain, mfn, type, slot, target);
        }
    }
}

static void count_use(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type)
{
    struct oracle_use *use = &oracle->uses[mfn];

    insist(oracle, mfn, type);
    use->refs++;
    if (use->uses++ > 0)
        return;
    use->type = (uint8_t)type;
    if (type != O_SEGDESC)
        count_entries(oracle, domain, mfn, type);
}

static void count_vcpu(struct oracle *oracle, unsigned domain, const struct oracle_vcpu *vcpu)
{
    enum oracle_type root = oracle->state.domains[domain].wide ? O_L4 : O_L3;

    if (vcpu->kernel_root != ORACLE_NO_FRAME)
        count_use(oracle, domain, vcpu->kernel_root, root);
    if (vcpu->user_root != ORACLE_NO_FRAME)
        count_use(oracle, domain, vcpu->user_root, root);
    for (unsigned i = 0; i < 14; i++) {
        if (vcpu->gdt[i] != ORACLE_NO_FRAME)
            count_use(oracle, domain, vcpu->gdt[i], O_SEGDESC);
    }
    for (unsigned i = 0; i < 16; i++) {
        if (vcpu->ldt[i] != ORACLE_NO_FRAME)
            count_use(oracle, domain, vcpu->ldt[i], O_SEGDESC);
    }
}

static void count_mappings(struct oracle *oracle)
{
    for (unsigned i = 0; i < oracle->state.nr_mappings; i++) {
        const struct oracle_mapping *mapping = &oracle->state.mappings[i];

        oracle->uses[mapping->frame].refs++;
        if (!mapping->readonly)
            count_writable(oracle, mapping->frame);
    }
}

void oracle_refresh(struct oracle *oracle)
{
    memset(oracle->uses, 0, sizeof(oracle->uses));
    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        const struct oracle_frame *frame = &oracle->state.frames[mfn];

        oracle->uses[mfn].refs += frame->allocated || frame->shared;
        if (frame->shared)
            count_writable(oracle, mfn);
        if (frame->pin)
            count_use(oracle, frame->owner, mfn, (enum oracle_type)frame->pin);
    }
    for (unsigned id = 0; id < oracle->nr_domains; id++) {
        const struct oracle_domain *domain = &oracle->state.domains[id];

        for (unsigned i = 0; domain->alive && i < domain->nr_vcpus; i++)
            count_vcpu(oracle, id, &domain->vcpus[i]);
    }
    count_mappings(oracle);
    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++)
        oracle->state.frames[mfn].was = (uint8_t)oracle_type(oracle, mfn);
}

void oracle_settle(struct oracle *oracle)
{
    struct oracle_use before[ORACLE_FRAMES_MAX];

    memcpy(before, oracle->uses, sizeof(before));
    oracle_refresh(oracle);
    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        struct oracle_frame *frame = &oracle->state.frames[mfn];
        unsigned first = 0, end = 0;

        if (before[mfn].uses > 0 && oracle->uses[mfn].uses == 0 && before[mfn].type < O_SEGDESC) {
            rules_hypervisor_slots(&oracle->state.domains[frame->owner], (enum oracle_type)before[mfn].type, &first,
                                   &end);
            for (unsigned slot = first; slot < end; slot++)
                oracle_put(oracle, mfn, slot, 0);
            if (oracle->mistake == ORACLE_UNPIN_LEAVES)
                oracle->uses[mfn] = before[mfn];
        }
        if (frame->owner < ORACLE_DOMAINS && oracle->uses[mfn].refs == 0) {
            frame->owner = O_POOL;
            oracle->state.m2p[mfn] = UINT64_MAX;
        }
    }
}

/*
 * ---- By trying.
 */

void attempt_begin(struct attempt *attempt, struct oracle *oracle)
{
    attempt->oracle = oracle;
    memcpy(attempt->uses, oracle->uses, sizeof(attempt->uses));
}

/*
 * Is the frame that the verdict names in use on the table's own level, and may the domain have entries for such?  In a
 * 32-bit guest L3 entries have no bit that would forbid writing.
 */
static bool attempt_is_linear(const struct attempt *attempt, unsigned domain, enum oracle_type type,
                              const struct verdict *verdict)
{
    const struct oracle *oracle = attempt->oracle;
    const struct oracle_use *use = &attempt->uses[verdict->mfn];

    return oracle->state.domains[domain].linear && (oracle->state.domains[domain].wide || type != O_L3) &&
           oracle->state.frames[verdict->mfn].owner == domain && use->uses > 0 &&
           oracle_is_table((enum oracle_type)use->type) &&
           oracle_level((enum oracle_type)use->type) == oracle_level(type);
}

/* Read-only; itself, or one that is not the end of a link where this one is its beginning, nor the reverse. */
static int attempt_link(struct attempt *attempt, uint64_t table, const struct verdict *verdict)
{
    struct oracle_use *from = &attempt->uses[table], *to = &attempt->uses[verdict->mfn];

    if (verdict->bits & BIT_RW)
        return -XEN_EINVAL;
    if (from == to)
        return 0;
    if (to->type == O_L2_TOP)
        return -XEN_EINVAL;
    if ((from->links_from > 0 || to->links_to > 0) && attempt->oracle->mistake != ORACLE_LINKS_CHAIN)
        return -XEN_EINVAL;
    from->links_to++;
    to->links_from++;
    to->refs++;
    to->uses++;
    return 0;
}

int attempt_entry(struct attempt *attempt, struct who who, uint64_t mfn, enum oracle_type table,
                  const struct verdict *verdict)
{
    const struct oracle *oracle = attempt->oracle;
    struct oracle_use *use;

    if (verdict->error || verdict->mfn == ORACLE_NO_FRAME)
        return verdict->error;
    if (table != O_L1 && attempt_is_linear(attempt, who.pt, table, verdict))
        return attempt_link(attempt, mfn, verdict);
    if (table != O_L1)
        return attempt_use(attempt, who.pt, verdict->mfn, (enum oracle_type)verdict->need);
    use = &attempt->uses[verdict->mfn];
    if (who.pg < 0 || oracle->state.frames[verdict->mfn].owner != who.pg)
        return -XEN_EBUSY;
    if (verdict->need == O_WRITABLE) {
        if (use->uses > 0 && use->type == O_L1 && oracle->mistake == ORACLE_TABLES_WRITABLE)
            return 0;
        if (use->uses > 0 && use->type != O_WRITABLE)
            return -XEN_EBUSY;
        use->type = O_WRITABLE;
        use->uses++;
    }
    use->refs++;
    return 0;
}

/* Each entry in turn is judged, used, and stored as the processor shall see it. */
static int attempt_table(struct attempt *attempt, unsigned domain, uint64_t mfn, enum oracle_type type)
{
    struct oracle *oracle = attempt->oracle;
    const struct oracle_domain *self = &oracle->state.domains[domain];
    const uint64_t *own = self->wide ? oracle->root_slots : oracle->compat_slots;
    const struct who who = {domain, domain, (int)domain};
    unsigned slots = rules_slots(self, type), first, end;

    if (slots == 4 && !(oracle->memory[mfn][3] & BIT_P))
        return -XEN_EINVAL;
    rules_hypervisor_slots(self, type, &first, &end);
    for (unsigned slot = 0; slot < slots; slot++) {
        uint64_t raw = oracle->memory[mfn][slot];
        struct verdict verdict;
        int error;

        if (raw == 0 || (slot >= first && slot < end))
            continue;
        verdict = rules_entry(oracle, who, type, slot, raw);
        error = attempt_entry(attempt, who, mfn, type, &verdict);
        if (error)
            return error;
        oracle_put(oracle, mfn, slot, verdict.bits);
    }
    for (unsigned slot = first; slot < end; slot++)
        oracle_put(oracle, mfn, slot, own[slot - first]);
    for (unsigned slot = slots; slot < 512; slot++)
        oracle_put(oracle, mfn, slot, 0);
    return 0;
}

static int attempt_descriptors(struct attempt *attempt, unsigned domain, uint64_t mfn)
{
    struct oracle *oracle = attempt->oracle;

    for (unsigned i = 0; i < 512; i++) {
        uint64_t descriptor = oracle->memory[mfn][i];

        if (!rules_descriptor(oracle->state.domains[domain].wide, &descriptor))
            return -XEN_EINVAL;
        oracle_put(oracle, mfn, i, descriptor);
    }
    return 0;
}

int attempt_use(struct attempt *attempt, unsigned domain, uint64_t mfn, enum oracle_type type)
{
    struct oracle *oracle = attempt->oracle;
    struct oracle_use *use;

    if (!oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner != domain)
        return -XEN_EINVAL;
    use = &attempt->uses[mfn];
    use->refs++;
    if (use->uses > 0) {
        if (use->type != type || type == O_L2_TOP)
            return -XEN_EINVAL;
        use->uses++;
        return 0;
    }
    use->type = (uint8_t)type;
    use->uses = 1;
    oracle->state.frames[mfn].was = (uint8_t)type;
    return type == O_SEGDESC ? attempt_descriptors(attempt, domain, mfn) : attempt_table(attempt, domain, mfn, type);
}

int oracle_try(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type)
{
    struct attempt attempt;

    attempt_begin(&attempt, oracle);
    return attempt_use(&attempt, domain, mfn, type);
}
