/* SPDX-License-Identifier: MIT */
/* Which processors run; for last words too, so that nothing here can fail. */
#include <hv/cpu/cpu.h>

static struct cpu *cpus[MAX_CPUS]; /* those that run */
static cpumask_t online;           /* and which they are */

struct cpu *cpu_find(unsigned id)
{
    return id < MAX_CPUS ? __atomic_load_n(&cpus[id], __ATOMIC_ACQUIRE) : NULL;
}

cpumask_t cpus_online(void)
{
    return (cpumask_t){__atomic_load_n(&online.bits, __ATOMIC_ACQUIRE)};
}

void cpu_set_online(struct cpu *cpu)
{
    __atomic_store_n(&cpus[cpu->id], cpu, __ATOMIC_RELEASE);
    __atomic_fetch_or(&online.bits, cpumask_of(cpu->id).bits, __ATOMIC_ACQ_REL);
}
