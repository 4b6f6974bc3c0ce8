/* SPDX-License-Identifier: MIT */
/*
 * Processors: which vCPU each runs, and how the instructions of a guest reach memory through what
 * is cached.
 *
 * Where the architecture leaves a choice, the seed makes it: how far up a walk starts, whether a
 * store through a translation that is not marked dirty notices that memory has changed since.
 */
#include <stdlib.h>

#include <sim/sim_parts.h>
#include <sim/walk.h>

void cpus_create(struct sim *sim, const struct sim_config *config)
{
    for (unsigned i = 0; i < sim->nr_cpus; i++) {
        struct sim_tlb *tlb = calloc(1, sizeof(*tlb));

        if (!tlb)
            abort();
        tlb_create(tlb, config->tlb_entries ? config->tlb_entries : 512,
                   config->psc_entries ? config->psc_entries : 128);
        sim->cpus[i].tlb = tlb;
    }
}

void cpus_destroy(struct sim *sim)
{
    for (unsigned i = 0; i < sim->nr_cpus; i++) {
        if (sim->cpus[i].tlb)
            tlb_destroy(sim->cpus[i].tlb);
        free(sim->cpus[i].tlb);
    }
}

void cpu_load_root(struct sim_cpu *cpu, struct sim_vcpu *vcpu)
{
    cpu->current = vcpu;
    cache_flush(&cpu->tlb->translations);
    cache_flush(&cpu->tlb->tables);
    cpu->root_loads++;
}

void cpu_change_mode(struct sim_cpu *cpu, struct sim_vcpu *vcpu, mfn_t root)
{
    vcpu->loaded_root = root;
    cache_flush_local(&cpu->tlb->translations);
    cache_flush(&cpu->tlb->tables);
    cpu->mode_changes++;
}

/* The switch from one vCPU to another is a flush of the hypervisor's own, so the engine's clock hears of it. */
struct sim_cpu *cpu_enter(struct sim *sim, struct vcpu *vcpu)
{
    struct sim_cpu *cpu = &sim->cpus[vcpu->cpu];
    struct sim_vcpu *next = sim_vcpu_of(vcpu);
    uint64_t began;

    if (cpu->current != next) {
        began = tlb_flush_begin(&sim->machine);
        tlb_run_begin(&sim->machine, vcpu->cpu);
        cpu_load_root(cpu, next);
        tlb_run_end(&sim->machine, vcpu->cpu, vcpu->domain);
        tlb_flush_end(&sim->machine, cpumask_of(vcpu->cpu), began);
    }
    return cpu;
}

/* The table to start a walk from: the root, or a cached one further down. */
static struct sim_cached choose_start(const struct sim_walk *walk, const struct sim_cpu *cpu)
{
    const struct sim_vcpu *vcpu = cpu->current;
    struct sim_cached start = walk_start(vcpu->vcpu.domain, vcpu->loaded_root);

    for (unsigned level = 1; level < start.level; level++) {
        const struct sim_cached *table = cache_find(&cpu->tlb->tables, walk->vaddr, level);

        if (table && sim_chance(walk->sim, 192))
            return *table;
    }
    return start;
}

/* Walk with the help of the caches and fill them. */
static bool walk_and_fill(struct sim_walk *walk, struct sim_cpu *cpu, struct sim_cached *found, uint32_t *code)
{
    *found = choose_start(walk, cpu);
    walk->set_bits = true;
    walk->fill = &cpu->tlb->tables;
    if (mfn_is_none(cpu->current->loaded_root)) {
        *code = walk_fault(walk, 0);
        return false;
    }
    if (!walk_from(walk, found, code))
        return false;
    cache_fill(walk->sim, &cpu->tlb->translations, found);
    cpu->fills++;
    return true;
}

static struct sim_cached *find_translation(const struct sim_cpu *cpu, uint64_t vaddr)
{
    for (unsigned level = 1; level <= 3; level++) {
        struct sim_cached *found = cache_find(&cpu->tlb->translations, vaddr, level);

        if (found)
            return found;
    }
    return NULL;
}

/*
 * A store through @cached, which allows it but is not marked dirty: the processor has to set the
 * dirty bit in memory, and may or may not notice there that the entry is another one by now.
 */
static bool store_clean(struct sim_walk *walk, struct sim_cpu *cpu, const struct sim_cached *cached,
                        struct sim_cached *found, uint32_t *code)
{
    struct sim_cached stale = *cached;
    struct sim_walk look = *walk;
    bool same;

    *found = walk_start(cpu->current->vcpu.domain, cpu->current->loaded_root);
    same = walk_from(&look, found, code) && mfn_equal(walk_frame(found, walk->vaddr), walk_frame(&stale, walk->vaddr));
    if (!same && sim_chance(walk->sim, 128)) {
        stale.dirty = true;
        cache_fill(walk->sim, &cpu->tlb->translations, &stale);
        *found = stale;
        return true;
    }
    return walk_and_fill(walk, cpu, found, code);
}

/* Where an access goes; a fault makes the processor forget what led to it (SDM volume 3, 4.10.4.1). */
static bool translate(struct sim_walk *walk, struct sim_cpu *cpu, struct sim_cached *found, uint32_t *code)
{
    struct sim_cached *cached;
    bool done;

    if (!walk_canonical(cpu->current->vcpu.domain->width, walk->vaddr)) {
        *code = walk_fault(walk, SIM_PF_NOT_CANONICAL);
        return false;
    }
    cached = find_translation(cpu, walk->vaddr);
    if (cached && walk_allows(walk, cached)) {
        if (walk->access != SIM_WRITE || cached->dirty) {
            *found = *cached;
            return true;
        }
        done = store_clean(walk, cpu, cached, found, code);
    } else {
        done = walk_and_fill(walk, cpu, found, code);
    }
    if (!done) {
        cache_drop(&cpu->tlb->translations, walk->vaddr);
        cache_drop(&cpu->tlb->tables, walk->vaddr);
    }
    return done;
}

/* One access inside one page; @to or @from is NULL, or both. */
static bool access_page(struct vcpu *vcpu, const struct sim_walk *access, void *to, const void *from, size_t size,
                        struct sim_fault *fault)
{
    struct sim *sim = access->sim;
    struct sim_walk walk = *access;
    struct sim_cached found;
    uint32_t code;
    mfn_t mfn;

    if (!translate(&walk, cpu_enter(sim, vcpu), &found, &code)) {
        if (fault)
            *fault = (struct sim_fault){VADDR(walk.vaddr), code};
        return false;
    }
    mfn = walk_frame(&found, walk.vaddr);
    if (to)
        ram_read(sim, mfn, walk.vaddr % PAGE_SIZE, to, size);
    if (from)
        ram_write(sim, mfn, walk.vaddr % PAGE_SIZE, from, size);
    return true;
}

static struct sim_walk access_of(const struct vcpu *vcpu, vaddr_t vaddr, enum sim_access access)
{
    return (struct sim_walk){
        .sim = sim_here(),
        .vaddr = vaddr.v,
        .access = access,
        .ring3 = vcpu->domain->width == WIDTH_64,
        .rights = true,
    };
}

bool sim_load(struct vcpu *vcpu, vaddr_t vaddr, void *to, size_t size, struct sim_fault *fault)
{
    struct sim_walk walk = access_of(vcpu, vaddr, SIM_READ);

    for (size_t done = 0, chunk; done < size; done += chunk, walk.vaddr += chunk) {
        size_t room = PAGE_SIZE - walk.vaddr % PAGE_SIZE;

        chunk = size - done < room ? size - done : room;
        if (!access_page(vcpu, &walk, (uint8_t *)to + done, NULL, chunk, fault))
            return false;
    }
    return true;
}

bool sim_store(struct vcpu *vcpu, vaddr_t vaddr, const void *from, size_t size, struct sim_fault *fault)
{
    struct sim_walk walk = access_of(vcpu, vaddr, SIM_WRITE);

    for (size_t done = 0, chunk; done < size; done += chunk, walk.vaddr += chunk) {
        size_t room = PAGE_SIZE - walk.vaddr % PAGE_SIZE;

        chunk = size - done < room ? size - done : room;
        if (!access_page(vcpu, &walk, NULL, (const uint8_t *)from + done, chunk, fault))
            return false;
    }
    return true;
}

bool sim_probe(struct vcpu *vcpu, vaddr_t vaddr, enum sim_access access, bool ring3, struct sim_fault *fault)
{
    struct sim_walk walk = access_of(vcpu, vaddr, access);

    walk.ring3 |= ring3;
    return access_page(vcpu, &walk, NULL, NULL, 0, fault);
}

mfn_t sim_peek(struct vcpu *vcpu, vaddr_t vaddr, bool *writable)
{
    struct sim_walk walk = {.sim = sim_here(), .vaddr = vaddr.v};
    mfn_t root = sim_vcpu_of(vcpu)->loaded_root;
    struct sim_cached at = walk_start(vcpu->domain, root);
    uint32_t code;

    if (mfn_is_none(root) || !walk_canonical(vcpu->domain->width, vaddr.v) || !walk_from(&walk, &at, &code))
        return MFN_NONE;
    if (writable)
        *writable = at.writable;
    return walk_frame(&at, vaddr.v);
}

size_t sim_tlb_count(const struct sim *sim, unsigned cpu)
{
    return sim->cpus[cpu].tlb->translations.count;
}

size_t sim_psc_count(const struct sim *sim, unsigned cpu)
{
    return sim->cpus[cpu].tlb->tables.count;
}

bool sim_tlb_holds(const struct sim *sim, unsigned cpu, vaddr_t vaddr, mfn_t *mfn, bool *writable)
{
    const struct sim_cached *found = find_translation(&sim->cpus[cpu], vaddr.v);

    if (!found)
        return false;
    if (mfn)
        *mfn = walk_frame(found, vaddr.v);
    if (writable)
        *writable = found->writable;
    return true;
}
