/* SPDX-License-Identifier: MIT */
/* The life of a guest: its boot, its pages, its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tests/support/guest.h>

/* How the boot pages of a guest lie: shared_info, scratch, tables from the root down, then what is free. */
struct plan {
    uint64_t scratch, root;
    uint64_t l2, nr_l2; /* pfn of the first, and how many */
    uint64_t l1, nr_l1; /* the last one is the window's */
    uint64_t end;
};

static uint64_t divide_up(uint64_t n, uint64_t by)
{
    return (n + by - 1) / by;
}

static struct plan plan_boot(enum width width, unsigned nr_vcpus, uint64_t nr_pages)
{
    struct plan plan = {.scratch = 1};

    plan.root = plan.scratch + (uint64_t)nr_vcpus * GUEST_SCRATCH_PAGES;
    plan.nr_l1 = divide_up(nr_pages, ENTRIES_PER_TABLE) + 1;
    if (width == WIDTH_64) {
        plan.l2 = plan.root + 2; /* the L3 is between */
        plan.nr_l2 = divide_up(plan.nr_l1, ENTRIES_PER_TABLE);
    } else {
        plan.l2 = plan.root + 1;
        plan.nr_l2 = 4;
    }
    plan.l1 = plan.l2 + plan.nr_l2;
    plan.end = plan.l1 + plan.nr_l1;
    return plan;
}

uint64_t guest_boot_pages(enum width width, unsigned nr_vcpus, uint64_t nr_pages)
{
    return plan_boot(width, nr_vcpus, nr_pages).end;
}

/*
 * ---- Boot.
 */

static struct guest *create(struct sim *sim, unsigned index, uint64_t nr_pages)
{
    struct guest *guest = calloc(1, sizeof(*guest) + nr_pages * (sizeof(mfn_t) + sizeof(bool)));

    if (!guest)
        sim_fail("guest_boot: out of memory");
    guest->p2m = (mfn_t *)(guest + 1);
    guest->used = (bool *)(guest->p2m + nr_pages);
    guest->sim = sim;
    guest->domain = sim_domain(sim, index);
    guest->nr_pages = nr_pages;
    guest->base = VADDR(guest->domain->width == WIDTH_64 ? GUEST_BASE_64 : GUEST_BASE_PAE);
    return guest;
}

static void populate(struct guest *guest)
{
    int error;

    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        error = domain_populate(guest->domain, PFN(pfn), &guest->p2m[pfn]);
        if (error)
            sim_fail("guest_boot: page %llu of %llu: error %d", (unsigned long long)pfn,
                     (unsigned long long)guest->nr_pages, error);
    }
    error = domain_share(guest->domain, guest->p2m[guest->shared_info.v]);
    if (error)
        sim_fail("guest_boot: shared_info: error %d", error);
}

static uint64_t *table_of(const struct guest *guest, uint64_t pfn)
{
    return sim_frame_entries(guest->sim, guest->p2m[pfn]);
}

/* Let @count entries from @slot of the tables that begin at page @table name the pages from @target on. */
static void link_pages(const struct guest *guest, uint64_t table, uint64_t slot, uint64_t target, uint64_t count)
{
    for (uint64_t i = slot; i < slot + count; i++)
        table_of(guest, table + i / ENTRIES_PER_TABLE)[i % ENTRIES_PER_TABLE] =
            pte(guest->p2m[target + i - slot], PTE_TABLE);
}

static void map_pages(const struct guest *guest, const struct plan *plan)
{
    uint64_t kernel = guest->domain->width == WIDTH_64 ? PTE_US | PTE_KERNEL : 0;

    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        bool is_table = pfn >= plan->root && pfn < plan->end;
        uint64_t *table = table_of(guest, plan->l1 + pfn / ENTRIES_PER_TABLE);

        table[pfn % ENTRIES_PER_TABLE] =
            pte(guest->p2m[pfn], (is_table ? PTE_RO_PAGE : PTE_P | PTE_RW | PTE_A) | kernel);
    }
}

static void build_tables(const struct guest *guest, const struct plan *plan)
{
    if (guest->domain->width == WIDTH_64) {
        link_pages(guest, plan->root, (guest->base.v >> 39) % ENTRIES_PER_TABLE, plan->root + 1, 1);
        link_pages(guest, plan->root + 1, 0, plan->l2, plan->nr_l2);
        link_pages(guest, plan->l2, 0, plan->l1, plan->nr_l1);
    } else {
        link_pages(guest, plan->root, 0, plan->l2, plan->nr_l2);
        link_pages(guest, plan->l2 + 3, 0, plan->l1, plan->nr_l1);
    }
    map_pages(guest, plan);
}

static void start(struct guest *guest)
{
    struct domain *domain = guest->domain;
    int error = domain_pin(domain, guest_root(guest), root_level(domain));

    if (error)
        sim_fail("guest_boot: the root cannot be pinned: error %d", error);
    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        error = vcpu_set_roots(guest_vcpu(guest, i), guest_root(guest), MFN_NONE);
        if (error)
            sim_fail("guest_boot: the root cannot be loaded: error %d", error);
    }
}

struct guest *guest_boot(struct sim *sim, unsigned index, uint64_t nr_pages)
{
    struct guest *guest = create(sim, index, nr_pages);
    struct plan plan = plan_boot(guest->domain->width, guest->domain->nr_vcpus, nr_pages);

    if (plan.end > nr_pages || sim->domains[index].guest)
        sim_fail("guest_boot: domain %u with %llu pages", index, (unsigned long long)nr_pages);
    guest->scratch = PFN(plan.scratch);
    guest->root = PFN(plan.root);
    guest->nr_tables = plan.end - plan.root;
    guest->window = VADDR(guest->base.v + (plan.nr_l1 - 1) * ENTRIES_PER_TABLE * PAGE_SIZE);
    for (uint64_t pfn = 0; pfn < plan.end; pfn++)
        guest->used[pfn] = true;
    populate(guest);
    build_tables(guest, &plan);
    sim->domains[index].guest = guest;
    start(guest);
    return guest;
}

/*
 * ---- The end.
 */

uint64_t guest_destroy(struct guest *guest)
{
    return domain_destroy(guest->domain);
}

static void check_frame_left(const struct sim *sim, uint64_t mfn)
{
    const struct frame *frame = &sim->machine.frames[mfn];

    if (!sim->frames[mfn].ram || frame->owner == DOMID_XEN)
        return;
    if (frame->owner != OWNER_NONE || frame->refs != 0 || !type_is_idle(frame->type))
        sim_fail("guest_shutdown: frame %#llx: owner %#x, %u references, type word %#x", (unsigned long long)mfn,
                 frame->owner, frame->refs, frame->type.v);
}

void guest_shutdown(struct sim *sim)
{
    for (unsigned i = 0; i < sim->nr_domains; i++) {
        struct guest *guest = sim->domains[i].guest;

        if (sim_domain(sim, i)->dying)
            continue;
        if (guest)
            guest_destroy(guest);
        else
            domain_destroy(sim_domain(sim, i));
    }
    for (uint64_t mfn = 0; mfn < sim->machine.nr_frames; mfn++)
        check_frame_left(sim, mfn);
    if (sim_pool_count(sim) != sim->pool_at_start)
        sim_fail("guest_shutdown: %llu frames in the pool instead of %llu", (unsigned long long)sim_pool_count(sim),
                 (unsigned long long)sim->pool_at_start);
}

void guest_assert_clean(struct sim *sim)
{
    static struct audit_counts *counts;
    static uint64_t nr_counts;
    struct audit_finding audit;
    struct sim_finding finding;

    if (nr_counts < sim->machine.nr_frames) {
        free(counts);
        nr_counts = sim->machine.nr_frames;
        counts = calloc(nr_counts, sizeof(counts[0]));
        if (!counts)
            sim_fail("guest_assert_clean: out of memory");
    }
    if (!audit_machine(&sim->machine, counts, &audit)) {
        memset(counts, 0, nr_counts * sizeof(counts[0]));
        sim_fail("audit: %s: frame %#llx: expected %llu, found %llu", audit.invariant,
                 (unsigned long long)audit.frame.v, (unsigned long long)audit.expected,
                 (unsigned long long)audit.found);
    }
    if (!sim_check_tlb_rule(sim, &finding)) {
        sim_print_finding(&finding);
        sim_fail("rule: %s", finding.rule);
    }
}

/*
 * ---- Pages.
 */

struct guest *guest_of(const struct vcpu *vcpu)
{
    return sim_current()->domains[vcpu->domain->id.v].guest;
}

struct vcpu *guest_vcpu(const struct guest *guest, unsigned index)
{
    return guest->domain->vcpus[index];
}

mfn_t guest_mfn(const struct guest *guest, pfn_t pfn)
{
    if (pfn.v >= guest->nr_pages)
        sim_fail("guest: there is no page %#llx", (unsigned long long)pfn.v);
    return guest->p2m[pfn.v];
}

vaddr_t guest_vaddr(const struct guest *guest, pfn_t pfn)
{
    return VADDR(guest->base.v + pfn.v * PAGE_SIZE);
}

mfn_t guest_root(const struct guest *guest)
{
    return guest_mfn(guest, guest->root);
}

pfn_t guest_page_alloc(struct guest *guest)
{
    for (uint64_t pfn = 0; pfn < guest->nr_pages; pfn++) {
        if (!guest->used[pfn]) {
            guest->used[pfn] = true;
            return PFN(pfn);
        }
    }
    sim_fail("guest_page_alloc: no page is free");
}

void guest_page_free(struct guest *guest, pfn_t pfn)
{
    if (pfn.v >= guest->nr_pages || !guest->used[pfn.v])
        sim_fail("guest_page_free: page %#llx", (unsigned long long)pfn.v);
    guest->used[pfn.v] = false;
}

bool guest_read(struct vcpu *vcpu, vaddr_t vaddr, void *to, size_t size)
{
    return sim_load(vcpu, vaddr, to, size, NULL);
}

bool guest_write(struct vcpu *vcpu, vaddr_t vaddr, const void *from, size_t size)
{
    return sim_store(vcpu, vaddr, from, size, NULL);
}

uint64_t guest_entry(const struct guest *guest, mfn_t table, unsigned slot)
{
    return sim_frame_entries(guest->sim, table)[slot];
}

bool guest_find_entry(const struct guest *guest, mfn_t root, vaddr_t vaddr, unsigned level, mfn_t *table,
                      unsigned *slot)
{
    *table = root;
    for (unsigned at = root_level(guest->domain);; at--) {
        uint64_t entry;

        *slot = (vaddr.v >> (PAGE_SHIFT + 9 * (at - 1))) % ENTRIES_PER_TABLE;
        if (at == level)
            return true;
        entry = guest_entry(guest, *table, *slot);
        if (!(entry & PTE_P))
            return false;
        *table = pte_mfn(entry);
    }
}
