/* SPDX-License-Identifier: MIT */
/* Frames between the pool and their owners: counts, limits, wiping, sharing. */
#include <string.h>

#include <abi/errno.h>
#include <abi/memory.h>
#include <abi/mmuext.h>
#include <engine/m2p.h>

#include <tests/unit/lib/unit.h>

static void test_get_put(void **state)
{
    struct unit unit;
    struct frame *frame;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    page = unit_page(&unit);
    frame = unit_frame(&unit, page);
    assert_int_equal(frame->refs, 2); /* allocated, and mapped */
    assert_true(frame_get(frame, unit.domain));
    assert_int_equal(frame->refs, 3);
    assert_false(frame_get(frame, unit.other->domain));
    assert_int_equal(frame->refs, 3);
    frame_put(unit.machine, frame);
    assert_int_equal(frame->refs, 2);
    unit_destroy(&unit);
}

/* The count refuses at its maximum instead of wrapping; a frame without references cannot be taken at all. */
static void test_limits(void **state)
{
    struct unit unit;
    struct frame *frame;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    frame = unit_frame(&unit, unit_page(&unit));
    frame->refs = FRAME_REFS_MAX - 1;
    assert_true(frame_get(frame, unit.domain));
    assert_false(frame_get(frame, unit.domain));
    assert_int_equal(frame->refs, FRAME_REFS_MAX);
    frame->refs = 0;
    assert_false(frame_get(frame, unit.domain));
    assert_int_equal(frame->refs, 0);
    frame->refs = 2;
    unit_destroy(&unit);
}

static void put_once(struct vcpu *vcpu, void *arg)
{
    frame_put(vcpu->domain->machine, arg);
}

static void test_put_below_zero(void **state)
{
    struct unit unit;
    struct frame *frame;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    frame = unit_frame(&unit, unit_page(&unit));
    frame->refs = 0;
    assert_halts(&unit, put_once, frame);
    sim_destroy(unit.sim);
}

/* The last reference goes while something still uses the frame as memory: that must never happen. */
static void test_put_in_use(void **state)
{
    struct unit unit;
    struct frame *frame;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    frame = unit_frame(&unit, unit_page(&unit));
    frame->refs = 1;
    assert_halts(&unit, put_once, frame);
    sim_destroy(unit.sim);
}

/* ---- Allocation. */

static void test_allocate(void **state)
{
    struct unit unit;
    uint64_t before;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    before = sim_pool_count(unit.sim);
    for (unsigned order = 0; order <= 2; order++) {
        mfn_t first = unit_allocate(&unit, order);
        uint64_t count = UINT64_C(1) << order;

        assert_int_equal(first.v % count, 0);
        assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1 + count);
        for (uint64_t i = 0; i < count; i++) {
            const struct frame *frame = unit_frame(&unit, mfn_add(first, i));

            assert_counts(&unit, mfn_add(first, i), 1, TYPE_NONE, 0);
            assert_int_equal(frame->type.v, 0);
            assert_int_equal(frame->owner, 0);
            assert_int_equal(frame->flags, FRAME_ALLOCATED);
            for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
                assert_int_equal(unit_entries(&unit, mfn_add(first, i))[j], 0);
        }
        unit_release(&unit, first, order);
        assert_int_equal(sim_pool_count(unit.sim), before);
        assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    }
    unit_destroy(&unit);
}

/* The reservation is full; it is nearly full; the pool is empty. */
static void test_no_memory(void **state)
{
    struct unit unit;
    mfn_t first = MFN(12345);

    (void)state;
    unit_create(&unit, &(struct unit_config){.max_frames = UNIT_PAGES + 2});
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    port_lock(unit.domain);
    assert_int_equal(frames_allocate(unit.domain, 2, &first), -XEN_ENOMEM);
    assert_int_equal(frames_allocate(unit.domain, 63, &first), -XEN_ENOMEM);
    assert_int_equal(first.v, 12345);
    unit.sim->pool_fail_after = 0;
    assert_int_equal(frames_allocate(unit.domain, 0, &first), -XEN_ENOMEM);
    unit.sim->pool_fail_after = UINT64_MAX;
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    port_unlock(unit.domain);
    unit_release(&unit, unit_allocate(&unit, 1), 1);
    unit_destroy(&unit);
}

/* A domain that has more than it may have, because its limit was lowered, gets nothing. */
static void test_above_limit(void **state)
{
    struct unit unit;
    mfn_t first;

    (void)state;
    unit_create(&unit, &(struct unit_config){.max_frames = UNIT_PAGES + 16});
    unit.domain->max_frames = 4;
    port_lock(unit.domain);
    assert_int_equal(frames_allocate(unit.domain, 0, &first), -XEN_ENOMEM);
    port_unlock(unit.domain);
    unit_destroy(&unit);
}

/* Nobody's data, no stale translation and no cache line reaches the next owner.  Shows memory_op.wiped. */
static void test_wiped(void **state)
{
    struct unit unit;
    uint64_t flushes, caches;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.devices = true});
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE | PTE_PCD)), 0);
    assert_true(guest_write(unit.vcpu, unit_window(&unit, 0), &(uint64_t){0x5ec4e7}, 8));
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_vaddr(&unit, page), 0, UVMF_NONE), 0);
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_window(&unit, 0), 0, UVMF_NONE), 0);
    assert_true(sim_tlb_holds(unit.sim, 0, unit_window(&unit, 0), NULL, NULL));
    assert_int_equal(unit.machine->m2p[page.v], unit_pfn(&unit, page).v);
    unit_release(&unit, page, 0);
    assert_int_equal(unit.machine->m2p[page.v], MACH2PHYS_INVALID);
    assert_int_equal(unit.machine->compat_m2p[page.v], COMPAT_MACH2PHYS_INVALID);
    assert_int_equal(unit_frame(&unit, page)->owner, OWNER_NONE);

    flushes = unit.sim->cpus[0].full_flushes;
    caches = unit.sim->cpus[0].cache_flushes;
    for (mfn_t got = MFN_NONE; !mfn_equal(got, page);)
        got = unit_allocate(&unit, 0);
    assert_true(unit.sim->cpus[0].full_flushes > flushes);
    assert_int_equal(unit.sim->cpus[0].cache_flushes, caches + 1);
    assert_false(sim_tlb_holds(unit.sim, 0, unit_window(&unit, 0), NULL, NULL));
    assert_int_equal(unit_entries(&unit, page)[0], 0);
    assert_int_equal(unit_frame(&unit, page)->type.v, 0);
    assert_int_equal(unit_frame(&unit, page)->flags, FRAME_ALLOCATED);
    unit_destroy(&unit);
}

/* ---- The hypervisor's own frames, from the pool. */

static void give_it(struct vcpu *vcpu, void *arg)
{
    machine_give(vcpu->domain->machine, *(mfn_t *)arg, 0);
}

static void test_take(void **state)
{
    struct unit unit;
    uint64_t before;
    mfn_t first = MFN(12345);

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    before = sim_pool_count(unit.sim);
    for (unsigned order = 0; order <= 3; order++) {
        assert_true(machine_take(unit.machine, order, &first));
        assert_int_equal(first.v % (UINT64_C(1) << order), 0);
        for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
            const struct frame *frame = unit_frame(&unit, mfn_add(first, i));

            assert_int_equal(frame->owner, DOMID_XEN);
            assert_int_equal(frame->type.v | frame->refs | frame->flags, 0);
            for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
                assert_int_equal(unit_entries(&unit, mfn_add(first, i))[j], 0);
        }
        guest_assert_clean(unit.sim);
        for (uint64_t i = 0; i < UINT64_C(1) << order; i++) /* piece by piece */
            machine_give(unit.machine, mfn_add(first, i), 0);
        assert_int_equal(sim_pool_count(unit.sim), before);
        assert_int_equal(unit_frame(&unit, first)->owner, OWNER_NONE);
    }
    first = MFN(12345);
    unit.sim->pool_fail_after = 0;
    assert_false(machine_take(unit.machine, 0, &first));
    assert_int_equal(first.v, 12345);
    unit.sim->pool_fail_after = UINT64_MAX;
    first = unit_allocate(&unit, 0); /* a guest's */
    assert_halts(&unit, give_it, &first);
    sim_destroy(unit.sim);
}

/* The guest that had the frame left a writable translation behind, in a cacheless mapping, and gave the frame back. */
static void test_take_settles(void **state)
{
    struct unit unit;
    uint64_t caches;
    mfn_t page, got = MFN_NONE;

    (void)state;
    unit_create(&unit, &(struct unit_config){.devices = true});
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE | PTE_PCD)), 0);
    assert_true(guest_write(unit.vcpu, unit_window(&unit, 0), &(uint64_t){0x5ec4e7}, 8));
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_vaddr(&unit, page), 0, UVMF_NONE), 0);
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_window(&unit, 0), 0, UVMF_NONE), 0);
    unit_release(&unit, page, 0);
    assert_true(sim_tlb_holds(unit.sim, 0, unit_window(&unit, 0), NULL, NULL));
    caches = unit.sim->cpus[0].cache_flushes;
    while (!mfn_equal(got, page))
        assert_true(machine_take(unit.machine, 0, &got));
    assert_false(sim_tlb_holds(unit.sim, 0, unit_window(&unit, 0), NULL, NULL));
    assert_false(guest_write(unit.vcpu, unit_window(&unit, 0), &(uint64_t){0xbad}, 8));
    assert_int_equal(unit.sim->cpus[0].cache_flushes, caches + 1);
    assert_int_equal(unit_entries(&unit, page)[0], 0);
    guest_assert_clean(unit.sim);
    for (uint64_t i = 0; i < UNIT_FRAMES; i++) {
        if (unit_frame(&unit, MFN(i))->owner == DOMID_XEN)
            machine_give(unit.machine, MFN(i), 0);
    }
    unit_destroy(&unit);
}

/* The first frame that is nobody's. */
static mfn_t first_of_nobody(struct unit *unit)
{
    mfn_t mfn = MFN(0);

    while (unit_frame(unit, mfn)->owner != OWNER_NONE)
        mfn.v++;
    return mfn;
}

/* Whoever is said to own @mfn, it is mapped nowhere. */
static void assert_unmappable(struct unit *unit, mfn_t mfn, unsigned owner)
{
    for (unsigned writable = 0; writable < 2; writable++)
        assert_true(guest_update_va_mapping_otherdomain(unit->vcpu, unit_window(unit, 0),
                                                        pte(mfn, writable ? PTE_RW_PAGE : PTE_RO_PAGE), 0, owner) < 0);
}

static void assert_no_such_owner(struct unit *unit, mfn_t mfn, unsigned owner)
{
    assert_refused(
        unit, guest_update_va_mapping_otherdomain(unit->vcpu, unit_window(unit, 0), pte(mfn, PTE_RO_PAGE), 0, owner),
        XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
}

/* Nor does it become a table, lose what it holds, or get a place in the M2P. */
static void assert_unusable(struct unit *unit, mfn_t mfn, unsigned owner)
{
    struct mmuext_op ops[] = {
        {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn.v},
        {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = mfn.v},
        {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = mfn.v},
        {.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = unit_page(unit).v, .arg2.src_mfn = mfn.v},
        {.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = mfn.v},
    };
    const struct mmu_update updates[] = {
        {.ptr = pte(mfn, MMU_NORMAL_PT_UPDATE)},
        {.ptr = pte(mfn, MMU_MACHPHYS_UPDATE), .val = 5},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
        assert_true(guest_mmuext(unit->vcpu, &ops[i], 1, NULL, owner) < 0);
    for (unsigned i = 0; i < ARRAY_SIZE(updates); i++)
        assert_true(guest_mmu_update(unit->vcpu, &updates[i], 1, NULL, owner) < 0);
}

/* What takes no owner finds that it is not the guest's, and it is left as it was. */
static void assert_not_own(struct unit *unit, mfn_t mfn)
{
    uint64_t extent = mfn.v, out = mfn.v;

    assert_int_equal(guest_set_gdt(unit->vcpu, &mfn, 8), -XEN_EINVAL);
    assert_int_equal(guest_update_descriptor(unit->vcpu, pte(mfn, 0), 0), -XEN_EINVAL);
    assert_int_equal(guest_reservation(unit->vcpu, XENMEM_decrease_reservation, &extent, 1, 0, 0), 0);
    assert_int_equal(guest_exchange(unit->vcpu, &extent, 1, 0, &out, 1, 0, 0, NULL), -XEN_EINVAL);
    assert_int_equal(domain_share(unit->domain, mfn), -XEN_EINVAL);
    assert_int_equal(domain_hold_writable(unit->domain, mfn), -XEN_EINVAL);
    assert_int_equal(domain_pin(unit->domain, mfn, 1), -XEN_EINVAL);
    assert_int_equal(unit_frame(unit, mfn)->refs | unit_frame(unit, mfn)->type.v, 0);
    assert_int_equal(unit->machine->m2p[mfn.v], MACH2PHYS_INVALID);
}

/*
 * No operation names, maps, types, shares or takes away a frame that is nobody's or the hypervisor's, whoever asks.
 */
static void test_unreachable(void **state)
{
    static const unsigned names[] = {DOMID_SELF, DOMID_IO, DOMID_XEN, 1};
    static const unsigned nobody[] = {OWNER_NONE, DOMID_COW, 0xffff};
    struct unit unit;
    mfn_t mfns[2];

    unit_create(&unit,
                &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .privileged = true, .devices = true});
    mfns[0] = first_of_nobody(&unit);
    assert_true(machine_take(unit.machine, 0, &mfns[1]));
    if (mfn_equal(mfns[0], mfns[1]))
        mfns[0] = first_of_nobody(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(mfns); i++) {
        for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
            assert_unmappable(&unit, mfns[i], names[n]);
        for (unsigned n = 0; n < ARRAY_SIZE(nobody); n++)
            assert_no_such_owner(&unit, mfns[i], nobody[n]);
        for (unsigned n = 0; n < ARRAY_SIZE(names); n++)
            assert_unusable(&unit, mfns[i], names[n]);
        assert_not_own(&unit, mfns[i]);
    }
    guest_assert_clean(unit.sim);
    machine_give(unit.machine, mfns[1], 0);
    unit_destroy(&unit);
}

/* ---- Release. */

static void test_release(void **state)
{
    struct unit unit;
    struct frame *frame;
    uint64_t before;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    before = sim_pool_count(unit.sim);
    page = unit_page(&unit);
    frame = unit_frame(&unit, page);
    assert_int_equal(frame_release(unit.other->domain, frame), -XEN_EINVAL);
    assert_int_equal(frame_release(unit.domain, unit_frame(&unit, MFN(UNIT_HOLE))), -XEN_EINVAL);
    assert_int_equal(frame_release(unit.domain, unit_frame(&unit, unit.sim->hypervisor_first)), -XEN_EINVAL);
    unit_release(&unit, page, 0); /* its mapping keeps it */
    assert_counts(&unit, page, 1, TYPE_WRITABLE, 1);
    assert_int_equal(sim_pool_count(unit.sim), before);
    assert_int_equal(frame_release(unit.domain, frame), -XEN_EINVAL);
    assert_int_equal(guest_update_va_mapping(unit.vcpu, unit_vaddr(&unit, page), 0, UVMF_NONE), 0);
    assert_int_equal(sim_pool_count(unit.sim), before + 1);
    unit_destroy(&unit);
}

/* The only reference is the allocation's, and nothing uses it. */
static void test_sole(void **state)
{
    struct unit unit;
    mfn_t page, table;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    page = unit_idle_page(&unit);
    table = unit_table(&unit, 1);
    assert_true(frame_is_sole(unit_frame(&unit, page), unit.domain));
    assert_false(frame_is_sole(unit_frame(&unit, page), unit.other->domain));
    assert_false(frame_is_sole(unit_frame(&unit, table), unit.domain));
    assert_false(frame_is_sole(unit_frame(&unit, unit_page(&unit)), unit.domain));
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_false(frame_is_sole(unit_frame(&unit, page), unit.domain));
    unit_release(&unit, page, 0);
    assert_false(frame_is_sole(unit_frame(&unit, page), unit.domain));
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_frame(&unit, table)->refs = 1; /* a use without a reference: nothing like this may change hands */
    assert_false(frame_is_sole(unit_frame(&unit, table), unit.domain));
    unit_frame(&unit, table)->refs = 2;
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* ---- Sharing. */

static void test_share(void **state)
{
    struct unit unit;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    page = unit_idle_page(&unit);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, page)), 0);
    assert_counts(&unit, page, 1, TYPE_WRITABLE, 1);
    assert_int_equal(unit_frame(&unit, page)->flags, FRAME_SHARED);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 2);
    /* The guest may map it writable, and not use it as anything else, nor give it away. */
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 2);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), -XEN_EINVAL);
    assert_int_equal(frame_release(unit.domain, unit_frame(&unit, page)), -XEN_EINVAL);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, page)), -XEN_EINVAL);
    guest_assert_clean(unit.sim);
    frame_unshare(unit.domain, unit_frame(&unit, page));
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    unit_destroy(&unit);
}

static void test_share_refused(void **state)
{
    struct unit unit;
    mfn_t table;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    table = unit_table(&unit, 2);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, table)), -XEN_EINVAL);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, unit_page(&unit))), -XEN_EINVAL);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, guest_mfn(unit.other, PFN(100)))), -XEN_EINVAL);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* A frame that was a descriptor table a moment ago is not shared before what saw it as one has flushed. */
static void test_share_settles(void **state)
{
    struct unit unit;
    uint64_t flushes;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    page = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &page, 8), 0);
    assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    flushes = unit.sim->cpus[0].full_flushes;
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, page)), 0);
    assert_int_equal(unit.sim->cpus[0].full_flushes, flushes + 1);
    frame_unshare(unit.domain, unit_frame(&unit, page));
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_get_put),       cmocka_unit_test(test_limits),   cmocka_unit_test(test_put_below_zero),
        cmocka_unit_test(test_put_in_use),    cmocka_unit_test(test_allocate), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_above_limit),   cmocka_unit_test(test_wiped),    cmocka_unit_test(test_release),
        cmocka_unit_test(test_sole),          cmocka_unit_test(test_share),    cmocka_unit_test(test_share_refused),
        cmocka_unit_test(test_share_settles), cmocka_unit_test(test_take),     cmocka_unit_test(test_take_settles),
        unit_test_both(test_unreachable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
