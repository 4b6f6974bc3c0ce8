/* SPDX-License-Identifier: MIT */
/* Entries with wrong frames and wrong flags, and in places where there can be none. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <abi/mmu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

static void wrong_frames(struct tree *tree)
{
    void *page = page_alloc();
    uint64_t pfn = only_a_pfn();
    struct xen_memory_reservation back = {.nr_extents = 1, .domid = DOMID_SELF};
    xen_pfn_t frame = virt_to_mfn(page).v;

    mistake("map a page by its pfn", table_map((uint64_t)page, pfn << PAGE_SHIFT | PTE_KERNEL), -XEN_EBUSY);
    mistake("hook a table by its pfn", table_write(&tree->l2[9], pfn << PAGE_SHIFT | PTE_TABLE), -XEN_EINVAL);
    mistake("map a page that has no frame", table_map((uint64_t)page, PTE_FRAME | PTE_KERNEL), -XEN_EINVAL);
    mistake("map a number that is no frame", table_map((uint64_t)page, UINT64_C(0x123456789000) | PTE_KERNEL),
            -XEN_EPERM);
    test_need(table_map((uint64_t)page, 0), "unmapped");
    back.extent_start = arg_of(&frame);
    test_equal("a page is given back", (uint64_t)hypercall_memory_op(XENMEM_decrease_reservation, &back), 1);
    mistake("map a page that was given back", table_map((uint64_t)page, pte_make(MFN(frame), PTE_KERNEL)), -XEN_EBUSY);
    mistake("give a page back twice", hypercall_memory_op(XENMEM_decrease_reservation, &back), 0);
}

static void wrong_flags(struct tree *tree)
{
    uint64_t page = pte_make(virt_to_mfn(tree->page), PTE_KERNEL), l1 = pte_make(virt_to_mfn(tree->l1), PTE_TABLE);
    uint64_t l2 = pte_make(virt_to_mfn(tree->l2), PTE_TABLE);

    mistake("a large page", table_write(&tree->l2[9], page | PTE_PSE), -XEN_EINVAL);
    mistake("a global table", table_write(&tree->l2[9], l1 | PTE_G), -XEN_EINVAL);
    mistake("a table that is not cached", table_write(&tree->l3[9], l2 | PTE_PCD), -XEN_EINVAL);
    mistake("memory that is not cached", table_write(&tree->l1[9], page | PTE_PCD), -XEN_EINVAL);
    mistake("PSE in an L1 entry", table_write(&tree->l1[9], page | PTE_PSE), -XEN_EINVAL);
}

static void wrong_places(struct tree *tree)
{
    uint64_t page = pte_make(virt_to_mfn(tree->page), PTE_KERNEL);
    struct mmu_update request = {.ptr = (uintptr_t)&tree->l1[9], .val = page};

    mistake("copy the hypervisor's slots", table_write(&tree->root[HYPERVISOR_L4_SLOT], 0), -XEN_EINVAL);
    mistake("map where no tables are", table_map(PLACE, page), -XEN_EINVAL);
    mistake("map the hypervisor's part", table_map(HYPERVISOR_VIRT_START, page), -XEN_EINVAL);
    mistake("an entry by its virtual address", hypercall_mmu_update(&request, 1, NULL, DOMID_SELF), -XEN_EINVAL);
}

void mistakes_entries(void)
{
    struct tree tree;

    tree_build(&tree);
    tree_pin(&tree);
    wrong_frames(&tree);
    wrong_flags(&tree);
    wrong_places(&tree);
    tree_unpin(&tree);
    tree_free(&tree);
}
