/* SPDX-License-Identifier: MIT */
/* The engine against the oracle, and against its own promises. */
#include <string.h>

#include <abi/grant.h>
#include <engine/grant_mapping.h>
#include <engine/linear.h>
#include <tests/model/lib/model.h>

/*
 * ---- Outcomes.
 */

static void fail_outcome(const struct model *model, const struct step *step, const char *what, uint64_t seen,
                         uint64_t expected)
{
    const struct refusal *last = &model->sim->last_refusal;

    sim_fail("step %llu, %s: %s is %lld (%#llx), expected %lld (%#llx); last refusal: %s",
             (unsigned long long)model->number, step_name(step->kind), what, (long long)seen, (unsigned long long)seen,
             (long long)expected, (unsigned long long)expected,
             model->sim->nr_refusals ? refusal_name(last->reason) : "none");
}

/* Where the ABI says no more than "an error", any will do. */
static bool any_error_will_do(const struct step *step)
{
    return step->kind == STEP_EMULATE || step->kind == STEP_LDT_FAULT;
}

/* After the step there may be nothing mapped any more where the number is to go. */
bool check_done(const struct model *model, const struct step *step, const struct outcome *seen,
                const struct outcome *expected)
{
    const struct oracle_vcpu *vcpu = &model->oracle->state.domains[step->domain].vcpus[step->vcpu];

    return seen->done == expected->done ||
           (seen->done == DONE_BEFORE && !model_root_reaches(model, step->domain, step->vcpu, vcpu->kernel_root));
}

/* The destinations of copies have whatever accessed and dirty bits the sources had just then. */
static void loosen_copies(struct model *model, const struct step *step)
{
    for (unsigned i = 0; i < step->count; i++) {
        const uint64_t *word = &step->word[5 * i];
        unsigned domain = (word[3] & 0xffff) == DOMID_SELF ? step->domain : word[3] & 0xffff;
        uint64_t mfn = word[2];

        if (word[4] >> 16 & GNTCOPY_dest_gref)
            mfn = model_alive(model, domain) ? oracle_granted(model->oracle, domain, (uint32_t)mfn) : ORACLE_NO_FRAME;
        if (mfn < model->oracle->nr_frames)
            model->ad_loose[mfn] = true;
    }
}

void check_outcome(struct model *model, const struct step *step, const struct outcome *seen,
                   const struct outcome *expected)
{
    bool same = seen->result == expected->result;

    if (any_error_will_do(step))
        same = (seen->result == 0) == (expected->result == 0);
    if (!same)
        fail_outcome(model, step, "the result", (uint64_t)seen->result, (uint64_t)expected->result);
    if (!check_done(model, step, seen, expected))
        fail_outcome(model, step, "the number done", seen->done, expected->done);
    if (seen->mfn != expected->mfn)
        fail_outcome(model, step, "the frame reached", seen->mfn, expected->mfn);
    if (step->kind == STEP_EMULATE && seen->result == 0 && seen->seen != expected->seen)
        fail_outcome(model, step, "what was found", seen->seen, expected->seen);
    if (step->kind == STEP_EXCHANGE && seen->seen != expected->seen)
        fail_outcome(model, step, "nr_exchanged", seen->seen, expected->seen);
    if (step->kind == STEP_LOAD && (seen->seen ^ expected->seen) & ~(PTE_A | PTE_D) &&
        (step->word[0] & 0xfff) / 8 != MAIL_INDEX && !model_is_area(model, seen->mfn))
        fail_outcome(model, step, "what was read", seen->seen, expected->seen);
    for (unsigned i = 0; i < STEP_EXTENTS; i++) {
        if (seen->extents[i] != expected->extents[i])
            fail_outcome(model, step, "an extent", seen->extents[i], expected->extents[i]);
    }
    if (step->kind == STEP_GRANT_COPY)
        loosen_copies(model, step);
    if (step->kind == STEP_MMUEXT) { /* a copy of a table has whatever bits it had just then */
        for (unsigned i = 0; i < step->count; i++) {
            if (step->word[3 * i] == MMUEXT_COPY_PAGE && step->word[3 * i + 1] < model->oracle->nr_frames)
                model->ad_loose[step->word[3 * i + 1]] = true;
        }
    }
}

/*
 * ---- The frame table.
 */

static void fail_frame(const struct model *model, unsigned mfn, const char *what, uint64_t seen, uint64_t expected)
{
    const struct oracle_use *use = &model->oracle->uses[mfn];

    sim_fail("step %llu: frame %#x: %s is %#llx, expected %#llx (type word %#x; %s, %u uses, %u "
             "references, owner %#x)",
             (unsigned long long)model->number, mfn, what, (unsigned long long)seen, (unsigned long long)expected,
             model->sim->machine.frames[mfn].type.v, oracle_type_name(oracle_type(model->oracle, mfn)), use->uses,
             use->refs, model->oracle->state.frames[mfn].owner);
}

static uint16_t engine_owner(const struct oracle_frame *frame)
{
    switch (frame->owner) {
    case O_POOL:
        return OWNER_NONE;
    case O_HYPERVISOR:
        return DOMID_XEN;
    case O_NOT_RAM:
        return DOMID_IO;
    default:
        return frame->owner;
    }
}

static void check_frame(struct model *model, unsigned mfn)
{
    const struct frame *frame = &model->sim->machine.frames[mfn];
    const struct oracle_frame *own = &model->oracle->state.frames[mfn];
    const struct oracle_use *use = &model->oracle->uses[mfn];
    enum oracle_type type = oracle_type(model->oracle, mfn);

    if (frame->owner != engine_owner(own))
        fail_frame(model, mfn, "the owner", frame->owner, engine_owner(own));
    if (frame->refs != use->refs)
        fail_frame(model, mfn, "the general count", frame->refs, use->refs);
    if (type_count(frame->type) != use->uses)
        fail_frame(model, mfn, "the type count", type_count(frame->type), use->uses);
    if (use->uses > 0 && (unsigned)type_of(frame->type) != (unsigned)type)
        fail_frame(model, mfn, "the type", type_of(frame->type), type);
    if (type_is_validated(frame->type) != (use->uses > 0 && type != O_WRITABLE))
        fail_frame(model, mfn, "validated", type_is_validated(frame->type), use->uses > 0);
    if (type_is_busy(frame->type))
        fail_frame(model, mfn, "busy", true, false);
    if (type_is_pinned(frame->type) != (own->pin != 0))
        fail_frame(model, mfn, "pinned", type_is_pinned(frame->type), own->pin != 0);
    if (linear_count(frame) != use->links_to + use->links_from)
        fail_frame(model, mfn, "the count of links", linear_count(frame), use->links_to + use->links_from);
    if (linear_is_source(frame) != (use->links_to > 0))
        fail_frame(model, mfn, "having links", linear_is_source(frame), use->links_to);
    if ((frame->flags & FRAME_ALLOCATED) != (own->allocated ? FRAME_ALLOCATED : 0u))
        fail_frame(model, mfn, "allocated", frame->flags, own->allocated);
    if ((frame->flags & FRAME_SHARED) != (own->shared ? FRAME_SHARED : 0u))
        fail_frame(model, mfn, "shared", frame->flags, own->shared);
    if (model->sim->machine.m2p[mfn] != model->oracle->state.m2p[mfn])
        fail_frame(model, mfn, "the M2P entry", model->sim->machine.m2p[mfn], model->oracle->state.m2p[mfn]);
    if (model->sim->machine.compat_m2p[mfn] != (uint32_t)model->oracle->state.m2p[mfn])
        fail_frame(model, mfn, "the 32-bit M2P entry", model->sim->machine.compat_m2p[mfn],
                   (uint32_t)model->oracle->state.m2p[mfn]);
    if (type != O_WRITABLE)
        model->ad_loose[mfn] = true;
}

static void expect(const struct model *model, const char *what, uint64_t seen, uint64_t expected)
{
    if (seen != expected)
        sim_fail("step %llu: %s is %#llx, expected %#llx", (unsigned long long)model->number, what,
                 (unsigned long long)seen, (unsigned long long)expected);
}

static void check_vcpu(const struct model *model, unsigned domain, unsigned id)
{
    const struct vcpu *vcpu = model_vcpu(model, domain, id);
    const struct oracle_vcpu *own = &model->oracle->state.domains[domain].vcpus[id];
    const struct sim_vcpu *processor = sim_vcpu_of(vcpu);

    expect(model, "a kernel root", vcpu->kernel_root.v, own->kernel_root);
    expect(model, "a user root", vcpu->user_root.v, own->user_root);
    expect(model, "a vCPU's mode", vcpu->user_mode, own->user_mode);
    expect(model, "a loaded root", processor->loaded_root.v, own->user_mode ? own->user_root : own->kernel_root);
    expect(model, "the base of an LDT", vcpu->ldt_base.v, own->ldt_base);
    expect(model, "the size of an LDT", vcpu->ldt_entries, own->ldt_entries);
    for (unsigned i = 0; i < GDT_FRAMES; i++) {
        expect(model, "a frame of a GDT", vcpu->gdt[i].v, own->gdt[i]);
        expect(model, "a page of the GDT's window", processor->windows[i].v, own->gdt[i]);
    }
    for (unsigned i = 0; i < LDT_FRAMES; i++) {
        expect(model, "a frame of an LDT", vcpu->ldt[i].v, own->ldt[i]);
        expect(model, "a page of the LDT's window", processor->windows[LDT_WINDOW + i].v, own->ldt[i]);
    }
}

static void check_traps(const struct model *model, unsigned domain, unsigned id)
{
    const struct vcpu *vcpu = model_vcpu(model, domain, id);
    const struct oracle_vcpu *own = &model->oracle->state.domains[domain].vcpus[id];

    for (unsigned i = 0; i < TRAP_VECTORS; i++) {
        expect(model, "a trap handler", vcpu->traps[i].address, own->traps[i].address);
        expect(model, "a trap's selector", vcpu->traps[i].cs, own->traps[i].cs);
        expect(model, "a trap's flags", vcpu->traps[i].flags, own->traps[i].flags);
    }
}

/*
 * A frame that was mapped writable and not write-back is neither validated nor handed out before
 * every processor has emptied its caches.
 */
static void check_coherence(struct model *model, unsigned mfn)
{
    const struct sim *sim = model->sim;
    enum oracle_type type = oracle_type(model->oracle, mfn);
    bool mapped = model->oracle->uses[mfn].uncached, flushed = true;

    if (mapped || !model->incoherent[mfn]) {
        model->incoherent[mfn] = mapped;
        for (unsigned cpu = 0; mapped && cpu < sim->nr_cpus; cpu++)
            model->cache_flushes[mfn][cpu] = sim->cpus[cpu].cache_flushes;
        return;
    }
    for (unsigned cpu = 0; cpu < sim->nr_cpus; cpu++)
        flushed &= sim->cpus[cpu].cache_flushes > model->cache_flushes[mfn][cpu];
    model->incoherent[mfn] = !flushed;
    if (!flushed && (oracle_is_table(type) || type == O_SEGDESC))
        fail_frame(model, mfn, "validated before caches were flushed, type", type, O_NONE);
    if (!flushed && sim->frames[mfn].taken != model->taken[mfn])
        fail_frame(model, mfn, "handed out before caches were flushed, times", sim->frames[mfn].taken,
                   model->taken[mfn]);
}

/* Processors walk ahead whenever the engine looks at memory; it is not to while we do.  Returns what to set again. */
static unsigned no_speculation(struct model *model)
{
    unsigned before = model->sim->speculate_per_256;

    model->sim->speculate_per_256 = 0;
    return before;
}

static void check_grants(struct model *model)
{
    unsigned speculation = no_speculation(model);
    const char *grants = grants_difference(model);

    model->sim->speculate_per_256 = speculation;
    if (grants)
        sim_fail("step %llu: %s: not as expected", (unsigned long long)model->number, grants);
}

void check_state(struct model *model)
{
    check_grants(model);
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++) {
        check_frame(model, mfn);
        check_coherence(model, mfn);
        if (mfn < model->sim->hypervisor_first.v)
            model->taken[mfn] = model->sim->frames[mfn].taken;
    }
    for (unsigned i = 0; i < model->nr_domains; i++) {
        expect(model, "the size of a reservation", sim_domain(model->sim, i)->nr_frames,
               oracle_reservation(model->oracle, i));
        for (unsigned j = 0; model_alive(model, i) && j < MODEL_VCPUS; j++) {
            check_vcpu(model, i, j);
            check_traps(model, i, j);
        }
    }
}

/*
 * ---- Memory.
 */

/* Was @value stored somewhere at a preemption point of this step?  From there it may have been copied. */
static bool is_mail(const struct model *model, uint64_t value)
{
    for (unsigned i = 0; i < model->nr_mails; i++) {
        if (model->mails[i].value == value)
            return true;
    }
    return false;
}

static void check_frame_memory(struct model *model, unsigned mfn)
{
    struct oracle *oracle = model->oracle;
    const uint64_t *seen = sim_frame_entries(model->sim, MFN(mfn));
    uint64_t loose = model->ad_loose[mfn] ? PTE_A | PTE_D : 0;

    if (memcmp(seen, oracle->memory[mfn], PAGE_SIZE) == 0)
        return;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t expected = oracle->memory[mfn][i];

        if (seen[i] == expected)
            continue;
        if ((seen[i] ^ expected) & ~loose && !(i == MAIL_INDEX && is_mail(model, seen[i])))
            sim_fail("step %llu: frame %#x (%s), entry %u is %#llx, expected %#llx", (unsigned long long)model->number,
                     mfn, oracle_type_name(oracle_type(oracle, mfn)), i, (unsigned long long)seen[i],
                     (unsigned long long)expected);
        oracle->memory[mfn][i] = seen[i];
    }
}

void check_memory(struct model *model, bool all)
{
    struct oracle *oracle = model->oracle;

    for (unsigned i = 0; i < model->nr_mails; i++)
        oracle->touched[model->mails[i].mfn] = 1;
    model->stats->full_checks += all;
    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        if (!all && !oracle->touched[mfn])
            continue;
        oracle->touched[mfn] = 0;
        if (oracle->state.frames[mfn].owner >= ORACLE_DOMAINS || model_is_area(model, mfn))
            continue;
        check_frame_memory(model, mfn);
        if (oracle_type(oracle, mfn) == O_WRITABLE)
            model->ad_loose[mfn] = false;
    }
}

/*
 * ---- The engine by itself.
 */

void check_engine(struct model *model)
{
    unsigned speculation = no_speculation(model);
    struct audit_finding finding;
    struct sim_finding breach;
    bool good = audit_machine(&model->sim->machine, model->counts, &finding);

    model->sim->speculate_per_256 = speculation;
    if (!good)
        sim_fail("step %llu: audit: %s: frame %#llx: expected %llu, found %llu", (unsigned long long)model->number,
                 finding.invariant, (unsigned long long)finding.frame.v, (unsigned long long)finding.expected,
                 (unsigned long long)finding.found);
    if (!sim_check_tlb_rule(model->sim, &breach))
        sim_fail("step %llu: %s: cpu %u, address %#llx, frame %#llx, type word %#x, owner %#x",
                 (unsigned long long)model->number, breach.rule, breach.cpu, (unsigned long long)breach.vaddr.v,
                 (unsigned long long)breach.frame.v, breach.type.v, breach.owner);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 32;
}

static uint64_t mix_grants(uint64_t hash, const struct domain *domain)
{
    const struct grant_mapping *mapping;

    hash = mix(hash, (uint64_t)domain->grants.version << 32 | domain->grants.nr_frames);
    for (grant_handle_t handle = 0; (mapping = grant_mapping_next(domain, &handle)); handle++)
        hash = mix(mix(hash, mapping->frame.v), (uint64_t)mapping->ref << 32 | mapping->parts);
    return hash;
}

uint64_t check_hash(const struct model *model)
{
    const struct machine *machine = &model->sim->machine;
    uint64_t hash = 0;

    for (unsigned i = 0; i < model->nr_domains; i++)
        hash = mix_grants(hash, sim_domain(model->sim, i));

    for (unsigned mfn = 0; mfn < machine->nr_frames; mfn++) {
        const struct frame *frame = &machine->frames[mfn];
        const uint64_t *entries;

        hash = mix(hash, frame->type.v);
        hash = mix(hash, (uint64_t)frame->refs << 32 | (uint32_t)frame->owner << 16 | frame->flags);
        hash = mix(hash, machine->m2p[mfn]);
        if (model->oracle->state.frames[mfn].owner >= ORACLE_DOMAINS || model_is_area(model, mfn))
            continue;
        entries = sim_frame_entries(model->sim, MFN(mfn));
        for (unsigned i = 0; i < 512; i++) {
            if (entries[i])
                hash = mix(hash, i ^ (entries[i] & ~(PTE_A | PTE_D)));
        }
    }
    return hash;
}
