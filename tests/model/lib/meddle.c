/* SPDX-License-Identifier: MIT */
/*
 * What happens beside an operation: other processors load, store, walk ahead.  A store here goes to
 * an index where it cannot change what an operation decides (MAIL_INDEX), so that the result still
 * is the oracle's; what it does show is whether a frame is safe at that moment.
 */
#include <tests/model/lib/model.h>

void meddle_remember(struct model *model, unsigned domain, unsigned vcpu, uint64_t vaddr)
{
    model->recent[model->recent_count++ % MODEL_RECENT] = (struct model_place){domain, vcpu, vaddr};
}

/* A store of some guest, through whatever its processor has cached of an address used lately. */
static void store(struct model *model, bool flushing)
{
    unsigned known = model->recent_count < MODEL_RECENT ? model->recent_count : MODEL_RECENT;
    const struct model_place *place;
    struct vcpu *vcpu;
    uint64_t vaddr, value;
    mfn_t mfn;
    const struct frame *frame;
    bool writable = false;

    if (known == 0 || model->nr_mails == MODEL_MAILS)
        return;
    place = &model->recent[model_below(model, known)];
    vcpu = model_vcpu(model, place->domain, model_below(model, MODEL_VCPUS));
    if (vcpu->domain->dying || mfn_is_none(sim_vcpu_of(vcpu)->loaded_root))
        return;
    vaddr = (place->vaddr & ~UINT64_C(0xfff)) + UINT64_C(8) * MAIL_INDEX;
    value = MAIL_VALUE | (model->next_mail++ & 0xffff) << 8;
    if (!sim_store(vcpu, VADDR(vaddr), &value, sizeof(value), NULL) ||
        !sim_tlb_holds(model->sim, vcpu->cpu, VADDR(vaddr), &mfn, NULL))
        return;
    frame = frame_find(&model->sim->machine, mfn);
    if (!frame || !frame_is_ram(frame) || frame->owner == OWNER_NONE)
        return; /* what is in the pool is flushed and wiped before anybody gets it */
    model->stats->mails++;
    model->stats->mails_stale += !mfn_equal(sim_peek(vcpu, VADDR(vaddr), &writable), mfn) || !writable;
    /* While a flush is about to begin, a frame may be promoting that is not safe yet. */
    if (type_is_validated(frame->type) || (type_is_busy(frame->type) && !flushing) || frame->owner >= ORACLE_DOMAINS)
        sim_fail("step %llu: at preemption point %u, a store to %#llx reached frame %#llx, type "
                 "word %#x, owner %#x",
                 (unsigned long long)model->number, model->points, (unsigned long long)vaddr, (unsigned long long)mfn.v,
                 frame->type.v, frame->owner);
    model->mails[model->nr_mails++] = (struct model_mail){mfn.v, value};
}

/*
 * The rule, at each of the first points of an operation and at some of the many others; and where a
 * flush is about to begin.  There a frame may be promoting or on its way out of the pool, or a root
 * about to be loaded (which is about no address), for which it is made.
 */
static void check_rule(struct model *model, bool flushing)
{
    struct sim_finding breach;

    if (model->points > 4 && model_below(model, 16) != 0)
        return;
    model->stats->rule_checks++;
    if (sim_check_tlb_rule(model->sim, &breach))
        return;
    if (flushing && (type_is_busy(breach.type) || breach.owner == OWNER_NONE || breach.vaddr.v == 0))
        return;
    sim_fail("step %llu, preemption point %u: %s: cpu %u, address %#llx, frame %#llx, type word "
             "%#x, owner %#x",
             (unsigned long long)model->number, model->points, breach.rule, breach.cpu,
             (unsigned long long)breach.vaddr.v, (unsigned long long)breach.frame.v, breach.type.v, breach.owner);
}

static void at_preemption(struct sim *sim)
{
    struct model *model = sim->user;

    model->points++;
    if (model->points <= 8 || model_below(model, 8) == 0)
        store(model, false);
    if (model_below(model, 8) == 0)
        sim_speculate(sim);
    check_rule(model, false);
}

static void at_flush(struct sim *sim, cpumask_t cpus)
{
    struct model *model = sim->user;

    (void)cpus;
    for (unsigned i = model_below(model, 3); i > 0; i--)
        store(model, true);
    check_rule(model, true);
}

void meddle_install(struct model *model)
{
    model->sim->preemption = model->config.preemption;
    model->sim->preempt_per_256 = model->config.preempt_per_256;
    model->sim->preempt_script = model->config.script;
    model->sim->preempt_script_length = model->config.script_length;
    model->sim->speculate_per_256 = model->config.speculate_per_256;
    if (!model->config.meddle)
        return;
    model->sim->on_preempt = at_preemption;
    model->sim->on_flush = at_flush;
}
