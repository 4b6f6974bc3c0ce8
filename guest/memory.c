/* SPDX-License-Identifier: MIT */
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>

/* A free page holds the address of the next one. */
struct free_page {
    struct free_page *next;
};

static struct free_page *free_pages;
static size_t nr_free;
static uint64_t nr_mapped;        /* pages mapped at VIRT_BASE */
static uint64_t fresh, fresh_end; /* pfns that were never handed out */

extern char image_end[];

static uint64_t *p2m(void)
{
    return (uint64_t *)guest.start->mfn_list;
}

mfn_t pfn_to_mfn(pfn_t pfn)
{
    return pfn.v < guest.start->nr_pages ? MFN(p2m()[pfn.v]) : MFN_NONE;
}

void p2m_set(pfn_t pfn, mfn_t mfn)
{
    p2m()[pfn.v] = mfn.v;
}

pfn_t mfn_to_pfn(mfn_t mfn)
{
    const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;

    return mfn.v < MACH2PHYS_NR_ENTRIES ? PFN(m2p[mfn.v]) : PFN_NONE;
}

pfn_t mfn_to_own_pfn(mfn_t mfn)
{
    pfn_t pfn = mfn_to_pfn(mfn);

    return pfn_to_mfn(pfn).v == mfn.v ? pfn : PFN_NONE;
}

pfn_t virt_to_pfn(const volatile void *address)
{
    return PFN(((uint64_t)address - VIRT_BASE) >> PAGE_SHIFT);
}

void *pfn_to_virt(pfn_t pfn)
{
    return (void *)(VIRT_BASE + (pfn.v << PAGE_SHIFT));
}

mfn_t virt_to_mfn(const volatile void *address)
{
    return pfn_to_mfn(virt_to_pfn(address));
}

void *mfn_to_virt(mfn_t mfn)
{
    pfn_t pfn = mfn_to_own_pfn(mfn);

    return pfn.v < nr_mapped || nr_mapped == 0 ? pfn_to_virt(pfn) : NULL;
}

uint64_t virt_to_maddr(const volatile void *address)
{
    return virt_to_mfn(address).v << PAGE_SHIFT | ((uint64_t)address & (PAGE_SIZE - 1));
}

uint64_t memory_pages(void)
{
    return nr_mapped;
}

void *pages_alloc(size_t count)
{
    void *first;

    if (count > fresh_end - fresh)
        guest_panic("out of memory: %lu pages wanted, %lu left in a row", count, fresh_end - fresh);
    first = pfn_to_virt(PFN(fresh));
    fresh += count;
    memset(first, 0, count * PAGE_SIZE);
    return first;
}

void *page_alloc(void)
{
    struct free_page *page = free_pages;

    if (!page)
        return pages_alloc(1);
    free_pages = page->next;
    nr_free--;
    memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    struct free_page *freed = page;

    freed->next = free_pages;
    free_pages = freed;
    nr_free++;
}

size_t pages_free_count(void)
{
    return nr_free + (fresh_end - fresh);
}

static void use_until(uint64_t *used, uint64_t end)
{
    uint64_t pfn = (end - VIRT_BASE + PAGE_SIZE - 1) >> PAGE_SHIFT;

    if (end >= VIRT_BASE && pfn > *used)
        *used = pfn;
}

/* The first pfn behind all that the builder put into the mapped region. */
static uint64_t used_pages(void)
{
    const struct start_info *start = guest.start;
    uint64_t used = 0;

    use_until(&used, (uint64_t)image_end);
    use_until(&used, (uint64_t)start + PAGE_SIZE);
    use_until(&used, start->mfn_list + start->nr_pages * sizeof(uint64_t));
    use_until(&used, start->pt_base + start->nr_pt_frames * PAGE_SIZE);
    use_until(&used, guest.boot_stack_end);
    if (start->mod_start && !(start->flags & SIF_MOD_START_PFN))
        use_until(&used, start->mod_start + start->mod_len);
    if (!(start->flags & SIF_INITDOMAIN)) {
        use_until(&used, (uint64_t)pfn_to_virt(mfn_to_pfn(MFN(start->store_mfn))) + PAGE_SIZE);
        use_until(&used, (uint64_t)pfn_to_virt(mfn_to_pfn(MFN(start->console.domU.mfn))) + PAGE_SIZE);
    }
    return used;
}

/* The first pfn from @pfn on that the builder left unmapped. */
static uint64_t mapped_until(uint64_t pfn)
{
    while (pfn < guest.start->nr_pages && pfn < MAPPED_PAGES_MAX && table_walk((uint64_t)pfn_to_virt(PFN(pfn)), NULL))
        pfn++;
    return pfn;
}

/* Hook up one more L1 that maps the pfns from @first to @end: one more 2 MiB of the kernel's own memory. */
static void map_more(uint64_t first, uint64_t end)
{
    uint64_t *l1 = page_alloc();

    for (uint64_t pfn = first; pfn < end; pfn++)
        l1[pfn % ENTRIES_PER_TABLE] = pte_make(pfn_to_mfn(PFN(pfn)), PTE_KERNEL);
    if (table_set_readonly(l1) || table_hook((uint64_t)pfn_to_virt(PFN(first)), 2, l1))
        guest_panic("cannot map the pages from pfn %lx on", first);
}

void memory_init(void)
{
    uint64_t end = guest.start->nr_pages < MAPPED_PAGES_MAX ? guest.start->nr_pages : MAPPED_PAGES_MAX;

    fresh = used_pages();
    fresh_end = mapped_until(fresh);
    nr_mapped = fresh_end;
    while (nr_mapped < end && nr_mapped % ENTRIES_PER_TABLE == 0) {
        uint64_t next = nr_mapped + ENTRIES_PER_TABLE < end ? nr_mapped + ENTRIES_PER_TABLE : end;

        map_more(nr_mapped, next);
        nr_mapped = next;
        fresh_end = next;
    }
}
