/* SPDX-License-Identifier: MIT */
/* The oracle on single entries: mmu_update and update_va_mapping (abi/mmu.h). */
#include <abi/mmu.h>
#include <tests/model/lib/oracle_parts.h>

int oracle_find_domain(const struct oracle *oracle, unsigned caller, unsigned id, int *pg)
{
    *pg = (int)caller;
    switch (id) {
    case DOMID_SELF:
        return 0;
    case DOMID_IO:
        *pg = PG_DEVICES;
        return 0;
    case DOMID_XEN:
        *pg = oracle->state.domains[caller].privileged ? PG_DEVICES : PG_FORBIDDEN;
        return 0;
    default:
        if (id == caller || id >= oracle->nr_domains || !oracle->state.domains[id].alive)
            return -XEN_ESRCH;
        *pg = (int)id;
        return 0;
    }
}

bool oracle_may(const struct oracle *oracle, unsigned caller, int pg)
{
    return pg == (int)caller || pg == PG_DEVICES || (pg >= 0 && oracle->state.domains[caller].privileged);
}

/*
 * ---- Walks.
 */

bool oracle_find_l1(const struct oracle *oracle, unsigned domain, uint64_t root, uint64_t vaddr, uint64_t *table,
                    unsigned *index)
{
    bool wide = oracle->state.domains[domain].wide;
    uint64_t mfn = root;

    if (root == ORACLE_NO_FRAME || !rules_address(wide, vaddr))
        return false;
    for (unsigned level = wide ? 4 : 3; level > 1; level--) {
        uint64_t entry = oracle->memory[mfn][(vaddr >> (12 + 9 * (level - 1))) & 511];

        if (!(entry & BIT_P) || !oracle_is_ram(oracle, entry_target(entry)))
            return false;
        mfn = entry_target(entry);
    }
    *table = mfn;
    *index = (unsigned)(vaddr >> 12) & 511;
    /* By way of a table that leads to its own level it may end above, or at the hypervisor's. */
    return oracle->state.frames[mfn].owner == domain && (oracle->uses[mfn].uses == 0 || oracle->uses[mfn].type == O_L1);
}

uint64_t oracle_walk_root(const struct oracle *oracle, unsigned domain, uint64_t root, uint64_t vaddr, bool *writable)
{
    bool wide = oracle->state.domains[domain].wide;
    uint64_t mfn = root;

    *writable = true;
    if (mfn == ORACLE_NO_FRAME || !rules_address(wide, vaddr))
        return ORACLE_NO_FRAME;
    for (unsigned level = wide ? 4 : 3; level > 0; level--) {
        uint64_t entry = oracle->memory[mfn][(vaddr >> (12 + 9 * (level - 1))) & 511];

        if (!(entry & BIT_P))
            return ORACLE_NO_FRAME;
        *writable &= (entry & BIT_RW) || (!wide && level == 3); /* gets RW when it is validated */
        mfn = entry_target(entry);
        if (level > 1 && !oracle_is_ram(oracle, mfn))
            return ORACLE_NO_FRAME;
    }
    return mfn;
}

uint64_t oracle_walk(const struct oracle *oracle, unsigned domain, unsigned vcpu, uint64_t vaddr, bool *writable)
{
    const struct oracle_vcpu *on = &oracle->state.domains[domain].vcpus[vcpu];

    return oracle_walk_root(oracle, domain, on->user_mode ? on->user_root : on->kernel_root, vaddr, writable);
}

/*
 * ---- Entries.
 */

int oracle_write_entry(struct oracle *oracle, struct who who, uint64_t table, unsigned index, uint64_t raw,
                       bool keep_ad)
{
    enum oracle_type type = oracle_type(oracle, table);
    uint64_t old = oracle->memory[table][index];
    struct verdict verdict;
    struct attempt attempt;
    int error;

    if (type != O_L1 && who.pg != (int)who.pt)
        return -XEN_EINVAL;
    error = rules_slot(&oracle->state.domains[who.pt], type, index);
    if (error)
        return error;
    verdict = rules_entry(oracle, who, type, index, raw);
    if (verdict.error)
        return verdict.error;
    if (!rules_only_inert(old, verdict.bits)) {
        /* The new use begins before the old one ends. */
        attempt_begin(&attempt, oracle);
        error = attempt_entry(&attempt, who, table, type, &verdict);
        if (error)
            return error;
    }
    if (verdict.mfn != ORACLE_NO_FRAME && who.pg != (int)who.pt)
        oracle->state.domains[who.pt].maps_foreign = true;
    oracle_put(oracle, table, index, verdict.bits | (keep_ad ? old & BITS_AD : 0));
    oracle_settle(oracle);
    return 0;
}

static int update_table(struct oracle *oracle, struct who who, uint64_t ptr, uint64_t value)
{
    uint64_t mfn = ptr >> 12;
    unsigned index = (unsigned)(ptr & 0xff8) / 8;
    bool keep_ad = (ptr & 7) == MMU_PT_UPDATE_PRESERVE_AD;
    enum oracle_type type;

    if (!oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner != who.pt)
        return -XEN_EINVAL;
    type = oracle_type(oracle, mfn);
    if (oracle_is_table(type))
        return oracle_write_entry(oracle, who, mfn, index, value, keep_ad);
    if (type == O_SEGDESC)
        return -XEN_EINVAL;
    oracle_put(oracle, mfn, index, value);
    return 0;
}

static int update_m2p(struct oracle *oracle, struct who who, uint64_t ptr, uint64_t value)
{
    uint64_t mfn = ptr >> 12;

    if (who.pt != who.caller)
        return -XEN_EPERM;
    if (!oracle_is_ram(oracle, mfn) || who.pg < 0 || oracle->state.frames[mfn].owner != who.pg)
        return -XEN_EINVAL;
    oracle->state.m2p[mfn] = value;
    return 0;
}

static int update_one(struct oracle *oracle, struct who who, const uint64_t word[2])
{
    unsigned command = word[0] & 7;

    if (command > MMU_PT_UPDATE_NO_TRANSLATE)
        return -XEN_ENOSYS;
    if (!oracle_may(oracle, who.caller, (int)who.pt) || !oracle_may(oracle, who.caller, who.pg))
        return -XEN_EPERM;
    if (command == MMU_MACHPHYS_UPDATE)
        return update_m2p(oracle, who, word[0], word[1]);
    return update_table(oracle, who, word[0], word[1]);
}

int64_t oracle_mmu_update(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    unsigned pt_field = step->foreign >> 16, done = 0;
    struct who who = {call->caller, call->caller, 0};
    int error;

    if (step->args == ARGS_HYPERVISOR && step->count > 0)
        return -XEN_EFAULT;
    if (pt_field) {
        who.pt = pt_field - 1;
        if (who.pt >= oracle->nr_domains || !oracle->state.domains[who.pt].alive)
            return -XEN_ESRCH;
    }
    error = oracle_find_domain(oracle, call->caller, step->foreign & 0xffff, &who.pg);
    for (; !error && done < step->count; done++) {
        error = done < call_readable(step) ? update_one(oracle, who, &step->word[2 * done]) : -XEN_EFAULT;
        if (error)
            break;
    }
    if (step->done == DONE_GOOD)
        call->expected->done =
            done + ((step->sub & 1) ? DONE_BEFORE : 0) + (error && oracle->mistake == ORACLE_DONE_PLUS_ONE);
    return error;
}

int64_t oracle_va_mapping(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    unsigned flush = (unsigned)step->word[2] & UVMF_FLUSHTYPE_MASK;
    struct who who = {call->caller, call->caller, (int)call->caller};
    uint64_t table;
    unsigned index;
    int error = 0;

    if (step->kind == STEP_VA_OTHER)
        error = oracle_find_domain(oracle, call->caller, step->foreign & 0xffff, &who.pg);
    if (!error && !oracle_may(oracle, call->caller, who.pg))
        error = -XEN_EPERM;
    if (!error && !oracle_find_l1(oracle, call->caller, call->vcpu->kernel_root, step->word[0], &table, &index))
        error = -XEN_EINVAL;
    if (!error)
        error = oracle_write_entry(oracle, who, table, index, step->word[1], false);
    if (error || (flush != UVMF_TLB_FLUSH && flush != UVMF_INVLPG))
        return error;
    /* A bitmap, told from LOCAL and ALL by being an address, is the last thing that can fail. */
    return step->word[3] && step->args != ARGS_GOOD ? -XEN_EFAULT : 0;
}
