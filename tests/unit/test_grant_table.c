/* SPDX-License-Identifier: MIT */
/* Tables of grants: made, made longer, converted to the other version and back, their entries exchanged. */
#include <string.h>

#include <abi/errno.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define V1_PER     512u
#define V2_PER     256u
#define STATUS_PER 2048u
#define CONSOLE    MFN(0x55)
#define STORE      MFN(0x66)

static void create_with(struct unit *unit, void **state, mfn_t console, mfn_t store)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .max_frames = UNIT_PAGES});
    unit->domain->max_frames = unit->domain->nr_frames;
    assert_int_equal(domain_grants_create(unit->domain, console, store), 0);
}

static void create(struct unit *unit, void **state)
{
    create_with(unit, state, CONSOLE, STORE);
}

static int grow(const struct unit *unit, unsigned nr_frames)
{
    struct op op = op_own(unit->domain, unit->vcpu);

    return grant_table_grow(&op, unit->domain, nr_frames);
}

static int set_version(const struct unit *unit, unsigned version)
{
    struct op op = op_own(unit->domain, unit->vcpu);

    return grant_table_set_version(&op, unit->domain, version);
}

static int16_t swap(const struct unit *unit, grant_ref_t a, grant_ref_t b)
{
    struct op op = op_own(unit->domain, unit->vcpu);

    return grant_table_swap(&op, a, b);
}

static const struct domain_grants *grants_of(const struct unit *unit)
{
    return &unit->domain->grants;
}

static struct grant_place place(const struct unit *unit, grant_ref_t ref)
{
    struct grant_place found;

    assert_true(grant_place_find(unit->domain, ref, &found));
    return found;
}

static void assert_v1(const struct unit *unit, grant_ref_t ref, unsigned flags, unsigned domid, uint32_t frame)
{
    const struct grant_entry_v1 *entry = place(unit, ref).v1;

    assert_int_equal(entry->flags, flags);
    assert_int_equal(entry->domid, domid);
    assert_int_equal(entry->frame, frame);
}

static void assert_v2(const struct unit *unit, grant_ref_t ref, unsigned flags, unsigned domid, uint64_t frame)
{
    const struct grant_entry_v2 *entry = place(unit, ref).v2;

    assert_int_equal(entry->flags, flags);
    assert_int_equal(entry->domid, domid);
    assert_int_equal(entry->frame, frame);
    assert_int_equal(entry->page_off | entry->length, 0);
}

/* The frame is zero from byte @from on. */
static void assert_zero(const struct unit *unit, mfn_t mfn, unsigned from)
{
    static const uint8_t zeroes[PAGE_SIZE];

    assert_memory_equal((const uint8_t *)unit_entries(unit, mfn) + from, zeroes, PAGE_SIZE - from);
}

/*
 * The rings are granted to domain 0, which would be at their other end: abi/grant.h.  Shows grant_table.reserved,
 * grant_table.table.
 */
static void test_create(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(grants_of(&unit)->version, 1);
    assert_int_equal(grants_of(&unit)->nr_frames, 1);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 0);
    assert_v1(&unit, 0, GTF_permit_access, 0, 0x55);
    assert_v1(&unit, 1, GTF_permit_access, 0, 0x66);
    assert_zero(&unit, grants_of(&unit)->frames[0], 16);
    unit_destroy(&unit);
    create_with(&unit, state, MFN_NONE, STORE);
    assert_v1(&unit, 0, 0, 0, 0);
    assert_v1(&unit, 1, GTF_permit_access, 0, 0x66);
    unit_destroy(&unit);
    create_with(&unit, state, MFN(UINT32_MAX), MFN(UINT64_C(1) << 32)); /* a number that fits, and one that does not */
    assert_v1(&unit, 0, GTF_permit_access, 0, UINT32_MAX);
    assert_v1(&unit, 1, 0, 0, 0);
    unit_destroy(&unit);
}

/*
 * No memory for the records, or for the table itself; a domain without a table has none that could grow.  Shows
 * grant_table_op.version-without-table.
 */
static void test_create_without_memory(void **state)
{
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    assert_refused(&unit, grow(&unit, 1), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, set_version(&unit, 2), XEN_EINVAL, REFUSE_GRANT_VERSION);
    assert_int_equal(swap(&unit, 0, 0), GNTST_bad_gntref);
    for (unsigned takes = 0; takes <= GRANT_USES_FRAMES; takes++) {
        unit.sim->pool_fail_after = takes;
        assert_refused(&unit, domain_grants_create(unit.domain, CONSOLE, STORE), XEN_ENOMEM, REFUSE_NO_MEMORY);
        assert_int_equal(grants_of(&unit)->nr_frames, 0);
        unit.sim->pool_fail_after = UINT64_MAX;
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(domain_grants_create(unit.domain, CONSOLE, STORE), 0);
    unit_destroy(&unit);
}

/* It takes no two frames that are neighbours: a guest can exchange its memory for all that there are. */
static void test_create_scattered(void **state)
{
    static mfn_t taken[UNIT_FRAMES];
    unsigned count = 0;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    while (machine_take(unit.machine, 0, &taken[count]))
        count++;
    for (unsigned i = 0; i < count; i++) {
        if (taken[i].v % 2)
            machine_give(unit.machine, taken[i], 0);
    }
    assert_int_equal(domain_grants_create(unit.domain, CONSOLE, STORE), 0);
    assert_int_equal(grow(&unit, GRANT_FRAMES_MAX), 0);
    for (unsigned i = 0; i < count; i++) {
        if (taken[i].v % 2 == 0)
            machine_give(unit.machine, taken[i], 0);
    }
    unit_destroy(&unit);
}

/* What a place consists of: entry, status, record, none of them another's, and none beyond the table. */
static void check_places(const struct unit *unit, unsigned per_frame)
{
    struct grant_place found;

    for (grant_ref_t ref = 0; ref < 2 * per_frame; ref++) {
        found = place(unit, ref);
        assert_int_equal(found.use->readers + found.use->writers, 0);
        found.use->frame = MFN(ref);
        if (found.v2)
            *found.status = (uint16_t)ref;
        (found.v1 ? &found.v1->domid : &found.v2->domid)[0] = (uint16_t)ref;
    }
    for (grant_ref_t ref = 0; ref < 2 * per_frame; ref++) {
        found = place(unit, ref);
        assert_int_equal(found.use->frame.v, ref);
        assert_true(!found.v1 == (grants_of(unit)->version == 2) && !found.v2 == (grants_of(unit)->version == 1));
        assert_true(!found.status == !found.v2);
        assert_int_equal(found.v1 ? found.v1->domid : found.v2->domid, ref);
        assert_true(!found.status || *found.status == ref);
    }
    assert_false(grant_place_find(unit->domain, 2 * per_frame, &found));
    assert_false(grant_place_find(unit->domain, UINT32_MAX, &found));
}

static void test_places(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(grow(&unit, 2), 0);
    check_places(&unit, V1_PER);
    assert_int_equal(set_version(&unit, 2), 0);
    check_places(&unit, V2_PER);
    unit_destroy(&unit);
}

/* Frames are added, and those that there are stay; the reservation, which is full, has nothing to do with them. */
static void test_grow(void **state)
{
    uint64_t owned;
    struct unit unit;
    mfn_t first;

    create(&unit, state);
    owned = unit.domain->nr_frames;
    first = grants_of(&unit)->frames[0];
    assert_int_equal(grow(&unit, 1), 0);
    assert_int_equal(grow(&unit, 0), 0);
    assert_int_equal(grants_of(&unit)->nr_frames, 1);
    assert_int_equal(grow(&unit, 5), 0);
    assert_int_equal(grants_of(&unit)->nr_frames, 5);
    unit.sim->pool_fail_after = 7; /* two frames more with two of records each, and one of records */
    assert_refused(&unit, grow(&unit, 9), XEN_ENOMEM, REFUSE_NO_MEMORY);
    assert_int_equal(grants_of(&unit)->nr_frames, 7); /* a part longer */
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_refused(&unit, grow(&unit, GRANT_FRAMES_MAX + 1), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_int_equal(grants_of(&unit)->nr_frames, 7);
    assert_int_equal(grow(&unit, GRANT_FRAMES_MAX), 0);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 0);
    assert_true(mfn_equal(grants_of(&unit)->frames[0], first));
    assert_v1(&unit, 0, GTF_permit_access, 0, 0x55);
    for (unsigned i = 1; i < GRANT_FRAMES_MAX; i++)
        assert_zero(&unit, grants_of(&unit)->frames[i], 0);
    assert_int_equal(unit.machine->m2p[grants_of(&unit)->frames[9].v], MACH2PHYS_SHARED);
    assert_int_equal(unit.domain->nr_frames, owned);
    assert_int_equal(unit.domain->max_frames, owned);
    unit.domain->dying = true;
    assert_int_equal(grow(&unit, 1), 0); /* nothing to do */
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* Shows grant_table_op.swap-dying, grant_table_op.version-dying, grant_table_op.setup-frames. */
static void test_dying(void **state)
{
    struct unit unit;

    create(&unit, state);
    unit.domain->dying = true;
    assert_refused(&unit, grow(&unit, 2), XEN_ESRCH, REFUSE_DYING);
    assert_refused(&unit, set_version(&unit, 2), XEN_ESRCH, REFUSE_DYING);
    assert_int_equal(swap(&unit, 0, 1), GNTST_general_error);
    assert_int_equal(grants_of(&unit)->nr_frames, 1);
    assert_int_equal(grants_of(&unit)->version, 1);
    assert_v1(&unit, 0, GTF_permit_access, 0, 0x55);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* Of version 2 there is a status, of two bytes, for each entry. */
static void test_grow_version_2(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(set_version(&unit, 2), 0);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 1);
    for (unsigned nr_frames = 1; nr_frames <= GRANT_FRAMES_MAX; nr_frames++) {
        assert_int_equal(grow(&unit, nr_frames), 0);
        assert_int_equal(grants_of(&unit)->nr_frames, nr_frames);
        assert_true(grants_of(&unit)->nr_status_frames * STATUS_PER >= nr_frames * V2_PER);
        assert_true((grants_of(&unit)->nr_status_frames - 1) * STATUS_PER < nr_frames * V2_PER);
    }
    assert_int_equal(grants_of(&unit)->nr_status_frames, GRANT_STATUS_MAX);
    unit_destroy(&unit);
    create(&unit, state);
    assert_int_equal(set_version(&unit, 2), 0);
    for (unsigned takes = 0; takes < 10; takes++) {
        unit.sim->pool_fail_after = takes;
        assert_refused(&unit, grow(&unit, GRANT_FRAMES_MAX), XEN_ENOMEM, REFUSE_NO_MEMORY);
        assert_true(grants_of(&unit)->nr_status_frames * STATUS_PER >= grants_of(&unit)->nr_frames * V2_PER);
    }
    unit.sim->pool_fail_after = UINT64_MAX;
    unit_destroy(&unit);
}

static void test_version_2(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(grow(&unit, 3), 0);
    *place(&unit, 7).v1 = (struct grant_entry_v1){GTF_permit_access | GTF_readonly, 9, UINT32_MAX};
    *place(&unit, 6).v1 = (struct grant_entry_v1){GTF_permit_access | GTF_reading | GTF_writing, 9, 6};
    *place(&unit, 8).v1 = *place(&unit, 0).v1; /* none of the reserved entries */
    *place(&unit, 2 * V1_PER + 3).v1 = *place(&unit, 0).v1;
    assert_int_equal(set_version(&unit, 2), 0);
    assert_int_equal(grants_of(&unit)->version, 2);
    assert_int_equal(grants_of(&unit)->nr_frames, 3);
    assert_v2(&unit, 0, GTF_permit_access, 0, 0x55);
    assert_v2(&unit, 1, GTF_permit_access, 0, 0x66);
    for (unsigned ref = 2; ref < 6; ref++)
        assert_v2(&unit, ref, 0, 0, 0);
    assert_v2(&unit, 6, GTF_permit_access, 9, 6); /* what says "in use" was the guest's own idea */
    assert_v2(&unit, 7, GTF_permit_access | GTF_readonly, 9, UINT32_MAX);
    assert_zero(&unit, grants_of(&unit)->frames[0], 8 * 16);
    assert_zero(&unit, grants_of(&unit)->frames[1], 0);
    assert_zero(&unit, grants_of(&unit)->frames[2], 0);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 1);
    assert_zero(&unit, grants_of(&unit)->status_frames[0], 0);
    unit_destroy(&unit);
}

/* Back: what version 1 cannot say becomes invalid. */
static void test_version_1(void **state)
{
    const uint64_t wide = UINT64_C(1) << 32;
    struct unit unit;

    create(&unit, state);
    assert_int_equal(set_version(&unit, 2), 0);
    *place(&unit, 2).v2 = (struct grant_entry_v2){GTF_permit_access | GTF_readonly | GTF_reading, 3, 0, 0, UINT32_MAX};
    *place(&unit, 3).v2 = (struct grant_entry_v2){GTF_permit_access, 3, 0, 0, wide};
    *place(&unit, 4).v2 = (struct grant_entry_v2){GTF_accept_transfer, 3, 0, 0, 7};
    *place(&unit, 5).v2 = (struct grant_entry_v2){GTF_type_mask, 3, 0, 0, 7}; /* by way of another domain */
    *place(&unit, 6).v2 = (struct grant_entry_v2){GTF_invalid, 3, 0, 0, 7};
    *place(&unit, 7).v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, 3, 0, 16, 7};
    *place(&unit, 8).v2 = *place(&unit, 0).v2;
    memset(unit_entries(&unit, grants_of(&unit)->status_frames[0]), 0xff, PAGE_SIZE);
    assert_int_equal(set_version(&unit, 1), 0);
    assert_int_equal(grants_of(&unit)->version, 1);
    assert_v1(&unit, 0, GTF_permit_access, 0, 0x55);
    assert_v1(&unit, 1, GTF_permit_access, 0, 0x66);
    assert_v1(&unit, 2, GTF_permit_access | GTF_readonly, 3, UINT32_MAX);
    for (unsigned ref = 3; ref < 8; ref++)
        assert_v1(&unit, ref, 0, 0, 0);
    assert_zero(&unit, grants_of(&unit)->frames[0], 8 * 8);
    assert_zero(&unit, grants_of(&unit)->status_frames[0], 0);
    unit_destroy(&unit);
}

/*
 * Nothing has changed: no memory, a status frame that is mapped, an entry that is in use, the version that there is.
 * Shows grant_table_op.version-no-memory.
 */
static void test_no_change(void **state)
{
    uint8_t before[PAGE_SIZE];
    struct unit unit;
    mfn_t table;

    create(&unit, state);
    table = grants_of(&unit)->frames[0];
    *place(&unit, 20).v1 = *place(&unit, 0).v1;
    memcpy(before, unit_entries(&unit, table), sizeof(before));
    unit.sim->pool_fail_after = 0;
    assert_refused(&unit, set_version(&unit, 2), XEN_ENOMEM, REFUSE_NO_MEMORY);
    assert_int_equal(grants_of(&unit)->version, 1);
    assert_int_equal(set_version(&unit, 1), 0);
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_memory_equal(unit_entries(&unit, table), before, sizeof(before));
    assert_int_equal(grow(&unit, 9), 0);
    assert_int_equal(set_version(&unit, 2), 0);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 2);
    *place(&unit, 20).v2 = *place(&unit, 0).v2;
    memcpy(before, unit_entries(&unit, table), sizeof(before));
    assert_int_equal(unit_map(&unit, 3, pte(grants_of(&unit)->status_frames[1], PTE_RO_PAGE)), 0);
    assert_refused(&unit, set_version(&unit, 1), XEN_EBUSY, REFUSE_GRANT_IN_USE);
    assert_int_equal(grants_of(&unit)->version, 2);
    assert_int_equal(set_version(&unit, 2), 0);
    assert_memory_equal(unit_entries(&unit, table), before, sizeof(before));
    assert_int_equal(unit_map(&unit, 3, 0), 0);
    assert_int_equal(set_version(&unit, 1), 0);
    unit_destroy(&unit);
}

/* Status frames are kept for the next time. */
static void test_to_and_fro(void **state)
{
    struct unit unit;
    mfn_t status;

    create(&unit, state);
    assert_int_equal(set_version(&unit, 2), 0);
    status = grants_of(&unit)->status_frames[0];
    unit.sim->pool_fail_after = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(set_version(&unit, 1), 0);
        assert_int_equal(set_version(&unit, 2), 0);
    }
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_true(mfn_equal(grants_of(&unit)->status_frames[0], status));
    assert_v2(&unit, 0, GTF_permit_access, 0, 0x55);
    assert_v2(&unit, 1, GTF_permit_access, 0, 0x66);
    unit_destroy(&unit);
}

/* Entries @ref of each version, used: neither exchanged nor converted. */
static void check_in_use(struct unit *unit)
{
    unsigned version = grants_of(unit)->version, self = unit->domain->id.v;
    mfn_t page = unit_page(unit);
    grant_handle_t handle;

    guest_grant(unit->guest, 20, self, page, GTF_permit_access);
    assert_int_equal(guest_grant_map(unit->vcpu, self, 20, 0, GNTMAP_device_map, &handle), GNTST_okay);
    assert_int_equal(swap(unit, 20, 21), GNTST_eagain);
    assert_int_equal(swap(unit, 21, 20), GNTST_eagain);
    assert_refused(unit, set_version(unit, 3 - version), XEN_EBUSY, REFUSE_GRANT_IN_USE);
    assert_int_equal(grants_of(unit)->version, version);
    assert_int_equal(guest_grant_use(unit->guest, 20), GTF_reading | GTF_writing);
    assert_int_equal(guest_grant_unmap(unit->vcpu, handle, 0, page.v << PAGE_SHIFT), GNTST_okay);
    assert_int_equal(swap(unit, 20, 21), GNTST_okay);
    assert_int_equal(guest_grant_flags(unit->guest, 20), 0);
    assert_int_equal(guest_grant_flags(unit->guest, 21), GTF_permit_access);
    guest_grant_end(unit->guest, 21);
}

static void check_swap(const struct unit *unit, unsigned per_frame)
{
    const grant_ref_t last = 2 * per_frame - 1;

    guest_grant(unit->guest, 20, 9, MFN(0x77), GTF_permit_access | GTF_readonly);
    assert_int_equal(swap(unit, 20, last + 1), GNTST_bad_gntref);
    assert_int_equal(swap(unit, UINT32_MAX, 20), GNTST_bad_gntref);
    assert_int_equal(swap(unit, 20, 20), GNTST_okay);
    assert_int_equal(guest_grant_flags(unit->guest, 20), GTF_permit_access | GTF_readonly);
    guest_grant(unit->guest, last, 8, MFN(0x88), GTF_permit_access);
    assert_int_equal(swap(unit, 20, last), GNTST_okay);
    if (grants_of(unit)->version == 1) {
        assert_v1(unit, 20, GTF_permit_access, 8, 0x88);
        assert_v1(unit, last, GTF_permit_access | GTF_readonly, 9, 0x77);
    } else {
        assert_v2(unit, 20, GTF_permit_access, 8, 0x88);
        assert_v2(unit, last, GTF_permit_access | GTF_readonly, 9, 0x77);
    }
}

/* Shows grant_table_op.swap, grant_table_op.swap-in-use. */
static void test_swap(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(grow(&unit, 2), 0);
    check_swap(&unit, V1_PER);
    check_in_use(&unit);
    assert_int_equal(set_version(&unit, 2), 0);
    check_swap(&unit, V2_PER);
    check_in_use(&unit);
    unit_destroy(&unit);
}

/* All of it is given back: guest_shutdown() counts.  A table that has gone has no entries. */
static void test_destroy(void **state)
{
    struct grant_place found;
    struct unit unit;

    create(&unit, state);
    assert_int_equal(grow(&unit, GRANT_FRAMES_MAX), 0);
    assert_int_equal(set_version(&unit, 2), 0);
    assert_int_equal(guest_destroy(unit.guest), 0);
    assert_int_equal(grants_of(&unit)->version, 0);
    assert_false(grant_place_find(unit.domain, 0, &found));
    guest_shutdown(unit.sim);
    sim_destroy(unit.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_create),
        unit_test_both(test_create_without_memory),
        unit_test_both(test_create_scattered),
        unit_test_both(test_places),
        unit_test_both(test_grow),
        unit_test_both(test_dying),
        unit_test_both(test_grow_version_2),
        unit_test_both(test_version_2),
        unit_test_both(test_version_1),
        unit_test_both(test_no_change),
        unit_test_both(test_to_and_fro),
        unit_test_both(test_swap),
        unit_test_both(test_destroy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
