/* SPDX-License-Identifier: MIT */
/*
 * What the engine costs, on the hosted machine: ratios of times taken in one run, and sizes.
 *
 * l1_update_ratio      one validated L1 update in a batch of 512, against a bare loop over the same requests that does
 *                      only what no implementation can leave out: one compare-and-exchange of the entry, one count up,
 *                      one count down.  Both sides take turns, batch by batch, on one processor, so that each pair is
 *                      over before anything else is likely to run; the median of thousands of pairs counts.
 * l1_update_ratio_near the same where the pages are so few that their counts stay in the processor's cache: without the
 *                      wait for memory, which is the same for both, and which the engine shortens by fetching ahead.
 * pin_ns_per_entry     pinning and unpinning trees of 2^10 to 2^22 entries.  For each size as many different trees are
 *                      pinned as make 2^22 entries in all, over the same data frames, so that the caches hold the same
 *                      share for each size and what is left is the growth of the work.
 */
#define _GNU_SOURCE /* sched_setaffinity() */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <engine/op.h>
#include <engine/pin.h>
#include <tests/support/guest.h>

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void print_figure(const char *name, double value, const char *unit)
{
    printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\"}\n", name, value, unit);
}

static void must(int64_t result, const char *what)
{
    if (result == 0)
        return;
    fprintf(stderr, "bench: %s: error %" PRId64 "\n", what, result);
    exit(1);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof(*values), compare_doubles);
    return values[count / 2];
}

/*
 * ---- L1 updates.
 */

#define BATCH        512u
#define BATCHES      256u
#define ROUNDS       21u
#define PAIRS        (ROUNDS * BATCHES)
#define UPDATE_PAGES (1u << 20) /* a guest of 4 GiB */
#define NEAR_PAGES   2048u

struct updates {
    struct guest *guest;
    struct vcpu *vcpu;
    struct mmu_update *requests; /* BATCHES * BATCH, the same as in the guest's memory */
    vaddr_t addresses[BATCHES];  /* of each batch there */
    uint64_t *entries;           /* the bare loop's own table */
    struct frame *counts;        /* and counts, as far apart as the engine's */
};

/*
 * Every request maps a random one of @pages of the guest writable in a random slot of the window's L1 table.  The pages
 * are also mapped where the guest has all of its memory, as a kernel has.
 */
static void make_updates(struct updates *updates, struct sim *sim, uint32_t pages)
{
    struct guest *guest = updates->guest;
    mfn_t table;
    unsigned slot;

    if (!guest_find_entry(guest, guest_root(guest), guest->window, 1, &table, &slot))
        must(-1, "the window has no L1 table");
    for (unsigned i = 0; i < BATCHES * BATCH; i++) {
        uint64_t pfn = guest->root.v + guest->nr_tables + sim_random_below(sim, pages);

        updates->requests[i].ptr = (table.v << PAGE_SHIFT) + sim_random_below(sim, ENTRIES_PER_TABLE) * 8;
        updates->requests[i].val = pte(guest->p2m[pfn], PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    }
    for (unsigned b = 0; b < BATCHES; b++) {
        pfn_t page = PFN(guest->nr_pages - 2 * (b + 1)); /* a batch fills two pages */

        updates->addresses[b] = guest_vaddr(guest, page);
        if (!guest_write(updates->vcpu, updates->addresses[b], &updates->requests[b * BATCH],
                         BATCH * sizeof(struct mmu_update)))
            must(-1, "the requests cannot be written");
    }
}

static double time_engine(const struct updates *updates, unsigned batch)
{
    double start = now_ns();

    must(guest_hypercall(updates->vcpu, __HYPERVISOR_mmu_update, updates->addresses[batch].v, BATCH, 0, DOMID_SELF, 0,
                         0),
         "mmu_update");
    return now_ns() - start;
}

static double time_bare(const struct updates *updates, unsigned batch)
{
    double start = now_ns();

    for (unsigned i = 0; i < BATCH; i++) {
        const struct mmu_update *request = &updates->requests[batch * BATCH + i];
        uint64_t *slot = &updates->entries[request->ptr % PAGE_SIZE / 8];
        uint64_t old = __atomic_load_n(slot, __ATOMIC_RELAXED);

        updates->counts[pte_mfn(request->val).v].refs++;
        while (!__atomic_compare_exchange_n(slot, &old, request->val, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            ;
        updates->counts[pte_mfn(old).v].refs--;
    }
    return now_ns() - start;
}

/* The figures of one set of requests, whose names end in @which. */
static void time_updates(const struct updates *updates, const char *which)
{
    static double engine[PAIRS], bare[PAIRS], ratios[PAIRS];
    char name[32];

    for (unsigned i = 0; i < PAIRS; i++) {
        bare[i] = time_bare(updates, i % BATCHES);
        engine[i] = time_engine(updates, i % BATCHES);
        ratios[i] = engine[i] / bare[i];
    }
    snprintf(name, sizeof(name), "l1_update_ns%s", which);
    print_figure(name, median(engine, PAIRS) / BATCH, "ns");
    snprintf(name, sizeof(name), "l1_bare_ns%s", which);
    print_figure(name, median(bare, PAIRS) / BATCH, "ns");
    snprintf(name, sizeof(name), "l1_update_ratio%s", which);
    print_figure(name, median(ratios, PAIRS), "ratio");
    printf("half of the pairs: %.2f to %.2f\n", ratios[PAIRS / 4], ratios[PAIRS / 4 * 3]);
}

/* Where it runs already.  Where that is refused the figures are merely less steady. */
static void stay_on_processor(void)
{
    cpu_set_t cpus;
    int cpu = sched_getcpu();

    CPU_ZERO(&cpus);
    CPU_SET(cpu < 0 ? 0 : (size_t)cpu, &cpus);
    if (sched_setaffinity(0, sizeof(cpus), &cpus))
        perror("bench: sched_setaffinity");
}

static void bench_updates(void)
{
    const struct sim_config config = {
        .seed = 1, .nr_frames = UPDATE_PAGES + 4096, .nr_domains = 1, .domains = {{.nr_vcpus = 1}}};
    struct sim *sim = sim_create(&config);
    struct updates updates = {.guest = guest_boot(sim, 0, UPDATE_PAGES)};

    updates.vcpu = guest_vcpu(updates.guest, 0);
    updates.requests = calloc(BATCHES * BATCH, sizeof(*updates.requests));
    updates.entries = calloc(ENTRIES_PER_TABLE, sizeof(*updates.entries));
    updates.counts = calloc(sim->machine.nr_frames, sizeof(*updates.counts));
    if (!updates.requests || !updates.entries || !updates.counts)
        must(-1, "out of memory");
    make_updates(&updates, sim, UPDATE_PAGES - 8192);
    time_updates(&updates, "");
    make_updates(&updates, sim, NEAR_PAGES);
    time_updates(&updates, "_near");
    free(updates.requests);
    free(updates.entries);
    free(updates.counts);
    sim_destroy(sim);
}

/*
 * ---- Pinning.
 */

#define PIN_BITS_MIN    10u
#define PIN_BITS_MAX    22u
#define PIN_ENTRIES     (1u << PIN_BITS_MAX)
#define PIN_L1_TABLES   (PIN_ENTRIES / ENTRIES_PER_TABLE)
#define PIN_DATA_FRAMES 65536u
#define PIN_UPPER       (PIN_L1_TABLES * 4) /* 2^12 trees of an L4, an L3 and an L2 each, and some to spare */

struct trees {
    struct sim *sim;
    struct domain *domain;
    mfn_t *l1;    /* PIN_L1_TABLES, filled once */
    mfn_t *upper; /* PIN_UPPER, wiped for each size */
    unsigned upper_used;
};

static mfn_t take_frame(struct domain *domain)
{
    mfn_t mfn;

    must(domain_populate(domain, PFN(0), &mfn), "populate");
    return mfn;
}

static void make_trees(struct trees *trees)
{
    mfn_t *data = calloc(PIN_DATA_FRAMES, sizeof(*data));

    trees->l1 = calloc(PIN_L1_TABLES, sizeof(*trees->l1));
    trees->upper = calloc(PIN_UPPER, sizeof(*trees->upper));
    if (!data || !trees->l1 || !trees->upper)
        must(-1, "out of memory");
    for (unsigned i = 0; i < PIN_DATA_FRAMES; i++)
        data[i] = take_frame(trees->domain);
    for (unsigned i = 0; i < PIN_UPPER; i++)
        trees->upper[i] = take_frame(trees->domain);
    for (unsigned i = 0; i < PIN_L1_TABLES; i++) {
        uint64_t *entries = sim_frame_entries(trees->sim, trees->l1[i] = take_frame(trees->domain));

        for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
            entries[j] = pte(data[sim_random_below(trees->sim, PIN_DATA_FRAMES)], PTE_RW_PAGE | PTE_US | PTE_KERNEL);
    }
    free(data);
}

/* A table of @level over @count L1 tables from @first; returns its frame. */
static mfn_t build_upper(struct trees *trees, unsigned level, unsigned first, unsigned count)
{
    unsigned span = level == 2 ? 1 : level == 3 ? 512 : 512 * 512; /* L1 tables below one entry */
    mfn_t mfn = trees->upper[trees->upper_used++];
    uint64_t *entries = sim_frame_entries(trees->sim, mfn);

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        entries[i] = 0;
    for (unsigned i = 0; i * span < count; i++) {
        unsigned below = count - i * span < span ? count - i * span : span;
        mfn_t child = level == 2 ? trees->l1[first + i] : build_upper(trees, level - 1, first + i * span, below);

        entries[i] = pte(child, PTE_TABLE);
    }
    return mfn;
}

static void pin_and_unpin(struct trees *trees, const mfn_t *roots, unsigned count, double *pin, double *unpin)
{
    double start = now_ns();
    struct op op;

    must(op_begin_own(&op, trees->domain, NULL), "op_begin_own");
    for (unsigned i = 0; i < count; i++)
        must(pin_table(&op, roots[i], TYPE_L4), "pin");
    *pin = now_ns() - start;
    start = now_ns();
    for (unsigned i = 0; i < count; i++)
        must(unpin_table(&op, roots[i]), "unpin");
    *unpin = now_ns() - start;
    op_end(&op);
}

#define PIN_ROUNDS 7u
#define PIN_SIZES  ((PIN_BITS_MAX - PIN_BITS_MIN) / 2 + 1)

/* One round for one size: nanoseconds an entry, pinned and unpinned. */
static void time_pins(struct trees *trees, unsigned bits, double *pin, double *unpin)
{
    unsigned tables = (1u << bits) / ENTRIES_PER_TABLE, count = PIN_L1_TABLES / tables;
    mfn_t *roots = calloc(count, sizeof(*roots));

    if (!roots)
        must(-1, "out of memory");
    trees->upper_used = 0;
    for (unsigned i = 0; i < count; i++)
        roots[i] = build_upper(trees, 4, i * tables, tables);
    pin_and_unpin(trees, roots, count, pin, unpin);
    *pin /= PIN_ENTRIES;
    *unpin /= PIN_ENTRIES;
    free(roots);
}

static void print_pins(double (*pin)[PIN_ROUNDS], double (*unpin)[PIN_ROUNDS])
{
    double smallest = 0, most = 0, least = 0;

    for (unsigned i = 0; i < PIN_SIZES; i++) {
        unsigned bits = PIN_BITS_MIN + 2 * i;
        double pinned = median(pin[i], PIN_ROUNDS), unpinned = median(unpin[i], PIN_ROUNDS);
        double both = pinned + unpinned;

        printf("2^%u entries: pin %.2f ns, unpin %.2f ns an entry\n", bits, pinned, unpinned);
        printf("{\"name\": \"pin_ns_per_entry\", \"entries\": %u, \"value\": %.3f, \"unit\": \"ns\"}\n", 1u << bits,
               both);
        smallest = i == 0 ? both : smallest;
        most = i == 0 || both > most ? both : most;
        least = i == 0 || both < least ? both : least;
    }
    print_figure("pin_growth_worst", most / smallest, "ratio to the smallest tree");
    print_figure("pin_spread", most / least, "ratio of dearest to cheapest");
}

/* The sizes take turns, so that what else the machine does falls on all of them; the median round of each counts. */
static void bench_pins(void)
{
    const struct sim_config config = {.seed = 1,
                                      .nr_frames = PIN_DATA_FRAMES + PIN_UPPER + PIN_L1_TABLES + 4096,
                                      .nr_domains = 1,
                                      .domains = {{.nr_vcpus = 1}}};
    struct trees trees = {.sim = sim_create(&config)};
    double pin[PIN_SIZES][PIN_ROUNDS], unpin[PIN_SIZES][PIN_ROUNDS];

    trees.domain = sim_domain(trees.sim, 0);
    make_trees(&trees);
    for (unsigned round = 0; round < PIN_ROUNDS; round++) {
        for (unsigned i = 0; i < PIN_SIZES; i++)
            time_pins(&trees, PIN_BITS_MIN + 2 * i, &pin[i][round], &unpin[i][round]);
    }
    print_pins(pin, unpin);
    free(trees.l1);
    free(trees.upper);
    sim_destroy(trees.sim);
}

/*
 * ---- Space.
 */

/* A tree of four levels, pinned with every preemption point taken: as deep as validation goes. */
static void pin_as_task(struct vcpu *vcpu, void *arg)
{
    const struct guest_tree *tree = arg;

    must(guest_pin(vcpu, tree->root, 4), "pin");
    must(guest_unpin(vcpu, tree->root), "unpin");
}

/* The largest frame of a single function: the lists of an exchange. */
static void exchange_as_task(struct vcpu *vcpu, void *arg)
{
    const pfn_t *page = arg;
    uint64_t in = guest_mfn(guest_of(vcpu), *page).v, out = page->v, done;

    must(guest_protect(vcpu, *page), "protect");
    (void)guest_exchange(vcpu, &in, 1, 0, &out, 1, 0, 0, &done);
}

static void bench_space(void)
{
    const struct sim_config config = {.seed = 1, .nr_frames = 4096, .nr_domains = 1, .domains = {{.nr_vcpus = 1}}};
    struct sim *sim = sim_create(&config);
    struct guest *guest = guest_boot(sim, 0, 1024);
    struct vcpu *vcpu = guest_vcpu(guest, 0);
    pfn_t page = guest_page_alloc(guest);
    const struct guest_leaf leaf = {VADDR(0x400000), pte(guest_mfn(guest, page), PTE_RW_PAGE | PTE_US)};
    struct guest_tree tree;

    guest_build_tree(guest, vcpu, 4, GUEST_TREE_KERNEL, &leaf, 1, &tree);
    sim->preemption = SIM_PREEMPT_ALWAYS;
    sim_spawn(sim, vcpu, pin_as_task, &tree);
    sim_run(sim);
    print_figure("stack_bytes_pin", (double)sim_stack_used(sim), "bytes");
    sim_spawn(sim, vcpu, exchange_as_task, &page);
    sim_run(sim);
    print_figure("stack_bytes", (double)sim_stack_used(sim), "bytes");
    print_figure("frame_bytes", (double)sizeof(struct frame), "bytes");
    sim_destroy(sim);
}

int main(void)
{
    stay_on_processor();
    bench_updates();
    bench_pins();
    bench_space();
    return 0;
}
