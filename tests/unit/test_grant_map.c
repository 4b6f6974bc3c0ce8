/* SPDX-License-Identifier: MIT */
/*
 * Mapping grants: what a mapping holds, what its entry says, what ends it.  The unit's guest maps what the other one,
 * of the other width, has granted.
 */
#include <abi/errno.h>
#include <engine/grant_map.h>
#include <engine/grant_mapping.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define REF 9u

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
    guest_grants_begin(unit->guest, 1);
    guest_grants_begin(unit->other, 1);
}

/* A page of the other guest's that it does not map itself, granted to the unit's guest. */
static mfn_t grant_page(struct unit *unit, unsigned flags)
{
    pfn_t pfn = guest_page_alloc(unit->other);
    mfn_t mfn = guest_mfn(unit->other, pfn);

    guest_grant(unit->other, REF, unit->domain->id.v, mfn, flags);
    return mfn;
}

static uint64_t window_entry(const struct unit *unit, unsigned index)
{
    mfn_t table;
    unsigned slot;

    assert_true(guest_find_entry(unit->guest, guest_root(unit->guest), unit_window(unit, index), 1, &table, &slot));
    return guest_entry(unit->guest, table, slot);
}

static int16_t map(struct unit *unit, unsigned index, unsigned flags, grant_handle_t *handle)
{
    return guest_grant_map(unit->vcpu, unit->other->domain->id.v, REF, unit_window(unit, index).v, flags, handle);
}

static int16_t unmap(struct unit *unit, unsigned index, grant_handle_t handle)
{
    return guest_grant_unmap(unit->vcpu, handle, unit_window(unit, index).v, 0);
}

/*
 * A mapping and its entry hold a reference and a use each, and the granter is told until the last has gone.
 * Shows grant_table_op.map, grant_table_op.map-in-use, grant_table_op.unmap.
 */
static void test_counts(void **state)
{
    grant_handle_t writable, readonly;
    struct unit unit;
    uint64_t word = 0;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1); /* the other guest maps it */
    assert_int_equal(map(&unit, 3, GNTMAP_host_map, &writable), GNTST_okay);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    assert_int_equal(guest_grant_use(unit.other, REF), GTF_reading | GTF_writing);
    assert_int_equal(map(&unit, 4, GNTMAP_host_map | GNTMAP_readonly, &readonly), GNTST_okay);
    assert_counts(&unit, page, 6, TYPE_WRITABLE, 3);
    assert_int_not_equal(writable, readonly);
    guest_assert_clean(unit.sim);
    assert_true(guest_write(unit.vcpu, unit_window(&unit, 3), &(uint64_t){0x1234}, 8));
    assert_false(guest_write(unit.vcpu, unit_window(&unit, 4), &(uint64_t){0x1234}, 8));
    assert_true(guest_read(unit.vcpu, unit_window(&unit, 4), &word, 8));
    assert_int_equal(word, 0x1234);
    assert_int_equal(unmap(&unit, 3, writable), GNTST_okay);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 1);
    assert_int_equal(guest_grant_use(unit.other, REF), GTF_reading);
    assert_false(guest_read(unit.vcpu, unit_window(&unit, 3), &word, 8));
    assert_int_equal(unmap(&unit, 3, writable), GNTST_bad_handle);
    assert_int_equal(unmap(&unit, 4, readonly), GNTST_okay);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    assert_int_equal(window_entry(&unit, 3) | window_entry(&unit, 4), 0);
    unit_destroy(&unit);
}

/* The domain is found dying only where that has begun since the call did.  Shows grant_table_op.unmap-dying. */
static void test_unmap_dying(void **state)
{
    struct grant_unmapping unmapping = {.status = GNTST_okay};
    struct unit unit;
    struct op op;

    create(&unit, state);
    (void)grant_page(&unit, GTF_permit_access);
    assert_int_equal(map(&unit, 3, GNTMAP_host_map, &unmapping.handle), GNTST_okay);
    unmapping.host_addr = unit_window(&unit, 3).v;
    op = op_own(unit.domain, unit.vcpu);
    unit.domain->dying = true;
    grant_unmap(&op, &unmapping, 1);
    unit.domain->dying = false;
    assert_int_equal(unmapping.status, GNTST_general_error);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_DYING);
    assert_int_equal(unmap(&unit, 3, unmapping.handle), GNTST_okay);
    unit_destroy(&unit);
}

/* ---- What is refused, and then holds nothing. */

#define assert_map_refused(unit, status_, expected, reason_)                                        \
    do {                                                                                            \
        assert_int_equal(status_, expected);                                                        \
        assert_string_equal(refusal_name((unit)->sim->last_refusal.reason), refusal_name(reason_)); \
    } while (0)

static int16_t map_at(struct unit *unit, uint64_t host_addr, unsigned flags)
{
    return guest_grant_map(unit->vcpu, unit->other->domain->id.v, REF, host_addr, flags, NULL);
}

/*
 * Shows grant_table_op.map-flags, grant_table_op.map-domain, grant_table_op.map-dying, grant_table_op.map-reference,
 * grant_table_op.map-not-granted, grant_table_op.map-frame, grant_table_op.map-table.
 */
static void test_refused(void **state)
{
    const unsigned host = GNTMAP_host_map;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access | GTF_readonly);
    assert_map_refused(&unit, map(&unit, 3, GNTMAP_readonly, NULL), GNTST_bad_gntref, REFUSE_GRANT_FLAGS);
    assert_map_refused(&unit, guest_grant_map(unit.vcpu, 9, REF, 0, host, NULL), GNTST_bad_domain,
                       REFUSE_NO_SUCH_DOMAIN);
    assert_map_refused(&unit, guest_grant_map(unit.vcpu, DOMID_SELF, REF, 0, host, NULL), GNTST_bad_domain,
                       REFUSE_NO_SUCH_DOMAIN);
    assert_map_refused(&unit, guest_grant_map(unit.vcpu, 1, 512, 0, host, NULL), GNTST_bad_gntref,
                       REFUSE_GRANT_REFERENCE);
    assert_map_refused(&unit, map(&unit, 3, host, NULL), GNTST_general_error, REFUSE_GRANT_ENTRY);
    unit.other->domain->dying = true;
    assert_map_refused(&unit, map(&unit, 3, host | GNTMAP_readonly, NULL), GNTST_bad_domain, REFUSE_DYING);
    unit.other->domain->dying = false;
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    guest_grant(unit.other, REF, unit.domain->id.v, unit_page(&unit), GTF_permit_access);
    assert_map_refused(&unit, map(&unit, 3, host, NULL), GNTST_bad_page, REFUSE_GRANT_FRAME);
    guest_grant(unit.other, REF, unit.domain->id.v, guest_root(unit.other), GTF_permit_access);
    assert_map_refused(&unit, map(&unit, 3, host, NULL), GNTST_general_error, REFUSE_TYPE_CONFLICT);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    assert_int_equal(window_entry(&unit, 3), 0);
    unit_destroy(&unit);
}

/* The grant takes the last reference, and the entry finds none.  Shows grant_table_op.map-references. */
static void test_references(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    unit_frame(&unit, page)->refs = FRAME_REFS_MAX - 1;
    assert_map_refused(&unit, map(&unit, 3, GNTMAP_host_map, NULL), GNTST_general_error, REFUSE_REFERENCES_EXHAUSTED);
    assert_counts(&unit, page, FRAME_REFS_MAX - 1, TYPE_WRITABLE, 1);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    assert_int_equal(window_entry(&unit, 3), 0);
    unit_frame(&unit, page)->refs = 2;
    unit_destroy(&unit);
}

/* A host address that leads to no entry of the caller's.  Shows grant_table_op.map-nowhere. */
static void test_no_entry(void **state)
{
    const unsigned named = GNTMAP_host_map | GNTMAP_contains_pte;
    mfn_t page, table;
    struct unit unit;
    uint64_t maddr;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    table = unit_window_table(&unit);
    maddr = pte(table, 8 * 3);
    const struct {
        uint64_t host_addr;
        unsigned flags;
    } rows[] = {{HYPERVISOR_VIRT_START, GNTMAP_host_map},
                {0x7000, GNTMAP_host_map}, /* no tables lead there */
                {UINT64_MAX, GNTMAP_host_map},
                {UINT64_C(0x100000000) + unit_window(&unit, 3).v, GNTMAP_host_map},
                {maddr + 4, named},
                {maddr + 1, named},
                {pte(unit_page(&unit), 0), named},
                {pte(unit_table(&unit, 2), 0), named},
                {pte(guest_root(unit.other), 0), named},
                {pte(MFN(UNIT_HOLE), 0), named},
                {UINT64_MAX - 7, named}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        assert_map_refused(&unit, map_at(&unit, rows[i].host_addr, rows[i].flags), GNTST_general_error,
                           REFUSE_NO_L1_ENTRY);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* A part of a page, which version 2 can grant, is copied, not mapped.  Shows grant_table_op.map-part. */
static void test_part_of_a_page(void **state)
{
    static const uint16_t parts[][2] = {{0, 4095}, {1, 4095}, {256, 64}, {0, 0}};
    struct grant_place place;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    assert_int_equal(guest_grant_set_version(guest_vcpu(unit.other, 0), &(uint32_t){2}), 0);
    page = grant_page(&unit, GTF_permit_access);
    assert_true(grant_place_find(unit.other->domain, REF, &place));
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++) {
        *place.v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, 0, parts[i][0], parts[i][1], page.v};
        assert_map_refused(&unit, map(&unit, 3, GNTMAP_host_map, NULL), GNTST_general_error, REFUSE_GRANT_PART);
        assert_int_equal(*place.status, 0);
    }
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    unit_destroy(&unit);
}

/* The handle goes back when the mapping fails, and there are so many.  Shows grant_table_op.map-full. */
static void test_handles(void **state)
{
    grant_handle_t handle;
    struct unit unit;

    create(&unit, state);
    unit.sim->pool_fail_after = 0;
    assert_map_refused(&unit, map(&unit, 3, GNTMAP_device_map, &handle), GNTST_no_space,
                       REFUSE_GRANT_HANDLES_EXHAUSTED);
    unit.sim->pool_fail_after = UINT64_MAX;
    for (unsigned i = 0; i < 10; i++)
        assert_map_refused(&unit, map(&unit, 3, GNTMAP_device_map, &handle), GNTST_general_error, REFUSE_GRANT_ENTRY);
    grant_page(&unit, GTF_permit_access);
    assert_int_equal(map(&unit, 3, GNTMAP_device_map, &handle), GNTST_okay);
    assert_int_equal(handle, 0);
    unit_destroy(&unit);
}

/*
 * A flush is for what has been undone, and may have been translated: not for what only devices use.  Shows
 * grant_table_op.unmap-handle.
 */
static void test_flushes(void **state)
{
    grant_handle_t handle, device;
    struct unit unit;
    uint64_t flushes, maddr;

    create(&unit, state);
    maddr = pte(grant_page(&unit, GTF_permit_access), 0);
    assert_int_equal(map(&unit, 3, GNTMAP_host_map, &handle), GNTST_okay);
    assert_int_equal(guest_grant_map(unit.vcpu, 1, REF, 0, GNTMAP_device_map, &device), GNTST_okay);
    flushes = unit.sim->cpus[unit.vcpu->cpu].full_flushes;
    assert_map_refused(&unit, unmap(&unit, 3, device + 1), GNTST_bad_handle, REFUSE_GRANT_HANDLE);
    assert_int_equal(guest_grant_unmap(unit.vcpu, device, 0, maddr), GNTST_okay);
    assert_int_equal(unit.sim->cpus[unit.vcpu->cpu].full_flushes, flushes);
    assert_int_equal(unmap(&unit, 3, handle), GNTST_okay);
    assert_int_equal(unit.sim->cpus[unit.vcpu->cpu].full_flushes, flushes + 1);
    /* With both parts: the device's may be undone while the flush for the other's is still to come. */
    assert_int_equal(map(&unit, 3, GNTMAP_host_map | GNTMAP_device_map, &handle), GNTST_okay);
    assert_int_equal(unmap(&unit, 3, handle), GNTST_okay);
    assert_int_equal(guest_grant_unmap(unit.vcpu, handle, 0, maddr), GNTST_okay);
    assert_int_equal(unit.sim->cpus[unit.vcpu->cpu].full_flushes, flushes + 3);
    unit_destroy(&unit);
}

/* ---- Entries. */

/* What the entry is, for each set of flags: never executable, and cached. */
static void test_entry_bits(void **state)
{
    const bool is_64 = unit_width(state) == WIDTH_64;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    for (unsigned i = 0; i < 32; i++) {
        bool readonly = i & 1, application = i & 2;
        unsigned avail = i >> 2;
        uint64_t expected = pte(page, PTE_P | PTE_A | PTE_D | PTE_NX | (uint64_t)avail << 9);
        grant_handle_t handle;

        expected |= (readonly ? 0 : PTE_RW) | (is_64 || application ? PTE_US : 0);
        if (is_64)
            expected |= application ? PTE_G : PTE_KERNEL;
        assert_int_equal(map(&unit, 3,
                             GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0) |
                                 (application ? GNTMAP_application_map : 0) | avail << 16 | 0xfff80000u,
                             &handle),
                         GNTST_okay);
        assert_int_equal(window_entry(&unit, 3), expected);
        assert_int_equal(unmap(&unit, 3, handle), GNTST_okay);
    }
    unit_destroy(&unit);
}

/* What stood there before is dropped, as by any update; low bits of a virtual address mean nothing. */
static void test_replaced(void **state)
{
    grant_handle_t handle;
    struct unit unit;
    mfn_t own, page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    own = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 3, pte(own, PTE_RW_PAGE)), 0);
    assert_counts(&unit, own, 3, TYPE_WRITABLE, 2);
    assert_int_equal(guest_grant_map(unit.vcpu, 1, REF, unit_window(&unit, 3).v + 77, GNTMAP_host_map, &handle),
                     GNTST_okay);
    assert_counts(&unit, own, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    unit_destroy(&unit);
}

/* By the entry's machine address.  Shows grant_table_op.map-entry, grant_table_op.unmap-elsewhere. */
static void test_named_entry(void **state)
{
    const unsigned flags = GNTMAP_host_map | GNTMAP_contains_pte;
    grant_handle_t handle;
    struct unit unit;
    uint64_t maddr;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    maddr = pte(unit_window_table(&unit), 8 * 5);
    assert_int_equal(guest_grant_map(unit.vcpu, 1, REF, maddr, flags, &handle), GNTST_okay);
    assert_int_equal(unit_entries(&unit, unit_window_table(&unit))[5] & PTE_FRAME, pte(page, 0));
    assert_map_refused(&unit, unmap(&unit, 5, handle), GNTST_general_error, REFUSE_NO_L1_ENTRY);
    assert_map_refused(&unit, guest_grant_unmap(unit.vcpu, handle, maddr + 8, 0), GNTST_general_error,
                       REFUSE_GRANT_NOT_THERE);
    assert_int_equal(guest_grant_unmap(unit.vcpu, handle, maddr, 0), GNTST_okay);
    assert_int_equal(unit_entries(&unit, unit_window_table(&unit))[5], 0);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* ---- Parts, and the wrong ones. */

/* Shows grant_table_op.unmap-device, grant_table_op.unmap-elsewhere. */
static void test_parts(void **state)
{
    const unsigned both = GNTMAP_host_map | GNTMAP_device_map;
    grant_handle_t handle;
    struct unit unit;
    uint64_t device;
    mfn_t page;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    device = page.v << PAGE_SHIFT;
    assert_int_equal(map(&unit, 3, both, &handle), GNTST_okay);
    assert_map_refused(&unit, guest_grant_unmap(unit.vcpu, handle, unit_window(&unit, 3).v, device + 1),
                       GNTST_bad_dev_addr, REFUSE_GRANT_NOT_THERE);
    /* One part is the wrong one: the other is not undone either. */
    assert_map_refused(&unit, guest_grant_unmap(unit.vcpu, handle, unit_window(&unit, 4).v, device),
                       GNTST_general_error, REFUSE_GRANT_NOT_THERE);
    assert_map_refused(&unit, guest_grant_unmap(unit.vcpu, handle, unit_window(&unit, 3).v, PAGE_SIZE),
                       GNTST_bad_dev_addr, REFUSE_GRANT_NOT_THERE);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    assert_int_equal(guest_grant_unmap(unit.vcpu, handle, 0, device), GNTST_okay);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    assert_int_equal(guest_grant_unmap(unit.vcpu, handle, 0, PAGE_SIZE), GNTST_okay); /* no such part any more */
    assert_int_equal(unmap(&unit, 3, handle), GNTST_okay);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(map(&unit, 3, both, &handle), GNTST_okay);
    assert_int_equal(unmap(&unit, 3, handle), GNTST_okay);
    assert_int_equal(guest_grant_use(unit.other, REF), GTF_reading | GTF_writing);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_int_equal(guest_grant_unmap(unit.vcpu, handle, 0, device), GNTST_okay);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    unit_destroy(&unit);
}

/* ---- unmap_and_replace. */

static int16_t replace(struct unit *unit, grant_handle_t handle, uint64_t host_addr, uint64_t new_addr)
{
    struct gnttab_unmap_and_replace element = {host_addr, new_addr, handle, INT16_MAX, 0};

    assert_int_equal(guest_grant_op(unit->vcpu, GNTTABOP_unmap_and_replace, &element, sizeof(element), 1), 0);
    return element.status;
}

/* Shows grant_table_op.replace. */
static void test_replace(void **state)
{
    grant_handle_t handle;
    struct unit unit;
    uint64_t at, moved;
    mfn_t page, own;

    create(&unit, state);
    page = grant_page(&unit, GTF_permit_access);
    own = unit_page(&unit);
    at = unit_window(&unit, 3).v;
    assert_int_equal(map(&unit, 3, GNTMAP_host_map, &handle), GNTST_okay);
    assert_int_equal(replace(&unit, handle, at, unit_window(&unit, 4).v), GNTST_okay); /* nothing there */
    assert_int_equal(window_entry(&unit, 3), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(map(&unit, 3, GNTMAP_host_map, &handle), GNTST_okay);
    assert_map_refused(&unit, replace(&unit, handle, at, at), GNTST_general_error, REFUSE_NO_L1_ENTRY);
    assert_map_refused(&unit, replace(&unit, handle, at, HYPERVISOR_VIRT_START), GNTST_general_error,
                       REFUSE_NO_L1_ENTRY);
    assert_int_equal(unit_map(&unit, 4, pte(own, PTE_RW_PAGE)), 0);
    moved = window_entry(&unit, 4);
    assert_map_refused(&unit, replace(&unit, handle, unit_window(&unit, 4).v, at), GNTST_general_error,
                       REFUSE_GRANT_NOT_THERE);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    assert_int_equal(replace(&unit, handle, at, unit_window(&unit, 4).v), GNTST_okay);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, own, 3, TYPE_WRITABLE, 2);
    assert_int_equal(window_entry(&unit, 3), moved);
    assert_int_equal(window_entry(&unit, 4), 0);
    assert_int_equal(map(&unit, 5, GNTMAP_host_map, &handle), GNTST_okay);
    assert_int_equal(replace(&unit, handle, unit_window(&unit, 5).v, 0), GNTST_okay); /* by nothing */
    assert_int_equal(window_entry(&unit, 5), 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_counts),     unit_test_both(test_unmap_dying), unit_test_both(test_refused),
        unit_test_both(test_references), unit_test_both(test_no_entry),    unit_test_both(test_part_of_a_page),
        unit_test_both(test_handles),    unit_test_both(test_flushes),     unit_test_both(test_entry_bits),
        unit_test_both(test_replaced),   unit_test_both(test_named_entry), unit_test_both(test_parts),
        unit_test_both(test_replace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
