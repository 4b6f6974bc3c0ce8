/* SPDX-License-Identifier: MIT */
/* Where the guest finds itself: memory map, frame numbers, tables. */
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/demo/demo.h>

extern char image_start[], image_end[];

static void say_region(const char *what, uint64_t from, uint64_t end)
{
    say("%016" PRIx64 "-%016" PRIx64 "  %5" PRIu64 " pages  %s", from, end - 1,
        (end - from + PAGE_SIZE - 1) / PAGE_SIZE, what);
}

/* Shows start_info.magic. */
void step_start(void)
{
    const struct start_info *start = guest.start;

    say("The domain has %" PRIuPTR " pages. It started with paging on, on tables that the hypervisor built,",
        start->nr_pages);
    say("with everything at VIRT_BASE + pfn * 4096:");
    say_region("kernel image", (uintptr_t)image_start, (uintptr_t)image_end);
    say_region("P2M, the guest's own table from pfn to mfn", start->mfn_list,
               start->mfn_list + start->nr_pages * sizeof(xen_pfn_t));
    say_region("start_info, from which all this is known", (uintptr_t)start, (uintptr_t)start + PAGE_SIZE);
    say_region("page tables, mapped read-only", start->pt_base, start->pt_base + start->nr_pt_frames * PAGE_SIZE);
    say_region("boot stack", guest.boot_stack_end - PAGE_SIZE, guest.boot_stack_end);
    say_region("all pages, mapped by the guest itself since", VIRT_BASE, VIRT_BASE + guest.nr_mapped * PAGE_SIZE);
    say_region("M2P, the hypervisor's table back", MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END);
    say("shared_info is machine frame %" PRIxPTR "; the clock says %" PRIu64 " ms.", start->shared_info >> PAGE_SHIFT,
        time_now() / 1000000);
    claim(strncmp(start->magic, START_MAGIC, sizeof(START_MAGIC) - 1) == 0, "the ABI is %s", start->magic);
    claim(pages_free_count() > 100, "%zu pages are free for the demo", pages_free_count());
}

/* Shows layout.m2p, startofday.m2p, startofday.p2m, layout.p2m. */
void step_frames(void)
{
    uint64_t nr_pages = guest.start->nr_pages, matches = 0, neighbours = 0;

    say("A pfn numbers the guest's pages, from 0 without holes; an mfn numbers the machine's frames.");
    say("Page-table entries hold mfns. The hypervisor may give a guest any frames in any order:");
    for (uint64_t i = 0; i < 8; i++) {
        pfn_t pfn = PFN(i * (nr_pages / 8));
        mfn_t mfn = pfn_to_mfn(pfn);

        say("   pfn %5" PRIx64 "  --P2M-->  mfn %6" PRIx64 "  --M2P-->  pfn %5" PRIx64, pfn.v, mfn.v,
            mfn_to_pfn(mfn).v);
    }
    for (uint64_t i = 0; i < nr_pages; i++) {
        mfn_t mfn = pfn_to_mfn(PFN(i));

        matches += mfn_to_pfn(mfn).v == i;
        neighbours += i + 1 < nr_pages && pfn_to_mfn(PFN(i + 1)).v == mfn.v + 1;
    }
    say("Of %" PRIu64 " pairs of neighbouring pages, %" PRIu64 " are neighbours in machine memory too.", nr_pages - 1,
        neighbours);
    claim(matches == nr_pages, "the M2P leads back to the same pfn for all %" PRIu64 " pages", matches);
}

/* Shows types.no-shadow. */
void step_walk(void)
{
    uint64_t vaddr = (uintptr_t)step_walk;
    uint64_t *table = table_root();
    uint64_t entry = 0;

    say("No shadow: these are the tables that cr3 leads to. For the code running now, %" PRIx64 ":", vaddr);
    for (unsigned level = TOP_LEVEL; level; level--) {
        unsigned index = table_index(vaddr, level);

        entry = table[index];
        say("   L%u table mfn %6" PRIx64 ", entry %3u = %016" PRIx64 " -> mfn %6" PRIx64, level, virt_to_mfn(table).v,
            index, entry, pte_mfn(entry).v);
        table = mfn_to_virt(pte_mfn(entry));
        if (!table)
            break;
    }
    say(USER_ROOT
            ? "An L1 entry without the USER bit comes back with it, and with bit 52: both modes run in ring 3."
            : "The USER bit means what it means on bare hardware: the kernel runs in ring 1, programs in ring 3.");
    claim(pte_mfn(entry).v == virt_to_mfn((void *)(uintptr_t)vaddr).v, "the walk ends at the frame that the P2M names");
}
