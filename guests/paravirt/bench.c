/* SPDX-License-Identifier: MIT */
/* What a fork of an address space with 1024 present pages costs, with each technique, with both, with neither. */
#include <guest/guest.h>
#include <guest/mmu_port.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guests/paravirt/bench.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/space.h>
#include <guests/paravirt/test.h>

#define PAGES  1024u
#define ROUNDS 3u

static const struct column {
    const char *name;
    unsigned techniques;
} columns[] = {
    {"neither", 0},
    {"lazy", MMU_LAZY},
    {"late_pin", MMU_LATE_PIN},
    {"both", MMU_LAZY | MMU_LATE_PIN},
};

struct cost {
    uint64_t hypercalls, ticks;
};

/* One fork of a space whose pages are all present, writable, and its own. */
static struct cost measure(void)
{
    struct space parent, child;
    struct cost cost = {0};

    if (space_create(&parent, PAGES))
        guest_panic("no memory for the measurement");
    space_load(&parent);
    for (uint64_t page = 0; page < PAGES; page++) {
        if (!test_write(DATA_BASE + page * PAGE_SIZE, page))
            guest_panic("no memory for the measurement: give the guest 32M or more");
    }
    cost.hypercalls = mmu_counts.hypercalls;
    cost.ticks = rdtsc();
    if (space_fork(&child, &parent))
        guest_panic("no memory for the fork");
    cost.ticks = rdtsc() - cost.ticks;
    cost.hypercalls = mmu_counts.hypercalls - cost.hypercalls;
    space_destroy(&parent);
    space_destroy(&child);
    return cost;
}

static void measure_column(const char *name)
{
    struct cost best = {.ticks = ~UINT64_C(0)};

    for (unsigned round = 0; round < ROUNDS; round++) {
        struct cost cost = measure();

        best = cost.ticks < best.ticks ? cost : best;
    }
    print("figure fork_hypercalls %s %" PRIu64 "\nfigure fork_ticks %s %" PRIu64 "\n", name, best.hypercalls, name,
          best.ticks);
}

void bench_run(void)
{
    if (guest.native) {
        measure_column("native");
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(columns); i++) {
        mmu_set_techniques(columns[i].techniques);
        measure_column(columns[i].name);
    }
    mmu_set_techniques(MMU_LAZY | MMU_LATE_PIN);
}
