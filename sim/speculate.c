/* SPDX-License-Identifier: MIT */
/*
 * Processors may walk at any moment, for any address, as far as what memory or their caches hold
 * leads them.  A random address leads nowhere, so the address is chosen level by level among the
 * entries that are present.
 */
#include <sim/sim_parts.h>
#include <sim/walk.h>

/* A present entry of @table, searched from a random slot on in the first @slots.  False: there is none. */
static bool choose_slot(struct sim *sim, mfn_t table, unsigned slots, unsigned *slot)
{
    unsigned start = (unsigned)sim_random_below(sim, slots);

    for (unsigned i = 0; i < slots; i++) {
        *slot = (start + i) % slots;
        if (ram_read_entry(sim, table, *slot) & ENTRY_PRESENT)
            return true;
    }
    return false;
}

/* The root, or a table that the processor has cached; what it may hold on to longest is worth the most. */
static struct sim_cached choose_table(struct sim *sim, const struct sim_cpu *cpu)
{
    const struct sim_cache *tables = &cpu->tlb->tables;

    if (tables->count > 0 && sim_chance(sim, 128))
        return tables->entries[sim_random_below(sim, tables->count)];
    return walk_start(cpu->current->vcpu.domain, cpu->current->loaded_root);
}

/* An address below @at that is mapped as far as one can see.  False: there is none. */
static bool choose_address(struct sim *sim, const struct domain *domain, struct sim_cached at, uint64_t *vaddr)
{
    const struct sim_walk step = {.sim = sim};

    *vaddr = at.vaddr;
    for (unsigned level = at.level; level > 0; level--) {
        unsigned shift = PAGE_SHIFT + 9 * (level - 1);
        unsigned slots = domain->width == WIDTH_PAE && level == 3 ? 4 : ENTRIES_PER_TABLE;
        unsigned slot;
        uint64_t entry;

        if (!choose_slot(sim, at.mfn, slots, &slot))
            return false;
        *vaddr |= (uint64_t)slot << shift;
        entry = ram_read_entry(sim, at.mfn, slot);
        if (level > 1 && (entry & ENTRY_SUPERPAGE))
            break;
        at.mfn = MFN((entry & ENTRY_FRAME) >> PAGE_SHIFT);
        if (!sim_is_ram(step.sim, at.mfn))
            break;
    }
    if (domain->width == WIDTH_64)
        *vaddr = (uint64_t)((int64_t)(*vaddr << 16) >> 16);
    return true;
}

void sim_speculate(struct sim *sim)
{
    struct sim_cpu *cpu = &sim->cpus[sim_random_below(sim, sim->nr_cpus)];
    struct sim_walk walk = {.sim = sim, .access = SIM_READ, .set_bits = true, .fill = &cpu->tlb->tables};
    struct sim_cached at;
    uint32_t code;

    if (!cpu->current || mfn_is_none(cpu->current->loaded_root))
        return;
    at = choose_table(sim, cpu);
    if (!choose_address(sim, cpu->current->vcpu.domain, at, &walk.vaddr))
        return;
    if (walk_from(&walk, &at, &code))
        cache_fill(sim, &cpu->tlb->translations, &at);
}

void cpu_speculate_perhaps(struct sim *sim)
{
    if (sim->speculate_per_256 && sim_chance(sim, sim->speculate_per_256))
        sim_speculate(sim);
}
