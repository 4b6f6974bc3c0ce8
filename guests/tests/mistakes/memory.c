/* SPDX-License-Identifier: MIT */
/* The reservation, and grants. */
#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/memory.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

static long exchange(xen_pfn_t frame)
{
    xen_pfn_t out = 0;
    struct xen_memory_exchange exchange = {
        .in = {.extent_start = arg_of(&frame), .nr_extents = 1, .domid = DOMID_SELF},
        .out = {.extent_start = arg_of(&out), .nr_extents = 1, .domid = DOMID_SELF},
    };

    return hypercall_memory_op(XENMEM_exchange, &exchange);
}

static long populate(unsigned order)
{
    xen_pfn_t pfn = 0;
    struct xen_memory_reservation more = {
        .extent_start = arg_of(&pfn), .nr_extents = 1, .extent_order = order, .domid = DOMID_SELF};

    return hypercall_memory_op(XENMEM_populate_physmap, &more);
}

static long copy(void *page, unsigned length)
{
    struct gnttab_copy copy = {.source = {.u.gmfn = virt_to_mfn(page).v, .domid = DOMID_SELF},
                               .dest = {.u.gmfn = virt_to_mfn(page).v, .domid = DOMID_SELF, .offset = 2048},
                               .len = (uint16_t)length};
    long error = hypercall_grant_table_op(GNTTABOP_copy, &copy, 1);

    return error ? error : copy.status;
}

static long map(grant_ref_t reference)
{
    struct gnttab_map_grant_ref map = {
        .flags = GNTMAP_host_map, .ref = reference, .dom = test_own_number(), .host_addr = PLACE};
    long error = hypercall_grant_table_op(GNTTABOP_map_grant_ref, &map, 1);

    return error ? error : map.status;
}

void mistakes_memory(void)
{
    uint64_t *page = page_alloc();

    mistake("exchange a page that is still mapped", exchange(virt_to_mfn(page).v), -XEN_EINVAL);
    mistake("more memory than the reservation has", populate(9), 0);
    mistake("an extent that is too large", populate(30), 0);
    mistake("a copy over the end of a page", copy(page, 4096), GNTST_bad_copy_arg);
    mistake("a grant that the table does not reach to", map(1u << 20), GNTST_bad_gntref);
    page_free(page);
}
