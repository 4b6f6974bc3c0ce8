/* SPDX-License-Identifier: MIT */
/* The guest's memory at the start of day: what the builder left free, and the rest of it, mapped behind. */
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/table.h>

extern char image_end[];

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

    use_until(&used, (uintptr_t)image_end);
    use_until(&used, (uintptr_t)start + PAGE_SIZE);
    use_until(&used, start->mfn_list + start->nr_pages * sizeof(xen_pfn_t));
    use_until(&used, start->pt_base + start->nr_pt_frames * PAGE_SIZE);
    use_until(&used, guest.boot_stack_end);
    if (start->mod_start && !(start->flags & SIF_MOD_START_PFN))
        use_until(&used, start->mod_start + start->mod_len);
    if (!(start->flags & SIF_INITDOMAIN)) {
        use_until(&used, (uintptr_t)pfn_to_virt(mfn_to_pfn(MFN(start->store_mfn))) + PAGE_SIZE);
        use_until(&used, (uintptr_t)pfn_to_virt(mfn_to_pfn(MFN(start->console.domU.mfn))) + PAGE_SIZE);
    }
    return used;
}

/* The first pfn from @pfn on that the builder left unmapped. */
static uint64_t mapped_until(uint64_t pfn)
{
    while (pfn < guest.start->nr_pages && pfn < MAPPED_PAGES_MAX && table_walk((uintptr_t)pfn_to_virt(PFN(pfn)), NULL))
        pfn++;
    return pfn;
}

/* Hook up one more L1 that maps the pfns from @first to @end: one more 2 MiB of the kernel's own memory. */
static void map_more(uint64_t first, uint64_t end)
{
    uint64_t *l1 = page_alloc();

    for (uint64_t pfn = first; pfn < end; pfn++)
        l1[pfn % ENTRIES_PER_TABLE] = pte_make(pfn_to_mfn(PFN(pfn)), PTE_KERNEL);
    if (table_set_readonly(l1) || table_hook((uintptr_t)pfn_to_virt(PFN(first)), 2, l1))
        guest_panic("cannot map the pages from pfn %" PRIx64 " on", first);
}

void memory_init(void)
{
    uint64_t end = guest.start->nr_pages < MAPPED_PAGES_MAX ? guest.start->nr_pages : MAPPED_PAGES_MAX;
    uint64_t used = used_pages(), mapped = mapped_until(used);

    guest.nr_mapped = mapped;
    memory_add(used, mapped);
    while (mapped < end && mapped % ENTRIES_PER_TABLE == 0) {
        uint64_t next = mapped + ENTRIES_PER_TABLE < end ? mapped + ENTRIES_PER_TABLE : end;

        map_more(mapped, next);
        guest.nr_mapped = next;
        memory_add(mapped, next);
        mapped = next;
    }
}
