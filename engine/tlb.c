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
        tlb_flush_end_one(machine, (unsigned)__builtin_ctzll(left), began);
}

/* The mark is cleared after the flush: who finds it clear may rely on what it stood for. */
void tlb_keep_up(struct machine *machine)
{
    if (!__atomic_load_n(&machine->tlb.due, __ATOMIC_SEQ_CST))
        return;
    tlb_flush(machine, machine->tlb.cpus);
    __atomic_store_n(&machine->tlb.due, false, __ATOMIC_SEQ_CST);
}

void tlb_flush(struct machine *machine, cpumask_t cpus)
{
    uint32_t began;

    if (!cpus.bits)
        return;
    began = tlb_flush_begin(machine);
    port_tlb_flush(cpus);
    tlb_flush_end(machine, cpus, began);
}

void tlb_settle(struct machine *machine, uint32_t stamp)
{
    tlb_flush(machine, tlb_stale(machine, stamp));
}
