/* SPDX-License-Identifier: MIT */
/* Who speaks is decided by one word, once. */
#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/ipi.h>
#include <hv/cpu/stop.h>

#define PATIENCE_TICKS (UINT64_C(1) << 30) /* of the TSC: a fraction of a second, and there may be no clock yet */

static struct cpu *speaker;

static struct cpu *who_speaks(void)
{
    return __atomic_load_n(&speaker, __ATOMIC_ACQUIRE);
}

const struct cpu_frame *stop_place(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->stopped_at, __ATOMIC_ACQUIRE);
}

/* The next of those that run and do not have the last words, from @id on; NULL: none. */
static struct cpu *next_other(unsigned id)
{
    for (struct cpu *cpu = cpu_find(id); cpu; cpu = cpu_find(cpu->id + 1)) {
        if (cpu != who_speaks())
            return cpu;
    }
    return NULL;
}

static bool all_have_stopped(void)
{
    for (const struct cpu *cpu = next_other(0); cpu; cpu = next_other(cpu->id + 1)) {
        if (!stop_place(cpu))
            return false;
    }
    return true;
}

bool stop_others(void)
{
    struct cpu *nobody = NULL, *here = cpu_here();
    uint64_t begin = asm_read_tsc();

    if (!__atomic_compare_exchange_n(&speaker, &nobody, here, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        if (nobody == here)
            return false;
        asm_halt_forever(); /* with interrupts off: the NMI comes, or has come */
    }
    for (const struct cpu *cpu = next_other(0); cpu; cpu = next_other(cpu->id + 1))
        ipi_send(cpu->apic, IPI_NMI);
    while (!all_have_stopped() && asm_read_tsc() - begin < PATIENCE_TICKS)
        __asm__ volatile("pause");
    return true;
}

void stop_if_asked(const struct cpu_frame *frame)
{
    const struct cpu *speaks = who_speaks();

    if (!speaks || speaks == cpu_here())
        return;
    __atomic_store_n(&cpu_here()->stopped_at, frame, __ATOMIC_RELEASE);
    asm_halt_forever();
}
