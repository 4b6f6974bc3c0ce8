/* SPDX-License-Identifier: MIT */
/* Requests about grants.  The guest grants to itself; most of them are answered by the status of an element. */
#include <abi/errno.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/refusal.h>

#define REF 20u

/* A table, and in it a page of the guest's that is granted with @flags. */
static mfn_t begin(struct unit *unit, struct record *expected, unsigned flags)
{
    mfn_t page = unit_page(unit);

    guest_grants_begin(unit->guest, 1);
    guest_grant(unit->guest, REF, unit->domain->id.v, page, flags);
    *expected =
        (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_grant_table_op, .by_status = true, .value = REF};
    return page;
}

static int64_t request_map(struct unit *unit, grant_ref_t ref, unsigned flags)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = unit_window(unit, 3).v, .flags = flags, .ref = ref, .dom = unit->domain->id.v};

    return guest_grant_op(unit->vcpu, GNTTABOP_map_grant_ref, &map, sizeof(map), 1);
}

int64_t request_grant_reference(struct unit *unit, struct record *expected)
{
    begin(unit, expected, GTF_permit_access);
    expected->value = 512;
    return request_map(unit, 512, GNTMAP_host_map);
}

int64_t request_grant_entry(struct unit *unit, struct record *expected)
{
    begin(unit, expected, GTF_accept_transfer);
    expected->value = GTF_accept_transfer; /* for domain 0 */
    return request_map(unit, REF, GNTMAP_host_map);
}

int64_t request_grant_part(struct unit *unit, struct record *expected)
{
    mfn_t page = begin(unit, expected, GTF_permit_access);
    struct grant_place place;

    assert_int_equal(guest_grant_set_version(unit->vcpu, &(uint32_t){2}), 0);
    assert_true(grant_place_find(unit->domain, REF, &place));
    *place.v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, unit->domain->id.v, 256, 64, page.v};
    expected->value = REF;
    return request_map(unit, REF, GNTMAP_host_map);
}

int64_t request_grant_in_use(struct unit *unit, struct record *expected)
{
    begin(unit, expected, GTF_permit_access);
    assert_int_equal(request_map(unit, REF, GNTMAP_device_map), 0);
    expected->by_status = false;
    expected->error = XEN_EBUSY;
    expected->value = 1;
    return guest_grant_set_version(unit->vcpu, &(uint32_t){2});
}

int64_t request_grant_frame(struct unit *unit, struct record *expected)
{
    mfn_t foreign = guest_mfn(unit->other, PFN(100));

    begin(unit, expected, GTF_permit_access);
    guest_grant(unit->guest, REF, unit->domain->id.v, foreign, GTF_permit_access);
    expected->value = foreign.v;
    return request_map(unit, REF, GNTMAP_host_map);
}

int64_t request_grant_flags(struct unit *unit, struct record *expected)
{
    begin(unit, expected, GTF_permit_access);
    expected->value = GNTMAP_readonly;
    return request_map(unit, REF, GNTMAP_readonly);
}

int64_t request_grant_handle(struct unit *unit, struct record *expected)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = unit_window(unit, 3).v, .handle = 5};

    begin(unit, expected, GTF_permit_access);
    expected->value = 5;
    return guest_grant_op(unit->vcpu, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap), 1);
}

int64_t request_grant_handles_exhausted(struct unit *unit, struct record *expected)
{
    begin(unit, expected, GTF_permit_access);
    unit->sim->pool_fail_after = 0;
    return request_map(unit, REF, GNTMAP_host_map);
}

int64_t request_grant_not_there(struct unit *unit, struct record *expected)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = unit_window(unit, 3).v, .handle = 0};

    begin(unit, expected, GTF_permit_access);
    assert_int_equal(request_map(unit, REF, GNTMAP_host_map), 0);
    assert_int_equal(unit_map(unit, 3, pte(unit_page(unit), PTE_RW_PAGE)), 0);
    expected->value = unmap.host_addr;
    return guest_grant_op(unit->vcpu, GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap), 1);
}

int64_t request_grant_copy(struct unit *unit, struct record *expected)
{
    mfn_t page = begin(unit, expected, GTF_permit_access);
    struct gnttab_copy copy = {.source = {.u.gmfn = page.v, .domid = DOMID_SELF},
                               .dest = {.u.gmfn = page.v, .domid = DOMID_SELF, .offset = 1},
                               .len = PAGE_SIZE};

    expected->value = PAGE_SIZE;
    return guest_grant_copy(unit->vcpu, &copy, 1);
}

int64_t request_element_count(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_grant_table_op, .value = 2};
    return guest_hypercall(unit->vcpu, __HYPERVISOR_grant_table_op, GNTTABOP_query_size, 0, 2, 0, 0, 0);
}

int64_t request_grant_version(struct unit *unit, struct record *expected)
{
    uint32_t version = 3;

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_grant_table_op, .value = version};
    return guest_grant_set_version(unit->vcpu, &version);
}
