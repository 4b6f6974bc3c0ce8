/* SPDX-License-Identifier: MIT */
/* From pfn to mfn and back. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/recipes/recipes.h>

/* [frames] */
static uint64_t mfn_of(uint64_t pfn)
{
    const uint64_t *p2m = (const uint64_t *)guest.start->mfn_list;

    return p2m[pfn];
}

/* The pfn of a frame that is the guest's own.  False: it is somebody else's, or nobody's. */
static bool pfn_of(uint64_t mfn, uint64_t *pfn)
{
    const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START;
    struct xen_machphys_mapping map;

    if (hypercall_memory_op(XENMEM_machphys_mapping, &map) || mfn > map.max_mfn)
        return false;
    *pfn = READ_ONCE(m2p[mfn]);
    return *pfn < guest.start->nr_pages && mfn_of(*pfn) == mfn;
}
/* [/frames] */

/* A number that is a page of the guest's, but not one of its frames. */
static uint64_t only_a_pfn(void)
{
    uint64_t pfn = guest.start->nr_pages / 2, other;

    while (pfn_of(pfn, &other))
        pfn++;
    return pfn;
}

static uint64_t all_found(void)
{
    uint64_t found = 0, pfn;

    for (uint64_t i = 0; i < guest.start->nr_pages; i++)
        found += pfn_of(mfn_of(i), &pfn) && pfn == i;
    return found;
}

static long note(uint64_t mfn, uint64_t pfn)
{
    /* [m2p] */
    struct mmu_update request = {.ptr = mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, .val = pfn};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
    /* [/m2p] */
}

void recipe_frames(void)
{
    uint64_t *page = page_alloc();
    uint64_t pfn = virt_to_pfn(page).v, mfn = mfn_of(pfn), found;

    part("frames");
    test_equal("P2M and M2P agree on each page of the guest", all_found(), guest.start->nr_pages);
    gives("map a page by its mfn", table_map((uint64_t)page, mfn << PAGE_SHIFT | PTE_KERNEL), 0);
    gives("map a page by its pfn", table_map((uint64_t)page, only_a_pfn() << PAGE_SHIFT | PTE_KERNEL), -XEN_EBUSY);
    gives("map a page that has no frame", table_map((uint64_t)page, PTE_FRAME | PTE_KERNEL), -XEN_EINVAL);
    part("m2p");
    gives("note another pfn in the M2P", note(mfn, 0x12345), 0);
    test_check(!pfn_of(mfn, &found), "the P2M does not lead back: it is not believed", "believed");
    gives("note the right one", note(mfn, pfn), 0);
    gives("note one for a frame of somebody else", note(only_a_pfn(), pfn), -XEN_EINVAL);
    page_free(page);
}
