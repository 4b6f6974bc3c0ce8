/* SPDX-License-Identifier: MIT */
/* Making a machine from its configuration, and ending it. */
#include <stdlib.h>
#include <string.h>

#include <sim/pool.h>
#include <sim/sim_parts.h>
#include <sim/tasks.h>

#define DEFAULT_FRAMES      4096u
#define DEFAULT_PHYS_BITS   40u
#define DEFAULT_STALL_LIMIT 1000000u
#define FRAMES_MAX          (UINT64_C(1) << 26)

/* What a frame is for. */
enum kind {
    KIND_UNSAID,
    KIND_RAM,
    KIND_RESERVED,
    KIND_HOLE,
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (!memory)
        sim_fail("sim: out of memory");
    return memory;
}

/*
 * ---- Frames.
 */

static void mark(const struct sim *sim, uint8_t *kinds, const struct frame_range *ranges, unsigned count,
                 enum kind kind)
{
    for (unsigned i = 0; i < count; i++) {
        if (ranges[i].last.v >= sim->hypervisor_first.v || ranges[i].first.v > ranges[i].last.v)
            sim_fail("sim: range %#llx to %#llx is not in the machine", (unsigned long long)ranges[i].first.v,
                     (unsigned long long)ranges[i].last.v);
        for (uint64_t mfn = ranges[i].first.v; mfn <= ranges[i].last.v; mfn++)
            kinds[mfn] = (uint8_t)kind;
    }
}

/* A byte a frame of the machine, which says what it is for; the caller frees it. */
static uint8_t *frame_kinds(const struct sim *sim, const struct sim_config *config)
{
    uint8_t *kinds = allocate(sim->machine.nr_frames, 1);

    mark(sim, kinds, config->ram, config->nr_ram, KIND_RAM);
    mark(sim, kinds, config->reserved, config->nr_reserved, KIND_RESERVED);
    mark(sim, kinds, config->holes, config->nr_holes, KIND_HOLE);
    if (config->l1tf)
        kinds[0] = KIND_HOLE; /* as machine_add_ram() wants it */
    for (uint64_t mfn = 0; mfn < sim->machine.nr_frames; mfn++) {
        if (mfn >= sim->hypervisor_first.v)
            kinds[mfn] = KIND_RESERVED;
        else if (kinds[mfn] == KIND_UNSAID)
            kinds[mfn] = config->nr_ram ? KIND_HOLE : KIND_RAM;
    }
    return kinds;
}

/* Tell the engine, run by run. */
static void declare_frames(struct sim *sim, const uint8_t *kinds)
{
    for (uint64_t first = 0, next; first < sim->machine.nr_frames; first = next) {
        for (next = first; next < sim->machine.nr_frames && kinds[next] == kinds[first]; next++)
            continue;
        if (kinds[first] == KIND_RAM)
            machine_add_ram(&sim->machine, MFN(first), next - first);
        else if (kinds[first] == KIND_RESERVED)
            machine_reserve(&sim->machine, MFN(first), next - first);
    }
}

/* Frames of all kinds, the pool included; then the engine may be told. */
static void create_frames(struct sim *sim, const uint8_t *kinds)
{
    uint8_t *kept = allocate(sim->machine.nr_frames, 1);

    for (uint64_t mfn = 0; mfn < sim->machine.nr_frames; mfn++) {
        sim->frames[mfn].ram = kinds[mfn] != KIND_HOLE;
        kept[mfn] = kinds[mfn] != KIND_RAM;
    }
    ram_create(sim);
    hypervisor_create(sim);
    sim->pool = pool_create(sim, kept);
    sim->pool_at_start = sim_pool_count(sim);
    free(kept);
}

/*
 * ---- Domains.
 */

static void create_vcpu(struct sim *sim, struct sim_domain *domain, unsigned id, unsigned cpu)
{
    struct sim_vcpu *vcpu = &domain->vcpus[id];

    vcpu->vcpu.domain = &domain->domain;
    vcpu->vcpu.id = id;
    vcpu->vcpu.cpu = cpu % sim->nr_cpus;
    vcpu->loaded_root = MFN_NONE;
    for (unsigned page = 0; page < SIM_WINDOW_PAGES; page++)
        vcpu->windows[page] = MFN_NONE;
    vcpu_init(&vcpu->vcpu);
    domain->vcpu_table[id] = &vcpu->vcpu;
}

static void create_domain(struct sim *sim, unsigned id, const struct sim_domain_config *config, unsigned *cpu)
{
    struct sim_domain *self = &sim->domains[id];
    struct domain *domain = &self->domain;

    domain->machine = &sim->machine;
    domain->id = DOMID((uint16_t)id);
    domain->width = config->width;
    domain->privileged = config->privileged;
    domain->writable_tables = config->writable_tables;
    domain->m2p_strict = config->m2p_strict;
    domain->extended_cr3 = config->extended_cr3;
    domain->linear_tables = config->linear_tables;
    domain->max_frames = config->max_frames ? config->max_frames : sim->machine.nr_frames;
    self->iomem = allocate(config->nr_iomem + 1, sizeof(self->iomem[0]));
    if (config->nr_iomem)
        memcpy(self->iomem, config->iomem, config->nr_iomem * sizeof(self->iomem[0]));
    domain->iomem = self->iomem;
    domain->nr_iomem = config->nr_iomem;
    domain->vcpus = self->vcpu_table;
    domain->nr_vcpus = config->nr_vcpus ? config->nr_vcpus : 1;
    domain_init(domain);
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        create_vcpu(sim, self, i, (*cpu)++);
    sim->domain_table[id] = domain;
}

static void destroy_domain(struct sim_domain *domain)
{
    free(domain->iomem);
    free(domain->guest);
}

static unsigned count_vcpus(const struct sim_config *config)
{
    unsigned count = 0;

    for (unsigned i = 0; i < config->nr_domains; i++) {
        if (config->domains[i].nr_vcpus > SIM_MAX_VCPUS)
            sim_fail("sim: more than %u vCPUs in a domain", SIM_MAX_VCPUS);
        count += config->domains[i].nr_vcpus ? config->domains[i].nr_vcpus : 1;
    }
    return count;
}

/*
 * ---- The machine.
 */

static void set_sizes(struct sim *sim, const struct sim_config *config)
{
    uint64_t nr_frames = config->nr_frames ? config->nr_frames : DEFAULT_FRAMES;
    unsigned nr_vcpus;

    if (nr_frames > FRAMES_MAX || config->nr_domains > SIM_MAX_DOMAINS)
        sim_fail("sim: a machine of that size is not offered");
    nr_vcpus = count_vcpus(config);
    sim->nr_domains = config->nr_domains;
    sim->nr_cpus = config->nr_cpus ? config->nr_cpus : nr_vcpus;
    if (sim->nr_cpus == 0)
        sim->nr_cpus = 1;
    if (sim->nr_cpus > MAX_CPUS)
        sim_fail("sim: more than %u processors", MAX_CPUS);
    sim->hypervisor_first = MFN(nr_frames);
    sim->machine.nr_frames = nr_frames + hypervisor_frames(nr_frames);
    sim->machine.phys_bits = config->phys_bits ? config->phys_bits : DEFAULT_PHYS_BITS;
    sim->machine.l1tf = config->l1tf;
    sim->machine.domains = sim->domain_table;
    sim->machine.nr_domains = SIM_MAX_DOMAINS;
    sim->machine.tlb.cpus.bits = ~UINT64_C(0) >> (64 - sim->nr_cpus);
}

static void set_knobs(struct sim *sim, const struct sim_config *config)
{
    sim->random_state = (config->seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    if (sim->random_state == 0)
        sim->random_state = 1;
    sim->stall_limit = DEFAULT_STALL_LIMIT;
    sim->pool_fail_after = UINT64_MAX;
}

struct sim *sim_create(const struct sim_config *config)
{
    struct sim *sim;
    uint8_t *kinds;
    unsigned cpu = 0;

    if (sim_current())
        sim_fail("sim_create: there is a machine already");
    sim = allocate(1, sizeof(*sim));
    current_set(sim);
    set_knobs(sim, config);
    set_sizes(sim, config);
    sim->frames = allocate(sim->machine.nr_frames, sizeof(sim->frames[0]));
    sim->machine.frames = allocate(sim->machine.nr_frames, sizeof(struct frame));
    kinds = frame_kinds(sim, config);
    create_frames(sim, kinds);
    tasks_create(sim);
    cpus_create(sim, config);
    machine_init(&sim->machine);
    declare_frames(sim, kinds);
    for (unsigned i = 0; i < config->nr_domains; i++)
        create_domain(sim, i, &config->domains[i], &cpu);
    free(kinds);
    return sim;
}

/* Whatever a test did, and however it went wrong: who began an operation has ended it. */
static void check_operations(const struct sim *sim)
{
    for (unsigned i = 0; i < sim->nr_domains; i++) {
        unsigned operations = sim->domains[i].domain.operations;

        if (operations > 0)
            sim_fail("sim_destroy: %u operations of domain %u are under way", operations, i);
    }
}

void sim_destroy(struct sim *sim)
{
    if (!sim)
        return;
    check_operations(sim);
    tasks_destroy(sim);
    cpus_destroy(sim);
    pool_destroy(sim->pool);
    ram_destroy(sim);
    for (unsigned i = 0; i < sim->nr_domains; i++)
        destroy_domain(&sim->domains[i]);
    free(sim->machine.frames);
    free(sim->frames);
    free(sim);
    current_set(NULL);
}
