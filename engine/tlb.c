/* SPDX-License-Identifier: MIT */
/* The clock over TLB flushes; engine/tlb.h says why it proves what it proves. */
#include <engine/port.h>
#include <engine/tlb.h>

/* The latest time, seen from @now, that has the low bits @stamp. */
static uint64_t latest(uint64_t now, uint32_t stamp)
{
    return now - (uint32_t)(now - stamp);
}

FORCE_INLINE cpumask_t stale_at(const struct machine *machine, uint32_t stamp)
{
    uint64_t ended = latest(__atomic_load_n(&machine->tlb.now, __ATOMIC_SEQ_CST), stamp);
    cpumask_t stale = {0};

    for (uint64_t left = machine->tlb.cpus.bits; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);
        uint64_t flushed = __atomic_load_n(&machine->tlb.flushed[cpu], __ATOMIC_ACQUIRE);

        if (flushed <= ended)
            stale.bits |= cpumask_of(cpu).bits;
    }
    return stale;
}

/* Of @cpus, those that may have translations of frames of @owner. */
static cpumask_t of_owner(const struct machine *machine, const struct domain *owner, cpumask_t cpus)
{
    if (!owner || owner->lent)
        return cpus;
    for (uint64_t left = cpus.bits; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);
        const struct domain *runs = __atomic_load_n(&machine->tlb.runs[cpu], __ATOMIC_SEQ_CST);

        if (runs && runs != owner)
            cpus.bits &= ~cpumask_of(cpu).bits;
    }
    return cpus;
}

cpumask_t tlb_stale(const struct machine *machine, const struct domain *owner, uint32_t stamp)
{
    return of_owner(machine, owner, stale_at(machine, stamp));
}

void tlb_flush_end(struct machine *machine, cpumask_t cpus, uint64_t began)
{
    for (uint64_t left = cpus.bits; left; left &= left - 1)
        tlb_flush_end_one(machine, (unsigned)__builtin_ctzll(left), began);
}

void tlb_flush(struct machine *machine, cpumask_t cpus)
{
    uint64_t began;

    if (!cpus.bits)
        return;
    began = tlb_flush_begin(machine);
    port_tlb_flush(cpus);
    tlb_flush_end(machine, cpus, began);
}

void tlb_settle(struct machine *machine, const struct domain *owner, uint32_t stamp)
{
    cpumask_t stale = stale_at(machine, stamp);

    if (stale.bits)
        tlb_flush(machine, of_owner(machine, owner, stale));
}
