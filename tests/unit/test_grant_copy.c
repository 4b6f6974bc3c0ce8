/* SPDX-License-Identifier: MIT */
/*
 * Copies between pages that are the caller's own, granted by another domain, or granted by the caller to itself; in
 * either version of the table.
 */
#include <string.h>

#include <abi/errno.h>
#include <engine/grant_copy.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define NOBODY 9u
#define FROM   GNTCOPY_source_gref
#define TO     GNTCOPY_dest_gref

/* The unit's guest copies.  Both guests have pages A and B; those of the other one are granted by entries 20 on. */
struct scene {
    struct unit unit;
    unsigned caller, granter;
    mfn_t a, b, granted_a, granted_b;
};

static void set_version(const struct guest *guest, unsigned version)
{
    struct op op = op_own(guest->domain, NULL);

    assert_int_equal(grant_table_set_version(&op, guest->domain, version), 0);
}

static mfn_t filled_page(struct guest *guest, unsigned seed)
{
    mfn_t mfn = guest_mfn(guest, guest_page_alloc(guest));
    uint8_t *bytes = (uint8_t *)sim_frame_entries(guest->sim, mfn);

    for (unsigned i = 0; i < PAGE_SIZE; i++)
        bytes[i] = (uint8_t)(i * 7 + seed);
    return mfn;
}

static void create(struct scene *scene, enum width width, unsigned version)
{
    struct unit *unit = &scene->unit;

    unit_create(unit, &(struct unit_config){.width = width, .nr_guests = 2});
    guest_grants_begin(unit->guest, 1);
    guest_grants_begin(unit->other, 2);
    set_version(unit->guest, version);
    set_version(unit->other, version);
    scene->caller = unit->domain->id.v;
    scene->granter = unit->other->domain->id.v;
    scene->a = filled_page(unit->guest, 1);
    scene->b = filled_page(unit->guest, 2);
    scene->granted_a = filled_page(unit->other, 3);
    scene->granted_b = filled_page(unit->other, 4);
    guest_grant(unit->other, 20, scene->caller, scene->granted_a, GTF_permit_access);
    guest_grant(unit->other, 21, scene->caller, scene->granted_a, GTF_permit_access | GTF_readonly);
    guest_grant(unit->other, 22, scene->caller, scene->granted_b, GTF_permit_access);
}

static void both(void **state, void (*check)(struct scene *scene))
{
    for (unsigned version = 1; version <= 2; version++) {
        struct scene scene;

        create(&scene, unit_width(state), version);
        check(&scene);
        unit_destroy(&scene.unit);
    }
}

static struct gnttab_copy_ptr by_ref(grant_ref_t ref, unsigned domid, unsigned offset)
{
    return (struct gnttab_copy_ptr){.u.ref = ref, .domid = (uint16_t)domid, .offset = (uint16_t)offset};
}

static struct gnttab_copy_ptr by_frame(mfn_t mfn, unsigned domid, unsigned offset)
{
    return (struct gnttab_copy_ptr){.u.gmfn = mfn.v, .domid = (uint16_t)domid, .offset = (uint16_t)offset};
}

static struct gnttab_copy_ptr own(mfn_t mfn, unsigned offset)
{
    return by_frame(mfn, DOMID_SELF, offset);
}

/* Whatever becomes of it, nothing is in use afterwards. */
static int16_t copy(struct scene *scene, struct gnttab_copy_ptr source, struct gnttab_copy_ptr dest, unsigned len,
                    unsigned flags)
{
    const struct gnttab_copy wanted = {source, dest, (uint16_t)len, (uint16_t)flags, 0, 0};
    struct op op = op_own(scene->unit.domain, scene->unit.vcpu);
    int16_t status = grant_copy(&op, &wanted);

    assert_int_equal(scene->unit.domain->grants.nr_in_use + scene->unit.other->domain->grants.nr_in_use, 0);
    for (grant_ref_t ref = 20; ref < 32; ref++)
        assert_int_equal(guest_grant_use(scene->unit.other, ref), 0);
    return status;
}

#define assert_copy_refused(scene, status_, expected, reason_)                                            \
    do {                                                                                                  \
        assert_int_equal(status_, expected);                                                              \
        assert_string_equal(refusal_name((scene)->unit.sim->last_refusal.reason), refusal_name(reason_)); \
    } while (0)

static uint8_t *bytes(const struct scene *scene, mfn_t mfn)
{
    return (uint8_t *)unit_entries(&scene->unit, mfn);
}

/* So many bytes are moved, and none before or behind them. */
static void works(struct scene *scene)
{
    uint8_t before[PAGE_SIZE];

    memcpy(before, bytes(scene, scene->b), sizeof(before));
    assert_int_equal(copy(scene, by_ref(20, scene->granter, 100), own(scene->b, 50), 16, FROM), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->b) + 50, bytes(scene, scene->granted_a) + 100, 16);
    assert_memory_equal(bytes(scene, scene->b), before, 50);
    assert_memory_equal(bytes(scene, scene->b) + 66, before + 66, PAGE_SIZE - 66);
    assert_int_equal(copy(scene, own(scene->a, 0), by_ref(22, scene->granter, 4088), 8, TO), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->granted_b) + 4088, bytes(scene, scene->a), 8);
    assert_int_equal(copy(scene, by_ref(21, scene->granter, 0), by_ref(22, scene->granter, 0), PAGE_SIZE, FROM | TO),
                     GNTST_okay);
    assert_memory_equal(bytes(scene, scene->granted_b), bytes(scene, scene->granted_a), PAGE_SIZE);
    assert_int_equal(copy(scene, own(scene->a, 0), own(scene->b, 0), PAGE_SIZE, 0), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->a), bytes(scene, scene->b), PAGE_SIZE);
    assert_int_equal(copy(scene, by_ref(20, scene->granter, PAGE_SIZE), own(scene->b, PAGE_SIZE), 0, FROM), GNTST_okay);
    guest_assert_clean(scene->unit.sim);
}

/* Shows grant_table_op.copy, grant_table_op.copy-pages. */
static void test_works(void **state)
{
    both(state, works);
}

/* What the caller has granted to itself, by either of its names. */
static void to_itself(struct scene *scene)
{
    guest_grant(scene->unit.guest, 20, scene->caller, scene->a, GTF_permit_access);
    assert_int_equal(copy(scene, by_ref(20, DOMID_SELF, 0), own(scene->b, 0), 8, FROM), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->b), bytes(scene, scene->a), 8);
    assert_int_equal(copy(scene, own(scene->b, 0), by_ref(20, scene->caller, 8), 8, TO), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->a) + 8, bytes(scene, scene->a), 8);
    assert_int_equal(copy(scene, by_ref(20, DOMID_SELF, 0), by_ref(20, scene->caller, 2048), 2048, FROM | TO),
                     GNTST_okay);
    assert_memory_equal(bytes(scene, scene->a) + 2048, bytes(scene, scene->a), 2048);
}

/* Shows grant_table_op.copy-pages. */
static void test_to_itself(void **state)
{
    both(state, to_itself);
}

/* Within a page, where the two parts overlap, as if through a third. */
static void overlaps(struct scene *scene)
{
    uint8_t before[PAGE_SIZE];

    memcpy(before, bytes(scene, scene->a), sizeof(before));
    assert_int_equal(copy(scene, own(scene->a, 0), own(scene->a, 1), 64, 0), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->a) + 1, before, 64);
    memcpy(before, bytes(scene, scene->a), sizeof(before));
    assert_int_equal(copy(scene, own(scene->a, 1), own(scene->a, 0), 64, 0), GNTST_okay);
    assert_memory_equal(bytes(scene, scene->a), before + 1, 64);
}

static void test_overlaps(void **state)
{
    both(state, overlaps);
}

/* Shows grant_table_op.copy-no-domain. */
static void domains(struct scene *scene)
{
    const struct gnttab_copy_ptr a = own(scene->a, 0), b = own(scene->b, 0);

    assert_copy_refused(scene, copy(scene, by_ref(20, NOBODY, 0), b, 8, FROM), GNTST_bad_domain, REFUSE_NO_SUCH_DOMAIN);
    assert_copy_refused(scene, copy(scene, a, by_ref(20, DOMID_IO, 0), 8, TO), GNTST_bad_domain, REFUSE_NO_SUCH_DOMAIN);
    assert_copy_refused(scene, copy(scene, by_frame(scene->a, scene->caller, 0), b, 8, 0), GNTST_permission_denied,
                        REFUSE_NOT_PRIVILEGED);
    assert_copy_refused(scene, copy(scene, by_frame(scene->granted_a, scene->granter, 0), b, 8, 0),
                        GNTST_permission_denied, REFUSE_NOT_PRIVILEGED);
    assert_copy_refused(scene, copy(scene, a, by_frame(scene->b, scene->caller, 0), 8, 0), GNTST_permission_denied,
                        REFUSE_NOT_PRIVILEGED);
    scene->unit.other->domain->dying = true;
    assert_copy_refused(scene, copy(scene, by_ref(20, scene->granter, 0), b, 8, FROM), GNTST_bad_domain, REFUSE_DYING);
    assert_copy_refused(scene, copy(scene, a, by_ref(20, scene->granter, 0), 8, TO), GNTST_bad_domain, REFUSE_DYING);
    scene->unit.other->domain->dying = false;
    assert_counts(&scene->unit, scene->a, 2, TYPE_WRITABLE, 1);
}

/* Shows grant_table_op.copy-domain. */
static void test_domains(void **state)
{
    both(state, domains);
}

/* Shows grant_table_op.copy-reference. */
static void grants(struct scene *scene)
{
    const struct gnttab_copy_ptr a = own(scene->a, 0), b = own(scene->b, 0);
    const grant_ref_t count = scene->unit.other->domain->grants.version == 1 ? 2 * 512 : 2 * 256;

    guest_grant(scene->unit.other, 23, scene->caller, scene->granted_a, GTF_accept_transfer);
    guest_grant(scene->unit.other, 24, scene->granter, scene->granted_a, GTF_permit_access);
    guest_grant(scene->unit.other, 25, scene->caller, scene->granted_a, GTF_type_mask); /* transitive */
    guest_grant(scene->unit.other, 26, scene->caller, scene->a, GTF_permit_access);
    guest_grant(scene->unit.other, 27, scene->caller, MFN(UNIT_HOLE), GTF_permit_access);
    for (grant_ref_t ref = 23; ref < 26; ref++)
        assert_copy_refused(scene, copy(scene, by_ref(ref, scene->granter, 0), b, 8, FROM), GNTST_general_error,
                            REFUSE_GRANT_ENTRY);
    assert_copy_refused(scene, copy(scene, a, by_ref(21, scene->granter, 0), 8, TO), GNTST_general_error,
                        REFUSE_GRANT_ENTRY);
    for (grant_ref_t ref = 26; ref < 28; ref++)
        assert_copy_refused(scene, copy(scene, by_ref(ref, scene->granter, 0), b, 8, FROM), GNTST_bad_page,
                            REFUSE_GRANT_FRAME);
    assert_copy_refused(scene, copy(scene, by_ref(count, scene->granter, 0), b, 8, FROM), GNTST_bad_gntref,
                        REFUSE_GRANT_REFERENCE);
    assert_copy_refused(scene, copy(scene, a, by_ref(UINT32_MAX, scene->granter, 0), 8, TO), GNTST_bad_gntref,
                        REFUSE_GRANT_REFERENCE);
    assert_copy_refused(scene, copy(scene, by_ref(count - 1, scene->granter, 0), b, 8, FROM), GNTST_general_error,
                        REFUSE_GRANT_ENTRY);
}

/* Shows grant_table_op.copy-not-granted. */
static void test_grants(void **state)
{
    both(state, grants);
}

/* A table can be read, not written; what is not the caller's is neither. */
static void frames(struct scene *scene)
{
    const struct gnttab_copy_ptr a = own(scene->a, 0), b = own(scene->b, 0);
    const mfn_t foreign[] = {scene->granted_a, MFN(UNIT_HOLE), MFN(UINT32_MAX), MFN_NONE,
                             scene->unit.sim->hypervisor_first};
    mfn_t table = unit_table(&scene->unit, 1), granted_table = guest_root(scene->unit.other);

    guest_grant(scene->unit.other, 28, scene->caller, granted_table, GTF_permit_access);
    assert_int_equal(copy(scene, own(table, 0), b, 8, 0), GNTST_okay);
    assert_int_equal(copy(scene, by_ref(28, scene->granter, 0), b, 8, FROM), GNTST_okay);
    assert_copy_refused(scene, copy(scene, a, own(table, 0), 8, 0), GNTST_general_error, REFUSE_TYPE_CONFLICT);
    assert_copy_refused(scene, copy(scene, a, by_ref(28, scene->granter, 0), 8, TO), GNTST_general_error,
                        REFUSE_TYPE_CONFLICT);
    assert_int_equal(unit_entries(&scene->unit, table)[0], 0);
    for (unsigned i = 0; i < ARRAY_SIZE(foreign); i++) {
        assert_copy_refused(scene, copy(scene, own(foreign[i], 0), b, 8, 0), GNTST_bad_page, REFUSE_GRANT_FRAME);
        assert_copy_refused(scene, copy(scene, a, own(foreign[i], 0), 8, 0), GNTST_bad_page, REFUSE_GRANT_FRAME);
    }
    assert_counts(&scene->unit, scene->a, 2, TYPE_WRITABLE, 1);
    guest_assert_clean(scene->unit.sim);
}

/* Shows grant_table_op.copy-frame, grant_table_op.copy-table. */
static void test_frames(void **state)
{
    both(state, frames);
}

static void ends_of_pages(struct scene *scene)
{
    const struct gnttab_copy_ptr a = own(scene->a, 0), b = own(scene->b, 0);

    assert_copy_refused(scene, copy(scene, by_ref(20, scene->granter, 4090), b, 7, FROM), GNTST_bad_copy_arg,
                        REFUSE_GRANT_COPY);
    assert_copy_refused(scene, copy(scene, a, own(scene->b, 4090), 7, 0), GNTST_bad_copy_arg, REFUSE_GRANT_COPY);
    assert_copy_refused(scene, copy(scene, a, own(scene->b, UINT16_MAX), 0, 0), GNTST_bad_copy_arg, REFUSE_GRANT_COPY);
    assert_copy_refused(scene, copy(scene, own(scene->a, UINT16_MAX), b, UINT16_MAX, 0), GNTST_bad_copy_arg,
                        REFUSE_GRANT_COPY);
    assert_copy_refused(scene, copy(scene, a, b, PAGE_SIZE + 1, 0), GNTST_bad_copy_arg, REFUSE_GRANT_COPY);
    assert_int_equal(copy(scene, own(scene->a, 4090), b, 6, 0), GNTST_okay);
}

/* Shows grant_table_op.copy-end. */
static void test_ends_of_pages(void **state)
{
    both(state, ends_of_pages);
}

/* Version 2 can grant a part of a page.  Shows grant_table_op.copy-part. */
static void test_parts(void **state)
{
    struct grant_place part, odd;
    struct scene scene;
    struct gnttab_copy_ptr b;
    unsigned granter;

    create(&scene, unit_width(state), 2);
    b = own(scene.b, 0);
    granter = scene.granter;
    assert_true(grant_place_find(scene.unit.other->domain, 30, &part) &&
                grant_place_find(scene.unit.other->domain, 31, &odd));
    *part.v2 =
        (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, (uint16_t)scene.caller, 256, 64, scene.granted_a.v};
    *odd.v2 = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, (uint16_t)scene.caller, 4090, UINT16_MAX,
                                      scene.granted_a.v};
    assert_int_equal(copy(&scene, by_ref(30, granter, 256), b, 64, FROM), GNTST_okay);
    assert_int_equal(copy(&scene, b, by_ref(30, granter, 319), 1, TO), GNTST_okay);
    assert_int_equal(copy(&scene, by_ref(30, granter, 255), b, 1, FROM), GNTST_general_error);
    assert_int_equal(copy(&scene, by_ref(30, granter, 256), b, 65, FROM), GNTST_general_error);
    assert_int_equal(copy(&scene, b, by_ref(30, granter, 320), 1, TO), GNTST_general_error);
    assert_int_equal(copy(&scene, by_ref(31, granter, 4090), b, 6, FROM), GNTST_okay);
    assert_int_equal(copy(&scene, by_ref(31, granter, 4090), b, 7, FROM), GNTST_bad_copy_arg);
    unit_destroy(&scene.unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_works),   unit_test_both(test_to_itself),     unit_test_both(test_overlaps),
        unit_test_both(test_domains), unit_test_both(test_grants),        unit_test_both(test_frames),
        unit_test_both(test_parts),   unit_test_both(test_ends_of_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
