/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op as guests of both widths call it: results of the call and of each element, the layout of what it takes
 * and gives, and where it lets others run.
 */
#include <string.h>

#include <abi/errno.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define REF    20u
#define NOBODY 9u
#define CALL   __HYPERVISOR_grant_table_op

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
    guest_grants_begin(unit->guest, 1);
    guest_grants_begin(unit->other, 1);
}

static int64_t call(const struct unit *unit, unsigned command, uint64_t elements, uint64_t count)
{
    return guest_hypercall(unit->vcpu, CALL, command, elements, count, 0, 0, 0);
}

/* An address that the guest has nothing at. */
static uint64_t nowhere(const struct unit *unit)
{
    return unit_window(unit, 0).v;
}

static const struct domain_grants *grants_of(const struct unit *unit)
{
    return &unit->domain->grants;
}

/* ---- The call. */

/*
 * Shows grant_table_op.negative, grant_table_op.unknown-command, grant_table_op.one-element, grant_table_op.dump,
 * grant_table_op.cache-flush.
 */
static void test_call(void **state)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF};
    struct unit unit;
    uint64_t at;

    create(&unit, state);
    at = guest_put(unit.vcpu, &query, sizeof(query)).v;
    for (unsigned command = 0; command < 16; command++)
        assert_refused(&unit, call(&unit, command, at, 0x80000000), XEN_EINVAL, REFUSE_ELEMENT_COUNT);
    assert_refused(&unit, call(&unit, GNTTABOP_dump_table, at, 1), XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND);
    assert_int_equal(unit.sim->last_refusal.command, GNTTABOP_dump_table);
    assert_int_equal(unit.sim->last_refusal.call, CALL);
    assert_refused(&unit, call(&unit, 13, at, 0), XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND);
    assert_refused(&unit, call(&unit, UINT32_MAX, at, 0), XEN_ENOSYS, REFUSE_UNKNOWN_COMMAND);
    assert_refused(&unit, call(&unit, GNTTABOP_cache_flush, at, 1), XEN_EINVAL, REFUSE_UNKNOWN_COMMAND);
    assert_int_equal(unit.sim->last_refusal.value, GNTTABOP_cache_flush);
    assert_refused(&unit, call(&unit, GNTTABOP_query_size, at, 0), XEN_EINVAL, REFUSE_ELEMENT_COUNT);
    assert_refused(&unit, call(&unit, GNTTABOP_query_size, at, 2), XEN_EINVAL, REFUSE_ELEMENT_COUNT);
    assert_refused(&unit, call(&unit, GNTTABOP_setup_table, at, 2), XEN_EINVAL, REFUSE_ELEMENT_COUNT);
    assert_refused(&unit, call(&unit, GNTTABOP_get_status_frames, at, 0), XEN_EINVAL, REFUSE_ELEMENT_COUNT);
    assert_int_equal(call(&unit, GNTTABOP_get_version, at, 5), 0);
    /* Of the registers the low halves count. */
    assert_int_equal(call(&unit, GNTTABOP_query_size, at, UINT64_C(0x100000001)), 0);
    unit_destroy(&unit);
}

/* What cannot be read or written, for each command.  Shows grant_table_op.unreadable. */
static void test_faults(void **state)
{
    struct unit unit;

    create(&unit, state);
    for (unsigned command = 0; command < GNTTABOP_cache_flush; command++) {
        if (command == GNTTABOP_dump_table)
            continue;
        assert_refused(&unit, call(&unit, command, nowhere(&unit), 1), XEN_EFAULT, REFUSE_GUEST_FAULT);
        assert_int_equal(unit.sim->last_refusal.value, nowhere(&unit));
        assert_refused(&unit, call(&unit, command, HYPERVISOR_VIRT_START, 1), XEN_EFAULT, REFUSE_GUEST_FAULT);
    }
    for (unsigned command = 0; command < 2; command++)
        assert_int_equal(call(&unit, command, nowhere(&unit), 0), 0);
    unit_destroy(&unit);
}

/* Results that cannot be written: the page of the element is read-only. */
static void test_results_nowhere(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit); /* of zeroes */
    assert_int_equal(unit_map(&unit, 1, pte(page, PTE_RO_PAGE)), 0);
    for (unsigned command = 0; command < GNTTABOP_cache_flush; command++) {
        int64_t result =
            command == GNTTABOP_dump_table ? -XEN_EFAULT : call(&unit, command, unit_window(&unit, 1).v, 1);

        assert_int_equal(result, -XEN_EFAULT);
    }
    unit_destroy(&unit);
}

/* ---- The caller's own table. */

/* Shows grant_table_op.query, grant_table_op.query-domain. */
static void test_query_size(void **state)
{
    struct gnttab_query_size query = {.dom = DOMID_SELF, .status = 7};
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_query_size, &query, sizeof(query), 1), 0);
    assert_int_equal(query.status, GNTST_okay);
    assert_int_equal(query.nr_frames, 1);
    assert_int_equal(query.max_nr_frames, GRANT_FRAMES_MAX);
    query = (struct gnttab_query_size){.dom = unit.domain->id.v, .status = 7};
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_query_size, &query, sizeof(query), 1), 0);
    assert_int_equal(query.status, GNTST_okay);
    query = (struct gnttab_query_size){.dom = 1, .nr_frames = 77};
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_query_size, &query, sizeof(query), 1), 0);
    assert_int_equal(query.status, GNTST_bad_domain);
    assert_int_equal(query.nr_frames, 77);
    unit_destroy(&unit);
}

/* The list at @list has the @count frames of @frames, of @size bytes each, and nothing behind them. */
static void assert_list(const struct unit *unit, vaddr_t list, const mfn_t *frames, unsigned count, unsigned size)
{
    uint8_t words[16 * 8];

    guest_take(unit->vcpu, list, words, sizeof(words));
    for (unsigned i = 0; i <= count; i++) {
        uint64_t word = 0;

        memcpy(&word, words + i * size, size);
        assert_int_equal(word, i < count ? frames[i].v : 0);
    }
}

static vaddr_t new_list(const struct unit *unit)
{
    static const uint8_t zeroes[16 * 8];

    return guest_put(unit->vcpu, zeroes, sizeof(zeroes));
}

/*
 * Shows grant_table_op.setup, grant_table_op.setup-domain, grant_table_op.setup-frames, grant_table_op.setup-list,
 * grant_table.table.
 */
static void test_setup_table(void **state)
{
    const unsigned word = unit_width(state) == WIDTH_64 ? 8 : 4;
    struct unit unit;
    vaddr_t list;

    create(&unit, state);
    list = new_list(&unit);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, 0, list.v), GNTST_okay);
    assert_list(&unit, list, NULL, 0, word);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, 4, list.v), GNTST_okay);
    assert_int_equal(grants_of(&unit)->nr_frames, 4);
    assert_list(&unit, list, grants_of(&unit)->frames, 4, word);
    assert_int_equal(guest_grant_setup(unit.vcpu, unit.domain->id.v, 2, new_list(&unit).v), GNTST_okay);
    assert_int_equal(grants_of(&unit)->nr_frames, 4);
    assert_int_equal(guest_grant_setup(unit.vcpu, 1, 2, list.v), GNTST_bad_domain);
    assert_int_equal(guest_grant_setup(unit.vcpu, NOBODY, 2, list.v), GNTST_bad_domain);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, GRANT_FRAMES_MAX + 1, list.v), GNTST_general_error);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, UINT32_MAX, list.v), GNTST_general_error);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, 2, nowhere(&unit)), GNTST_bad_virt_addr);
    unit.sim->pool_fail_after = 1;
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, 6, list.v), GNTST_general_error);
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_int_equal(grants_of(&unit)->nr_frames, 4);
    /* The guest maps them like its own pages. */
    assert_int_equal(unit_map(&unit, 2, pte(grants_of(&unit)->frames[3], PTE_RW_PAGE)), 0);
    unit_destroy(&unit);
}

/*
 * Shows grant_table_op.set-version, grant_table_op.no-version, grant_table_op.version-in-use,
 * grant_table_op.get-version, grant_table_op.get-version-domain.
 */
static void test_versions(void **state)
{
    struct gnttab_get_version asked = {.dom = DOMID_SELF};
    uint32_t version;
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t bad[] = {0, 3, UINT32_MAX};

        version = bad[i];
        assert_refused(&unit, guest_grant_set_version(unit.vcpu, &version), XEN_EINVAL, REFUSE_GRANT_VERSION);
        assert_int_equal(version, 1);
    }
    version = 2;
    assert_int_equal(guest_grant_set_version(unit.vcpu, &version), 0);
    assert_int_equal(version, 2);
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_get_version, &asked, sizeof(asked), 1), 0);
    assert_int_equal(asked.version, 2);
    asked.dom = 1;
    assert_refused(&unit, guest_grant_op(unit.vcpu, GNTTABOP_get_version, &asked, sizeof(asked), 1), XEN_ESRCH,
                   REFUSE_NO_SUCH_DOMAIN);
    assert_int_equal(unit_map(&unit, 2, pte(grants_of(&unit)->status_frames[0], PTE_RO_PAGE)), 0);
    version = 1;
    assert_refused(&unit, guest_grant_set_version(unit.vcpu, &version), XEN_EBUSY, REFUSE_GRANT_IN_USE);
    assert_int_equal(version, 2);
    assert_int_equal(unit_map(&unit, 2, 0), 0);
    assert_int_equal(guest_grant_set_version(unit.vcpu, &(uint32_t){1}), 0);
    unit_destroy(&unit);
}

/*
 * Words of 64 bits in either width.  Shows grant_table_op.status-frames, grant_table_op.status-domain,
 * grant_table_op.status-number, grant_table_op.status-list.
 */
static void test_status_frames(void **state)
{
    struct unit unit;
    vaddr_t list;

    create(&unit, state);
    list = new_list(&unit);
    assert_int_equal(guest_grant_list_status(unit.vcpu, DOMID_SELF, 0, list.v), GNTST_general_error); /* version 1 */
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_GRANT_VERSION);
    assert_int_equal(guest_grant_setup(unit.vcpu, DOMID_SELF, 9, new_list(&unit).v), GNTST_okay);
    assert_int_equal(guest_grant_set_version(unit.vcpu, &(uint32_t){2}), 0);
    assert_int_equal(grants_of(&unit)->nr_status_frames, 2);
    assert_int_equal(guest_grant_list_status(unit.vcpu, DOMID_SELF, 3, list.v), GNTST_general_error);
    assert_int_equal(unit.sim->last_refusal.reason, REFUSE_TABLE_LIMIT);
    assert_list(&unit, list, NULL, 0, 8);
    assert_int_equal(guest_grant_list_status(unit.vcpu, DOMID_SELF, 2, list.v), GNTST_okay);
    assert_list(&unit, list, grants_of(&unit)->status_frames, 2, 8);
    assert_int_equal(guest_grant_list_status(unit.vcpu, 1, 1, list.v), GNTST_bad_domain);
    assert_int_equal(guest_grant_list_status(unit.vcpu, DOMID_SELF, 1, nowhere(&unit)), GNTST_bad_virt_addr);
    unit_destroy(&unit);
}

/* ---- Arrays. */

/*
 * Each element has its own outcome, and one that fails does not end the list; nor does anything lie behind it.  Shows
 * grant_table_op.statuses, grant_table_op.map, grant_table_op.unmap, grant_table_op.unmap-handle,
 * grant_table_op.map-domain.
 */
static void test_maps(void **state)
{
    struct gnttab_map_grant_ref maps[4];
    struct gnttab_unmap_grant_ref unmaps[3];
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    guest_grant(unit.other, REF, unit.domain->id.v, page, GTF_permit_access);
    for (unsigned i = 0; i < 4; i++)
        maps[i] = (struct gnttab_map_grant_ref){.host_addr = unit_window(&unit, 10 + i).v,
                                                .flags = GNTMAP_host_map | GNTMAP_device_map,
                                                .ref = REF,
                                                .dom = 1,
                                                .status = 7,
                                                .handle = 99};
    maps[1].dom = NOBODY;
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_map_grant_ref, maps, sizeof(maps[0]), 3), 0);
    assert_int_equal(maps[0].status, GNTST_okay);
    assert_int_equal(maps[1].status, GNTST_bad_domain);
    assert_int_equal(maps[1].handle, 99);
    assert_int_equal(maps[2].status, GNTST_okay);
    assert_int_equal(maps[2].dev_bus_addr, page.v << PAGE_SHIFT);
    assert_int_equal(maps[3].status, 7);
    for (unsigned i = 0; i < 3; i++)
        unmaps[i] = (struct gnttab_unmap_grant_ref){maps[i].host_addr, maps[i].dev_bus_addr, maps[i].handle, 7, 0};
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_unmap_grant_ref, unmaps, sizeof(unmaps[0]), 3), 0);
    assert_int_equal(unmaps[0].status, GNTST_okay);
    assert_int_equal(unmaps[1].status, GNTST_bad_handle);
    assert_int_equal(unmaps[2].status, GNTST_okay);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* Of granters in any order, with one between them that nobody looks up. */
static void test_several_granters(void **state)
{
    static const unsigned granters[] = {0, 1, 1, 0, 1, 1};
    const unsigned nobody = 2, count = ARRAY_SIZE(granters);
    struct gnttab_map_grant_ref maps[ARRAY_SIZE(granters)];
    struct gnttab_unmap_grant_ref unmaps[ARRAY_SIZE(granters)];
    struct unit unit;
    mfn_t pages[2];

    create(&unit, state);
    pages[0] = unit_page(&unit);
    pages[1] = guest_mfn(unit.other, guest_page_alloc(unit.other));
    guest_grant(unit.guest, REF, unit.domain->id.v, pages[0], GTF_permit_access);
    guest_grant(unit.other, REF, unit.domain->id.v, pages[1], GTF_permit_access);
    for (unsigned i = 0; i < count; i++)
        maps[i] = (struct gnttab_map_grant_ref){
            .flags = i == nobody ? 0 : GNTMAP_device_map, .ref = REF, .dom = (uint16_t)granters[i], .status = 7};
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_map_grant_ref, maps, sizeof(maps[0]), count), 0);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(maps[i].status, i == nobody ? GNTST_bad_gntref : GNTST_okay);
        if (i != nobody)
            assert_int_equal(maps[i].dev_bus_addr, pages[granters[i]].v << PAGE_SHIFT);
        unmaps[i] =
            (struct gnttab_unmap_grant_ref){0, maps[i].dev_bus_addr, i == nobody ? UINT32_MAX : maps[i].handle, 7, 0};
    }
    guest_assert_clean(unit.sim);
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_unmap_grant_ref, unmaps, sizeof(unmaps[0]), count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(unmaps[i].status, i == nobody ? GNTST_bad_handle : GNTST_okay);
    assert_int_equal(guest_grant_use(unit.guest, REF) | guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* A run ends where handles do, and each element behind it is told so.  Shows grant_table_op.map-full. */
static void test_handles_run_out(void **state)
{
    const unsigned fit = PAGE_SIZE / sizeof(struct grant_mapping), count = fit + 3;
    struct gnttab_map_grant_ref maps[PAGE_SIZE / sizeof(struct grant_mapping) + 3];
    struct unit unit;

    create(&unit, state);
    guest_grant(unit.other, REF, unit.domain->id.v, guest_mfn(unit.other, guest_page_alloc(unit.other)),
                GTF_permit_access);
    for (unsigned i = 0; i < count; i++)
        maps[i] = (struct gnttab_map_grant_ref){.flags = GNTMAP_device_map, .ref = REF, .dom = 1};
    unit.sim->pool_fail_after = 1;
    for (unsigned done = 0, part; done < count; done += part) {
        part = count - done < 50 ? count - done : 50; /* as fits into the guest's scratch */
        assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_map_grant_ref, &maps[done], sizeof(maps[0]), part), 0);
    }
    unit.sim->pool_fail_after = UINT64_MAX;
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(maps[i].status, i < fit ? GNTST_okay : GNTST_no_space);
        if (i < fit)
            assert_int_equal(guest_grant_unmap(unit.vcpu, maps[i].handle, 0, maps[i].dev_bus_addr), GNTST_okay);
    }
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* The last lie where the guest has no page: those before are done, and told of.  Shows grant_table_op.unreadable. */
static void test_maps_up_to_a_fault(void **state)
{
    const unsigned count = 21, first = PAGE_SIZE / sizeof(struct gnttab_map_grant_ref) - count;
    struct gnttab_map_grant_ref *elements;
    struct unit unit;
    mfn_t page, arguments;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    arguments = unit_page(&unit);
    guest_grant(unit.other, REF, unit.domain->id.v, page, GTF_permit_access);
    assert_int_equal(unit_map(&unit, 1, pte(arguments, PTE_RW_PAGE)), 0);
    elements = (struct gnttab_map_grant_ref *)(void *)unit_entries(&unit, arguments) + first;
    for (unsigned i = 0; i < count; i++)
        elements[i] = (struct gnttab_map_grant_ref){.flags = GNTMAP_device_map, .ref = REF, .dom = 1, .status = 7};
    assert_refused(
        &unit, call(&unit, GNTTABOP_map_grant_ref, unit_window(&unit, 1).v + first * sizeof(elements[0]), count + 4),
        XEN_EFAULT, REFUSE_GUEST_FAULT);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(elements[i].status, GNTST_okay);
        assert_int_equal(guest_grant_unmap(unit.vcpu, elements[i].handle, 0, page.v << PAGE_SHIFT), GNTST_okay);
    }
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* More than share a flush; and the last of them lie where the guest has no page: those before are done. */
static void test_unmaps_up_to_a_fault(void **state)
{
    const unsigned count = PAGE_SIZE / sizeof(struct gnttab_unmap_grant_ref); /* that fit in a page */
    struct gnttab_unmap_grant_ref *elements;
    grant_handle_t handle;
    struct unit unit;
    mfn_t page, arguments;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    arguments = unit_page(&unit);
    guest_grant(unit.other, REF, unit.domain->id.v, page, GTF_permit_access);
    assert_int_equal(unit_map(&unit, 1, pte(arguments, PTE_RW_PAGE)), 0);
    elements = (struct gnttab_unmap_grant_ref *)(void *)unit_entries(&unit, arguments);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(guest_grant_map(unit.vcpu, 1, REF, 0, GNTMAP_device_map, &handle), GNTST_okay);
        elements[i] = (struct gnttab_unmap_grant_ref){0, page.v << PAGE_SHIFT, handle, 7, 0};
    }
    assert_refused(&unit, call(&unit, GNTTABOP_unmap_grant_ref, unit_window(&unit, 1).v, count + 5), XEN_EFAULT,
                   REFUSE_GUEST_FAULT);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(elements[i].status, GNTST_okay);
    assert_int_equal(guest_grant_use(unit.other, REF), 0);
    unit_destroy(&unit);
}

/* Shows grant_table_op.replace. */
static void test_replaces(void **state)
{
    struct gnttab_unmap_and_replace replace[2];
    struct unit unit;
    grant_handle_t handle;
    uint64_t word = 0;
    mfn_t page, own;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    own = unit_page(&unit);
    unit_entries(&unit, own)[0] = 0x1234;
    guest_grant(unit.other, REF, unit.domain->id.v, page, GTF_permit_access);
    assert_int_equal(guest_grant_map(unit.vcpu, 1, REF, unit_window(&unit, 3).v, GNTMAP_host_map, &handle), GNTST_okay);
    assert_int_equal(unit_map(&unit, 4, pte(own, PTE_RO_PAGE)), 0);
    replace[0] = (struct gnttab_unmap_and_replace){unit_window(&unit, 3).v, unit_window(&unit, 4).v, handle, 7, 0};
    replace[1] = replace[0];
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_unmap_and_replace, replace, sizeof(replace[0]), 2), 0);
    assert_int_equal(replace[0].status, GNTST_okay);
    assert_int_equal(replace[1].status, GNTST_bad_handle);
    assert_true(guest_read(unit.vcpu, unit_window(&unit, 3), &word, sizeof(word)));
    assert_int_equal(word, 0x1234);
    assert_false(guest_read(unit.vcpu, unit_window(&unit, 4), &word, sizeof(word)));
    unit_destroy(&unit);
}

/* Shows grant_table_op.copy. */
static void test_copies(void **state)
{
    struct gnttab_copy copies[3] = {{.status = 7}, {.status = 7}, {.status = 7}};
    struct unit unit;
    mfn_t from, to;

    create(&unit, state);
    from = guest_mfn(unit.other, guest_page_alloc(unit.other));
    to = unit_page(&unit);
    memset(sim_frame_entries(unit.sim, from), 0x5a, PAGE_SIZE);
    guest_grant(unit.other, REF, unit.domain->id.v, from, GTF_permit_access);
    for (unsigned i = 0; i < 3; i++)
        copies[i] = (struct gnttab_copy){{.u.ref = REF, .domid = 1, .offset = 8},
                                         {.u.gmfn = to.v, .domid = DOMID_SELF, .offset = (uint16_t)(64 * i)},
                                         .len = 32,
                                         .flags = GNTCOPY_source_gref,
                                         .status = 7};
    copies[1].source.domid = NOBODY;
    assert_int_equal(guest_grant_copy(unit.vcpu, copies, 3), 0);
    assert_int_equal(copies[0].status, GNTST_okay);
    assert_int_equal(copies[1].status, GNTST_bad_domain);
    assert_int_equal(copies[2].status, GNTST_okay);
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        assert_int_equal(unit_entries(&unit, to)[i], i < 4 || (i >= 16 && i < 20) ? UINT64_C(0x5a5a5a5a5a5a5a5a) : 0);
    unit_destroy(&unit);
}

/* Shows grant_table_op.swap, grant_table_op.swap-reference. */
static void test_swaps(void **state)
{
    struct unit unit;

    create(&unit, state);
    guest_grant(unit.guest, REF, 1, MFN(5), GTF_permit_access);
    assert_int_equal(guest_grant_swap(unit.vcpu, REF, REF + 1), GNTST_okay);
    assert_int_equal(guest_grant_flags(unit.guest, REF + 1), GTF_permit_access);
    assert_int_equal(guest_grant_flags(unit.guest, REF), 0);
    assert_int_equal(guest_grant_swap(unit.vcpu, REF, 512), GNTST_bad_gntref);
    unit_destroy(&unit);
}

/*
 * Of a transfer only the status is written, where it lies in either width.  Shows grant_table_op.transfer,
 * grant_table_op.transfer-domain, grant_table_op.transfer-self.
 */
static void test_transfers(void **state)
{
    struct gnttab_transfer wide[2] = {{.mfn = 3, .domid = 0, .status = 7}, {.mfn = 3, .domid = 1, .status = 7}};
    struct compat_gnttab_transfer compat[2] = {{.mfn = 3, .domid = 0, .status = 7},
                                               {.mfn = 3, .domid = 1, .status = 7}};
    const bool is_64 = unit_width(state) == WIDTH_64;
    void *elements = is_64 ? (void *)wide : compat;
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_transfer, elements, is_64 ? sizeof(*wide) : sizeof(*compat), 2),
                     0);
    assert_int_equal(is_64 ? wide[0].status : compat[0].status, GNTST_general_error);
    assert_int_equal(is_64 ? wide[1].status : compat[1].status, GNTST_bad_domain);
    unit_destroy(&unit);
}

/* ---- Others run in between, and the guest may have ended then. */

static unsigned yields;

static void count_yields(struct sim *sim)
{
    (void)sim;
    yields++;
}

static void end_guest(struct sim *sim)
{
    if (++yields == 2)
        sim_domain(sim, 0)->dying = true;
}

static void test_preemption(void **state)
{
    struct gnttab_swap_grant_ref swaps[5];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < 5; i++)
        swaps[i] = (struct gnttab_swap_grant_ref){REF, REF, 7, 0};
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    unit.sim->on_preempt = count_yields;
    yields = 0;
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_swap_grant_ref, swaps, sizeof(swaps[0]), 5), 0);
    assert_int_equal(yields, 5);
    assert_int_equal(swaps[4].status, GNTST_okay);
    unit.sim->on_preempt = end_guest;
    yields = 0;
    swaps[0].status = swaps[1].status = 7;
    assert_int_equal(guest_grant_op(unit.vcpu, GNTTABOP_swap_grant_ref, swaps, sizeof(swaps[0]), 5), 0);
    assert_int_equal(swaps[0].status, GNTST_okay);
    assert_int_equal(swaps[1].status, 7);
    unit.sim->on_preempt = NULL;
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    unit.domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_call),
        unit_test_both(test_faults),
        unit_test_both(test_maps),
        unit_test_both(test_results_nowhere),
        unit_test_both(test_query_size),
        unit_test_both(test_setup_table),
        unit_test_both(test_versions),
        unit_test_both(test_status_frames),
        unit_test_both(test_replaces),
        unit_test_both(test_unmaps_up_to_a_fault),
        unit_test_both(test_copies),
        unit_test_both(test_swaps),
        unit_test_both(test_transfers),
        unit_test_both(test_preemption),
        unit_test_both(test_several_granters),
        unit_test_both(test_handles_run_out),
        unit_test_both(test_maps_up_to_a_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
