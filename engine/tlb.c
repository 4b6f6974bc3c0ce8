/* SPDX-License-Identifier: MIT */
/* The clock over TLB flushes; engine/tlb.h says why it proves what it proves. */
#include <engine/port.h>
#include <engine/tlb.h>

cpumask_t tlb_stale(const struct machine *machine, uint32_t stamp)
{
    cpumask_t stale = {0};

    for (uint64_t left = machine->tlb.cpus.bits; left; left &= left - 1) {
        unsigned cpu = (unsigned)__builtin_ctzll(left);
        uint32_t flushed = __atomic_load_n(&machine->tlb.flushed[cpu], __ATOMIC_SEQ_CST);

        if ((int32_t)(flushed - stamp) <= 0)
            stale.bits |= cpumask_of(cpu).bits;
    }
    return stale;
}

void tlb_flush_end(struct machine *machine, cpumask_t cpus, uint32_t began)
{
    for (uint64_t left = cpus.bits; left; left &= left - 1)
        __atomic_store_n(&machine->tlb.flushed[__builtin_ctzll(left)], began, __ATOMIC_SEQ_CST);
}

uint32_t tlb_flush_begin(struct machine *machine)
{
    return __atomic_add_fetch(&machine->tlb.now, 1, __ATOMIC_SEQ_CST);
}

void tlb_keep_up(struct machine *machine)
{
    uint32_t now = __atomic_load_n(&machine->tlb.now, __ATOMIC_RELAXED);

    if (now - __atomic_load_n(&machine->tlb.all_flushed, __ATOMIC_RELAXED) >= TLB_QUARTER)
        tlb_flush(machine, machine->tlb.cpus);
}

void tlb_flush(struct machine *machine, cpumask_t cpus)
{
    uint32_t began;

    if (!cpus.bits)
        return;
    began = tlb_flush_begin(machine);
    port_tlb_flush(cpus);
    tlb_flush_end(machine, cpus, began);
    if (cpus.bits == machine->tlb.cpus.bits)
        __atomic_store_n(&machine->tlb.all_flushed, began, __ATOMIC_SEQ_CST);
}

void tlb_settle(struct machine *machine, uint32_t stamp)
{
    tlb_flush(machine, tlb_stale(machine, stamp));
}
