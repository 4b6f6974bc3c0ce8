/* SPDX-License-Identifier: MIT */
/* Last words about locks: who holds which, and waits for which. */
#include <hv/base/asm.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/entry.h>
#include <hv/cpu/lock_print.h>
#include <hv/cpu/wait.h>

#define HELD_MAX (2u * LOCK_RANKS) /* more than anybody holds, should the chain have no end */

static const char *const ranks[LOCK_RANKS] = {
    "none", "the house", "domain", "sched", "timers", "refusals", "heap", "paging", "pool", "leaf",
};
_Static_assert(LOCK_RANKS == 10, "each has its name");

/* Whatever is in memory, it can be read. */
static void print_lock(const struct lock *lock)
{
    uint32_t rank = lock->order >> 24;

    print("%s, %u: ticket %u is served, %u is the next\n", rank < LOCK_RANKS ? ranks[rank] : "?",
          lock->order & 0xffffffu, lock->ticket.served, lock->ticket.next);
}

void lock_print(const struct cpu *cpu)
{
    const struct lock *next = cpu->innermost;
    struct lock lock;

    for (unsigned i = 0; next && i < HELD_MAX && !copy_recover(&lock, next, sizeof(lock)); i++, next = lock.outer) {
        print("  holds ");
        print_lock(&lock);
    }
    if (!wait_is_one(cpu->waits))
        return;
    print("  waits for %lu ticks of the TSC and %u NMIs", asm_read_tsc() - cpu->wait_began, cpu->nmi_ticks);
    if (!cpu->awaited || copy_recover(&lock, cpu->awaited, sizeof(lock))) {
        print(", for answers\n");
        return;
    }
    print("%s with ticket %u for ", cpu->rests ? ", resting," : "", cpu->awaited_number);
    print_lock(&lock);
}
