/* SPDX-License-Identifier: MIT */
/*
 * Memory: how much there is, giving frames back and getting others, the memory map.
 */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>

#define COUNT 16u

static long amount(unsigned cmd)
{
    struct xen_memory_domain domain = {.domid = DOMID_SELF};

    return hypercall_memory_op(cmd, &domain);
}

static struct xen_memory_reservation reservation(xen_pfn_t *extents, unsigned count)
{
    return (struct xen_memory_reservation){.extent_start = arg_of(extents), .nr_extents = count, .domid = DOMID_SELF};
}

/*
 * Shows memory_op.current, memory_op.maximum, memory_op.maximum-ram-page, memory_op.no-domain,
 * memory_op.unknown-command.
 */
static void amounts(void)
{
    struct xen_memory_domain nobody = {.domid = 1234};

    test_check(amount(XENMEM_current_reservation) >= (long)guest.start->nr_pages, "current_reservation", "%ld",
               amount(XENMEM_current_reservation));
    test_check(amount(XENMEM_maximum_reservation) != 0, "maximum_reservation", "0");
    test_check(hypercall_memory_op(XENMEM_maximum_ram_page, NULL) > 0, "maximum_ram_page", "none");
    test_result("of a domain that does not exist", hypercall_memory_op(XENMEM_current_reservation, &nobody),
                -XEN_ESRCH);
    test_result("unknown command", hypercall_memory_op(63, &nobody), -XEN_ENOSYS);
}

/* Shows memory_op.machphys-mapping. */
static void mapping(void)
{
    struct xen_machphys_mapping where;

    test_result("machphys_mapping", hypercall_memory_op(XENMEM_machphys_mapping, &where), 0);
    test_equal("it starts where it always does", where.v_start, MACH2PHYS_VIRT_START);
    test_check(where.max_mfn >= pfn_to_mfn(PFN(0)).v, "it covers the guest's frames", "up to %" PRIxPTR, where.max_mfn);
}

/* Shows memory_op.memory-map. */
static void map(void)
{
    static struct e820_entry entries[16];
    struct xen_memory_map map = {.nr_entries = ARRAY_SIZE(entries), .buffer = arg_of(entries)};
    long result = hypercall_memory_op(XENMEM_memory_map, &map);
    uint64_t covered = 0;

    if (result == -XEN_ENOSYS) {
        test_note("no memory map for this guest");
        return;
    }
    test_result("memory_map", result, 0);
    for (unsigned i = 0; i < map.nr_entries; i++)
        covered += entries[i].type == E820_RAM ? entries[i].size : 0;
    test_check(covered >= guest.start->nr_pages * PAGE_SIZE, "it covers all pages", "%" PRIx64 " bytes", covered);
}

/* Give frames back, see them gone, and fill the holes with others.  Shows memory_op.decrease, memory_op.populate. */
static void exchange(void)
{
    static xen_pfn_t mfns[COUNT], pfns[COUNT];
    char *pages = pages_alloc(COUNT);
    struct xen_memory_reservation give = reservation(mfns, COUNT), take = reservation(pfns, COUNT);
    long before = amount(XENMEM_current_reservation);
    unsigned wrong = 0;

    for (unsigned i = 0; i < COUNT; i++) {
        mfns[i] = (xen_pfn_t)virt_to_mfn(pages + i * PAGE_SIZE).v;
        pfns[i] = (xen_pfn_t)virt_to_pfn(pages + i * PAGE_SIZE).v;
        test_need(table_map((uintptr_t)pages + i * PAGE_SIZE, 0), "unmap");
    }
    test_result("decrease_reservation", hypercall_memory_op(XENMEM_decrease_reservation, &give), COUNT);
    test_equal("there are fewer", (uint64_t)(before - amount(XENMEM_current_reservation)), COUNT);
    test_result("the same again", hypercall_memory_op(XENMEM_decrease_reservation, &give), 0);
    test_check(table_map((uintptr_t)pages, pte_make(MFN(mfns[0]), PTE_KERNEL)) < 0, "a frame that was given back",
               "can be mapped");
    test_result("populate_physmap", hypercall_memory_op(XENMEM_populate_physmap, &take), COUNT);
    test_equal("there are as many as before", (uint64_t)amount(XENMEM_current_reservation), (uint64_t)before);
    for (unsigned i = 0; i < COUNT; i++) {
        pfn_t pfn = virt_to_pfn(pages + i * PAGE_SIZE);

        wrong += mfn_to_pfn(MFN(pfns[i])).v != pfn.v;
        p2m_set(pfn, MFN(pfns[i]));
        wrong += table_set_writable(pages + i * PAGE_SIZE) != 0;
        pages[i * PAGE_SIZE] = 1;
    }
    test_equal("each is in the M2P, and can be mapped and written", wrong, 0);
}

static void refused(void)
{
    xen_pfn_t mfn = (xen_pfn_t)virt_to_mfn(table_root()).v;
    struct xen_memory_reservation give = reservation(&mfn, 1);

    mfn = (xen_pfn_t)(PTE_FRAME >> PAGE_SHIFT);
    test_result("decrease_reservation of no frame", hypercall_memory_op(XENMEM_decrease_reservation, &give), 0);
    mfn = guest.start->shared_info >> PAGE_SHIFT;
    test_check(hypercall_memory_op(XENMEM_decrease_reservation, &give) >= 0, "decrease_reservation of shared_info",
               "an error"); /* Xen takes it, and keeps the frame for as long as it is mapped */
    give.domid = 1234;
    test_check(hypercall_memory_op(XENMEM_decrease_reservation, &give) <= 0, "of a domain that does not exist", "done");
    test_check(hypercall_xen_version(0, NULL) > 0, "the guest goes on", "no");
}

void test_main(void)
{
    amounts();
    mapping();
    map();
    exchange();
    refused();
}
