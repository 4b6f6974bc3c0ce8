/* SPDX-License-Identifier: MIT */
/* The other processors, which idle: each of them can be made to come, by each way to it. */
#include <hv/base/clock.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/selftest.h>
#include <hv/selftest_expect.h>
#include <hv/time/time.h>

#define ROUNDS      100u
#define PATIENCE_NS NS_PER_SECOND /* emulators are slow, and share their machine */

static uint64_t kicks(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->kicks, __ATOMIC_ACQUIRE);
}

/* Does one arrive?  Here it does once interrupts are on. */
static bool kick_arrives(const struct cpu *cpu)
{
    uint64_t seen = kicks(cpu), begin = time_now();

    cpu_kick(cpu->id);
    while (kicks(cpu) == seen) {
        if (time_now() - begin >= PATIENCE_NS)
            return false;
        __asm__ volatile("sti; nop; cli; pause" : : : "memory");
    }
    return true;
}

void selftest_processors(void)
{
    unsigned count = 0;

    for (unsigned id = 0; cpu_find(id); id++, count++) {
        const struct cpu *cpu = cpu_find(id);
        bool arrives = true;

        EXPECT(cpu->id == id);
        for (unsigned i = 0; i < ROUNDS && arrives; i++)
            arrives = kick_arrives(cpu);
        EXPECT(arrives);
        for (unsigned other = 0; other < id; other++)
            EXPECT(cpu_find(other)->apic != cpu->apic);
    }
    EXPECT(cpus_online().bits == (count < MAX_CPUS ? cpumask_of(count).bits - 1 : UINT64_MAX));
    print("selftest: kicks arrive on %u processors\n", count);
}
