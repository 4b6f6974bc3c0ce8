/* SPDX-License-Identifier: MIT */
/*
 * The P2M: all of it against the M2P, and its growth.  Pages are given back to the hypervisor, and come again as
 * others, with pfns behind the end of the memory that the guest was started with.
 */
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/mmu.h>
#include <guest/p2m.h>
#include <guest/processor.h>
#include <guests/paravirt/pool.h>
#include <guests/paravirt/test.h>

#define VADDR UINT64_C(0x70000000)
#define COUNT 8u

static void expect_agreement(void)
{
    pfn_t first = PFN_NONE;
    uint64_t wrong = p2m_check(&first);

    expect(wrong == 0, "P2M and M2P disagree about %" PRIu64 " pages, first %" PRIx64, wrong, first.v);
}

static void test_agreement(void)
{
    uint64_t pages = 0;

    if (guest.native)
        return; /* both are the identity */
    expect_agreement();
    for (uint64_t pfn = 0; pfn < guest.start->nr_pages; pfn++)
        pages += p2m_get_pfn(p2m_get(PFN(pfn))).v == pfn;
    expect(pages == guest.start->nr_pages, "%" PRIu64 " of %" PRIuPTR " pages have frames", pages,
           guest.start->nr_pages);
    expect(p2m_get(PFN(p2m_pages())).v == MFN_NONE.v, "a page behind the end has a frame");
}

/* memory_op on single pages; the number of those that were done. */
static long reservation(unsigned cmd, xen_pfn_t *extents)
{
    struct xen_memory_reservation request = {
        .extent_start = (uintptr_t)extents, .nr_extents = COUNT, .extent_order = 0, .domid = DOMID_SELF};

    return hypercall_memory_op(cmd, &request);
}

static void expect_done(long done, const char *what)
{
    if (done != COUNT)
        guest_panic("the guest %s %ld of %u pages", what, done, COUNT);
}

/* The kernel's own mapping of a page: without one it can be given back. */
static void map_own(void *page, mmu_entry_t entry)
{
    mmu_entry_write(mmu_kernel_space(), table_entry((uintptr_t)page, 1), 1, entry);
}

static void give_back(void *const *pages)
{
    xen_pfn_t mfns[COUNT];

    mmu_lazy_enter();
    for (unsigned i = 0; i < COUNT; i++) {
        mfns[i] = (xen_pfn_t)p2m_get(virt_to_pfn(pages[i])).v;
        map_own(pages[i], MMU_ENTRY_NONE);
        p2m_set_frame(virt_to_pfn(pages[i]), MFN_NONE);
    }
    mmu_flush_all_everywhere();
    mmu_lazy_leave();
    expect_done(reservation(XENMEM_decrease_reservation, mfns), "gave back");
}

/* Frames for the pages from @pfn on. */
static void get_again(uint64_t pfn)
{
    xen_pfn_t extents[COUNT];

    for (unsigned i = 0; i < COUNT; i++)
        extents[i] = (xen_pfn_t)pfn + i;
    expect_done(reservation(XENMEM_populate_physmap, extents), "got");
    for (unsigned i = 0; i < COUNT; i++)
        p2m_set_frame(PFN(pfn + i), MFN(extents[i]));
}

/* Pages that the kernel's own region does not map are used in a space. */
static void use(uint64_t pfn)
{
    struct mmu_space space;
    uint64_t value;

    expect(mmu_space_create(&space) == 0, "no space");
    for (unsigned i = 0; i < COUNT; i++) {
        mmu_entry_write(&space, mmu_walk_make(&space, VADDR + i * PAGE_SIZE), 1,
                        mmu_entry_make(PFN(pfn + i), PTE_PROGRAM));
    }
    mmu_space_activate(&space);
    for (unsigned i = 0; i < COUNT; i++)
        expect(test_write(VADDR + i * PAGE_SIZE, pfn + i), "the new page cannot be written");
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t *place = mmu_walk(&space, VADDR + i * PAGE_SIZE, 1);

        expect(test_read(VADDR + i * PAGE_SIZE, &value) && value == pfn + i, "the new page does not keep its contents");
        expect(mmu_entry_pfn(mmu_entry_read(place)).v == pfn + i, "the entry is not of the new page");
    }
    mmu_space_destroy(&space);
}

static void test_growth(void)
{
    uint64_t free = pool_count(), end, leaves;
    xen_pfn_t mfns[COUNT];
    void *pages[COUNT];

    if (guest.native)
        return;
    end = p2m_pages();
    for (unsigned i = 0; i < COUNT; i++)
        pages[i] = pool_take();
    give_back(pages);
    expect_agreement();
    expect(p2m_grow(end + 1, pool_take) == 0 && p2m_pages() > end, "the P2M does not grow");
    leaves = free - COUNT - pool_count(); /* of the P2M, which stay */
    get_again(end);
    expect_agreement();
    use(end);
    for (unsigned i = 0; i < COUNT; i++) {
        mfns[i] = (xen_pfn_t)p2m_get(PFN(end + i)).v;
        p2m_set_frame(PFN(end + i), MFN_NONE);
    }
    expect_done(reservation(XENMEM_decrease_reservation, mfns), "gave back again");
    for (unsigned i = 0; i < COUNT; i++) {
        xen_pfn_t pfn = (xen_pfn_t)virt_to_pfn(pages[i]).v;
        struct xen_memory_reservation request = {.extent_start = (uintptr_t)&pfn, .nr_extents = 1, .domid = DOMID_SELF};

        expect(hypercall_memory_op(XENMEM_populate_physmap, &request) == 1, "the hypervisor gives no page");
        p2m_set_frame(virt_to_pfn(pages[i]), MFN(pfn));
        map_own(pages[i], mmu_entry_make(virt_to_pfn(pages[i]), PTE_KERNEL));
        pool_put(pages[i]);
    }
    expect_agreement();
    expect_nothing_lost(free - leaves);
}

const struct test tests_memory[] = {
    {"P2M and M2P agree", test_agreement},
    {"the P2M grows with the memory", test_growth},
    {NULL, NULL},
};
