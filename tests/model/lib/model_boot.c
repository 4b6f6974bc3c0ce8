/* SPDX-License-Identifier: MIT */
/* The model's machine: its making, its domains' beginnings and ends, its own end. */
#include <stdlib.h>
#include <string.h>

#include <tests/model/lib/model.h>
#include <tests/support/guest_grant.h>

/*
 * ---- Making.
 */

/* Who lives together.  The first one has device memory, and mostly is privileged. */
static const enum width populations[][MODEL_DOMAINS] = {
    {WIDTH_64, WIDTH_64, WIDTH_PAE},
    {WIDTH_64, WIDTH_PAE, WIDTH_PAE},
    {WIDTH_PAE, WIDTH_64, WIDTH_64},
    {WIDTH_64, WIDTH_PAE, WIDTH_64},
};

static const struct frame_range reserved[] = {{{40}, {41}}};
static const struct frame_range holes[] = {{{100}, {103}}};
static const struct frame_range devices[] = {{{100}, {101}}, {{0xfee00}, {0xfee00}}};

/* One domain in three may have linear tables.  No random number is asked for: the rest is as it is without them. */
static bool has_linear_tables(const struct model *model, unsigned id)
{
    return (model->config.seed * UINT64_C(0x9e3779b97f4a7c15) >> (40 + 6 * id)) % 3 == 0;
}

static void configure(struct model *model, struct sim_config *config)
{
    const enum width *widths = populations[model_below(model, ARRAY_SIZE(populations))];
    bool has_privileged = model_below(model, 3) != 0;
    unsigned frames = 36 + model_below(model, 16) + 6;

    model->nr_domains = 2 + model_below(model, 2);
    for (unsigned i = 0; i < model->nr_domains; i++) {
        model->domains[i].pages = guest_boot_pages(widths[i], MODEL_VCPUS, 100) + 20 + model_below(model, 20);
        frames += (unsigned)model->domains[i].pages;
        config->domains[i] = (struct sim_domain_config){
            .width = widths[i],
            .nr_vcpus = MODEL_VCPUS,
            .max_frames = model->domains[i].pages + 6,
            .privileged = i == 0 && has_privileged,
            .writable_tables = model_below(model, 4) != 0,
            .extended_cr3 = true,
            .linear_tables = has_linear_tables(model, i),
            .iomem = devices,
            .nr_iomem = i == 0 ? ARRAY_SIZE(devices) : 0,
        };
    }
    config->seed = model->config.seed;
    config->nr_frames = frames;
    config->reserved = reserved;
    config->nr_reserved = ARRAY_SIZE(reserved);
    config->holes = holes;
    config->nr_holes = ARRAY_SIZE(holes);
    config->nr_domains = model->nr_domains;
    config->l1tf = model_below(model, 8) == 0;
    config->nr_cpus = model_below(model, 4) ? 0 : 3; /* 0: one a vCPU */
    config->tlb_entries = 48;
    config->psc_entries = 24;
}

static void learn_machine(struct model *model)
{
    const struct machine *machine = &model->sim->machine;
    struct oracle *oracle = oracle_create((unsigned)machine->nr_frames);

    model->oracle = oracle;
    oracle->nr_domains = model->nr_domains;
    oracle->phys_bits = machine->phys_bits;
    oracle->l1tf = machine->l1tf;
    oracle->mistake = model->config.mistake;
    memcpy(oracle->root_slots, machine->root_slots, sizeof(oracle->root_slots));
    memcpy(oracle->compat_slots, machine->compat_slots, sizeof(oracle->compat_slots));
    for (unsigned i = 0; i < model->nr_domains; i++) {
        const struct sim_domain_config *config = &model->machine.domains[i];
        struct oracle_domain *domain = &oracle->state.domains[i];

        *domain = (struct oracle_domain){.wide = config->width == WIDTH_64,
                                         .privileged = config->privileged,
                                         .emulates = config->writable_tables,
                                         .linear = config->linear_tables,
                                         .max_frames = config->max_frames,
                                         .nr_iomem = config->nr_iomem,
                                         .nr_vcpus = MODEL_VCPUS};
        for (unsigned j = 0; j < config->nr_iomem; j++)
            domain->iomem[j] = (struct oracle_range){config->iomem[j].first.v, config->iomem[j].last.v};
    }
}

static uint16_t owner_of(const struct frame *frame)
{
    switch (frame->owner) {
    case OWNER_NONE:
        return O_POOL;
    case DOMID_XEN:
        return O_HYPERVISOR;
    case DOMID_IO:
        return O_NOT_RAM;
    default:
        return frame->owner;
    }
}

/* Take over all frames that @owner has, a domain's or one of the others', as they are now. */
static void learn_frames(struct model *model, uint16_t owner)
{
    struct oracle *oracle = model->oracle;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        const struct frame *frame = &model->sim->machine.frames[mfn];

        if (owner_of(frame) != owner)
            continue;
        oracle->state.frames[mfn] =
            (struct oracle_frame){.owner = owner,
                                  .pin = type_is_pinned(frame->type) ? (uint8_t)type_of(frame->type) : 0,
                                  .was = type_count(frame->type) > 0 ? (uint8_t)type_of(frame->type) : O_NONE,
                                  .allocated = frame->flags & FRAME_ALLOCATED,
                                  .shared = frame->flags & FRAME_SHARED};
        oracle->state.m2p[mfn] = model->sim->machine.m2p[mfn];
        if (owner < ORACLE_DOMAINS)
            memcpy(oracle->memory[mfn], sim_frame_entries(model->sim, MFN(mfn)), PAGE_SIZE);
    }
}

static void learn_vcpu(const struct vcpu *vcpu, struct oracle_vcpu *own)
{
    *own = (struct oracle_vcpu){.user_mode = vcpu->user_mode,
                                .kernel_root = vcpu->kernel_root.v,
                                .user_root = vcpu->user_root.v,
                                .ldt_base = vcpu->ldt_base.v,
                                .ldt_entries = vcpu->ldt_entries};
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        own->gdt[i] = vcpu->gdt[i].v;
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        own->ldt[i] = vcpu->ldt[i].v;
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        own->traps[i] = (struct oracle_trap){vcpu->traps[i].address, vcpu->traps[i].cs, vcpu->traps[i].flags};
}

static void learn_domain(struct model *model, unsigned id)
{
    struct oracle_domain *domain = &model->oracle->state.domains[id];

    domain->alive = !model_vcpu(model, id, 0)->domain->dying;
    for (unsigned i = 0; i < MODEL_VCPUS; i++)
        learn_vcpu(model_vcpu(model, id, i), &domain->vcpus[i]);
    learn_frames(model, (uint16_t)id);
}

void model_learn(struct model *model)
{
    for (unsigned i = 0; i < model->nr_domains; i++)
        learn_domain(model, i);
    learn_frames(model, O_POOL);
    learn_frames(model, O_HYPERVISOR);
    grants_learn(model);
    oracle_refresh(model->oracle);
}

/* Boot a guest, find its scratch areas, take away the last page of each. */
static void boot(struct model *model, unsigned id)
{
    struct model_domain *self = &model->domains[id];
    unsigned index;

    self->guest = guest_boot(model->sim, id, self->pages);
    for (unsigned i = 0; i < MODEL_VCPUS; i++) {
        place_find(&self->areas[i], self->guest, i);
        if (guest_update_va_mapping(guest_vcpu(self->guest, i), VADDR(self->areas[i].vaddr[PLACE_NONE]), 0,
                                    UVMF_INVLPG | UVMF_ALL) != 0)
            sim_fail("model: the last page of a scratch area cannot be unmapped");
    }
    if (domain_grants_create(sim_domain(model->sim, id), MFN_NONE, MFN_NONE))
        model->stats->tableless++; /* there is no memory: the guest begins with a table of no frames */
    learn_domain(model, id);
    if (!oracle_find_l1(model->oracle, id, guest_root(self->guest).v, self->areas[0].vaddr[0], &self->area_l1, &index))
        sim_fail("model: a scratch area is not mapped");
}

/* The clock over flushes starts anywhere, also where stamps are about to go round. */
static void set_clock(struct model *model)
{
    static const uint64_t starts[] = {0, 0x7fffffc0, 0xffffff80, 0x17fffff80, 0x5ffffff80};
    struct machine *machine = &model->sim->machine;
    uint64_t now = starts[model_below(model, ARRAY_SIZE(starts))];

    machine->tlb.now = now + 1;
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine->tlb.flushed[i] = now;
    for (unsigned mfn = 0; mfn < machine->nr_frames; mfn++)
        machine->frames[mfn].epoch = (uint32_t)now;
}

struct model *model_create(const struct model_config *config, struct model_stats *stats)
{
    struct model *model = calloc(1, sizeof(*model));

    if (!model)
        abort();
    model->config = *config;
    model->stats = stats;
    model->random = config->seed;
    configure(model, &model->machine);
    model->sim = sim_create(&model->machine);
    model->sim->user = model;
    model->counts = calloc(model->sim->machine.nr_frames, sizeof(model->counts[0]));
    if (!model->counts)
        abort();
    set_clock(model);
    learn_machine(model);
    for (unsigned i = 0; i < model->nr_domains; i++)
        boot(model, i);
    model_learn(model);
    check_state(model);
    check_engine(model);
    meddle_install(model);
    return model;
}

void model_destroy(struct model *model)
{
    if (!model)
        return;
    sim_destroy(model->sim);
    oracle_destroy(model->oracle);
    free(model->counts);
    free(model);
}

/*
 * ---- The end of a domain, and the next one of its number.
 */

bool model_boot_again(struct model *model, unsigned id)
{
    struct sim_domain *domain = &model->sim->domains[id];

    if (sim_pool_count(model->sim) < model->domains[id].pages)
        return false;
    free(model->domains[id].guest);
    domain->guest = NULL;
    domain_init(&domain->domain);
    for (unsigned i = 0; i < MODEL_VCPUS; i++)
        vcpu_init(model_vcpu(model, id, i));
    boot(model, id);
    grants_learn(model);
    oracle_refresh(model->oracle);
    return true;
}

void model_reboot(struct model *model, unsigned id)
{
    uint64_t left = domain_destroy(sim_domain(model->sim, id)), expected = 0;

    model->stats->reboots++;
    oracle_free_domain(model->oracle, id);
    grants_follow_pool(model);
    for (unsigned mfn = 0; mfn < model->oracle->nr_frames; mfn++)
        expected += model->oracle->state.frames[mfn].owner == id;
    if (left != expected)
        sim_fail("domain_destroy left %llu frames, not %llu", (unsigned long long)left, (unsigned long long)expected);
    model->stats->lingering += left > 0;
    if (left == 0)
        (void)model_boot_again(model, id);
}

/*
 * ---- The end of a sequence.
 */

void model_finish(struct model *model)
{
    check_memory(model, true);
    model->stats->yields += model->sim->yields;
    for (unsigned i = 0; i < REFUSAL_COUNT; i++)
        model->stats->reasons[i] += model->sim->refusals[i];
    guest_shutdown(model->sim);
    check_engine(model);
}
