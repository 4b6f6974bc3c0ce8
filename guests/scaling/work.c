/* SPDX-License-Identifier: MIT */
/* In order: memory that is used; a program in a space of its own; pages that come and go in the space of all. */
#include <abi/multicall.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guests/scaling/work.h>

#define PROGRAM_BASE UINT64_C(0x400000)
#define SHARED_BASE  UINT64_C(0x7f0000000000) /* in the lower half, which nothing else of this kernel uses */
#define L1_SPAN      (UINT64_C(1) << 21)
#define EXCHANGED    16u
#define USES         2u

/* The calls between are the hypervisor's share of the work. */
static void begin_calls(struct worker *worker)
{
    worker->call_ticks -= rdtsc();
}

static void end_calls(struct worker *worker)
{
    worker->call_ticks += rdtsc();
}

static void need(long error, const char *what)
{
    if (error)
        guest_panic("%s: %ld", what, error);
}

/* Each word of @pages pages from @vaddr on is written, and read again. */
static uint64_t use(uint64_t vaddr, unsigned pages)
{
    uint64_t *word = (uint64_t *)vaddr, sum = 0;
    const size_t words = pages * ENTRIES_PER_TABLE;

    for (size_t i = 0; i < words; i++)
        WRITE_ONCE(word[i], i);
    for (size_t i = 0; i < words; i++)
        sum += READ_ONCE(word[i]);
    return sum;
}

/*
 * ---- A program.
 */

static void fill_tables(struct worker *worker)
{
    uint64_t *const *tables = worker->tables;
    const uint64_t *kernel_root = table_root();

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        tables[TOP_LEVEL - 1][i] = i >= KERNEL_SLOTS ? kernel_root[i] : 0;
    for (unsigned level = TOP_LEVEL; level > 1; level--)
        tables[level - 1][table_index(PROGRAM_BASE, level)] =
            pte_make(virt_to_mfn(tables[level - 2]), pte_table_flags(level));
    for (unsigned i = 0; i < PROGRAM_PAGES; i++)
        tables[0][table_index(PROGRAM_BASE, 1) + i] = pte_make(virt_to_mfn(worker->program[i]), PTE_PROGRAM);
}

/* The kernel's own mapping of all tables, and what follows or precedes with @extended, in one call. */
static void change_tables(struct worker *worker, uint64_t flags, const struct mmuext_op *extended, bool is_first)
{
    struct multicall_entry calls[TABLES + 1];
    unsigned at = is_first ? 1 : 0;

    calls[is_first ? 0 : TABLES] =
        (struct multicall_entry){.op = __HYPERVISOR_mmuext_op, .args = {arg_of(extended), 2, 0, DOMID_SELF}};
    for (unsigned i = 0; i < TABLES; i++)
        calls[at + i] = multicall_update_va_mapping((uintptr_t)worker->tables[i],
                                                    pte_make(virt_to_mfn(worker->tables[i]), flags), UVMF_NONE);
    begin_calls(worker);
    need(hypercall_multicall(calls, ARRAY_SIZE(calls)), "a multicall");
    end_calls(worker);
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        need((long)calls[i].result, "a call of a multicall");
}

static void enter(struct worker *worker)
{
    const xen_pfn_t root = (xen_pfn_t)virt_to_mfn(worker->tables[TOP_LEVEL - 1]).v;
    const struct mmuext_op ops[] = {{.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = root},
                                    {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = root}};

    change_tables(worker, PTE_READONLY, ops, false);
}

static void leave(struct worker *worker)
{
    const struct mmuext_op ops[] = {
        {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = (xen_pfn_t)virt_to_mfn(table_root()).v},
        {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = (xen_pfn_t)virt_to_mfn(worker->tables[TOP_LEVEL - 1]).v}};

    change_tables(worker, PTE_KERNEL, ops, true);
}

/* As a page fault does it that gives a program a page of its own. */
static void exchange_pages(struct worker *worker)
{
    begin_calls(worker);
    for (unsigned i = 0; i < EXCHANGED; i++)
        need(hypercall_update_va_mapping(PROGRAM_BASE + i * PAGE_SIZE,
                                         pte_make(virt_to_mfn(worker->program[EXCHANGED - 1 - i]), PTE_PROGRAM),
                                         UVMF_INVLPG | UVMF_LOCAL),
             "a page");
    end_calls(worker);
}

void work_separate(struct worker *worker)
{
    fill_tables(worker);
    enter(worker);
    for (unsigned i = 0; i < USES; i++)
        worker->sum += use(PROGRAM_BASE, PROGRAM_PAGES);
    exchange_pages(worker);
    worker->sum += use(PROGRAM_BASE, EXCHANGED);
    leave(worker);
}

/*
 * ---- The space of all.
 */

/* Pages with @flags, 0 for none, in one call; and what was there before is forgotten on @cpus, if there are any. */
static void map(struct worker *worker, uint64_t flags, uint64_t cpus)
{
    struct mmu_update updates[MAPPED_PAGES];
    const struct mmuext_op flush = {.cmd = MMUEXT_TLB_FLUSH_MULTI, .arg2.vcpumask = arg_of(&cpus)};

    for (unsigned i = 0; i < MAPPED_PAGES; i++)
        updates[i] = (struct mmu_update){.ptr = (worker->entries + i * sizeof(uint64_t)) | MMU_NORMAL_PT_UPDATE,
                                         .val = flags ? pte_make(virt_to_mfn(worker->mapped[i]), flags) : 0};
    begin_calls(worker);
    need(hypercall_mmu_update(updates, MAPPED_PAGES, NULL, DOMID_SELF), "pages");
    if (cpus)
        need(hypercall_mmuext_op(&flush, 1, NULL, DOMID_SELF), "a flush");
    end_calls(worker);
}

void work_shared(struct worker *worker, uint64_t cpus)
{
    map(worker, PTE_KERNEL, 0);
    worker->sum += use(worker->place, MAPPED_PAGES);
    map(worker, PTE_READONLY, cpus);
    for (unsigned i = 0; i < MAPPED_PAGES; i++)
        worker->sum += READ_ONCE(*(uint64_t *)(worker->place + i * PAGE_SIZE));
    map(worker, 0, cpus);
}

void work_prepare(struct worker *worker, unsigned index)
{
    for (unsigned i = 0; i < TABLES; i++)
        worker->tables[i] = page_alloc();
    for (unsigned i = 0; i < PROGRAM_PAGES; i++)
        worker->program[i] = page_alloc();
    for (unsigned i = 0; i < MAPPED_PAGES; i++)
        worker->mapped[i] = page_alloc();
    worker->place = SHARED_BASE + index * L1_SPAN;
    need(table_make(worker->place), "tables");
    worker->entries = virt_to_maddr(table_entry(worker->place, 1));
}
