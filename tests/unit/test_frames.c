/* SPDX-License-Identifier: MIT */
/* Frames several at a time: from the pool, and back at the end of a domain. */
#include <abi/errno.h>
#include <abi/memory.h>
#include <engine/tlb.h>

#include <tests/unit/lib/unit.h>

/* Several at once are as many as one by one: each another frame, and wiped. */
static void test_allocate_some(void **state)
{
    enum { COUNT = 40 };
    struct unit unit;
    mfn_t mfns[COUNT];
    uint64_t before;
    unsigned neighbours = 0;

    (void)state;
    unit_create(&unit, &(struct unit_config){0});
    before = sim_pool_count(unit.sim);
    port_lock(unit.domain);
    assert_int_equal(frames_allocate_some(unit.domain, COUNT, mfns), 0);
    port_unlock(unit.domain);
    assert_int_equal(sim_pool_count(unit.sim), before - COUNT);
    assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1 + COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        assert_counts(&unit, mfns[i], 1, TYPE_NONE, 0);
        assert_int_equal(unit_frame(&unit, mfns[i])->owner, 0);
        assert_int_equal(unit_frame(&unit, mfns[i])->flags, FRAME_ALLOCATED);
        for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
            assert_int_equal(unit_entries(&unit, mfns[i])[j], 0);
        for (unsigned j = 0; j < i; j++)
            assert_false(mfn_equal(mfns[j], mfns[i]));
        neighbours += i > 0 && mfns[i].v == mfns[i - 1].v + 1;
    }
    assert_in_range(neighbours, 0, 10);
    for (unsigned i = 0; i < COUNT; i++)
        unit_release(&unit, mfns[i], 0);
    unit_destroy(&unit);
}

/* All or none: the reservation has no room for all, or the pool not so many. */
static void test_some_or_none(void **state)
{
    struct unit unit;
    mfn_t mfns[8];
    uint64_t before;

    (void)state;
    unit_create(&unit, &(struct unit_config){.max_frames = UNIT_PAGES + 6});
    before = sim_pool_count(unit.sim);
    port_lock(unit.domain);
    assert_int_equal(frames_allocate_some(unit.domain, 8, mfns), -XEN_ENOMEM);
    for (unsigned after = 0; after < 7; after++) {
        unit.sim->pool_fail_after = after;
        assert_int_equal(frames_allocate_some(unit.domain, 7, mfns), -XEN_ENOMEM);
        assert_int_equal(sim_pool_count(unit.sim), before);
        assert_int_equal(unit.domain->nr_frames, UNIT_PAGES - 1);
    }
    unit.sim->pool_fail_after = 7;
    assert_int_equal(frames_allocate_some(unit.domain, 7, mfns), 0);
    unit.sim->pool_fail_after = UINT64_MAX;
    port_unlock(unit.domain);
    unit_destroy(&unit);
}

/* Of frames with a different past it is the latest that counts, whichever of them has it. */
static void test_some_settle(void **state)
{
    (void)state;
    for (unsigned latest = 0; latest < 3; latest++) {
        struct unit unit;
        mfn_t mfns[3];
        uint64_t flushes;

        unit_create(&unit, &(struct unit_config){0});
        while (sim_pool_count(unit.sim) > 3)
            (void)unit_allocate(&unit, 0);
        for (unsigned i = 0; i < 3; i++)
            mfns[i] = unit_allocate(&unit, 0);
        for (unsigned i = 0; i < 3; i++)
            unit_release(&unit, mfns[i], 0);
        tlb_flush(unit.machine, unit.machine->tlb.cpus);
        unit_frame(&unit, mfns[latest])->epoch = tlb_stamp(unit.machine);
        unit_frame(&unit, mfns[(latest + 1) % 3])->flags = FRAME_INCOHERENT;
        flushes = unit.sim->cpus[0].full_flushes + unit.sim->cpus[0].cache_flushes;
        port_lock(unit.domain);
        assert_int_equal(frames_allocate_some(unit.domain, 3, mfns), 0);
        port_unlock(unit.domain);
        assert_int_equal(unit.sim->cpus[0].full_flushes + unit.sim->cpus[0].cache_flushes, flushes + 2);
        unit_destroy(&unit);
    }
}

/* The end of a domain: all goes that nobody else refers to, of that domain, and nothing of the others. */
static void test_relinquish(void **state)
{
    struct unit unit;
    mfn_t alone, mapped, shared;
    uint64_t before, frames;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2});
    alone = unit_allocate(&unit, 0);
    mapped = unit_page(&unit);
    shared = unit_allocate(&unit, 0);
    assert_int_equal(unit_map(&unit, 0, pte(mapped, PTE_RO_PAGE)), 0);
    port_lock(unit.domain);
    assert_int_equal(frame_share(unit.domain, unit_frame(&unit, shared)), 0);
    before = sim_pool_count(unit.sim);
    frames = unit.domain->nr_frames;
    frames_relinquish(unit.domain, alone, 1);
    assert_int_equal(unit_frame(&unit, alone)->owner, OWNER_NONE);
    assert_int_equal(unit.machine->m2p[alone.v], MACH2PHYS_INVALID);
    assert_int_equal(tlb_stale(unit.machine, NULL, unit_frame(&unit, alone)->epoch).bits, unit.machine->tlb.cpus.bits);
    frames_relinquish(unit.domain, alone, 1); /* it is not the domain's any more */
    frames_relinquish(unit.domain, shared, 1);
    assert_int_equal(unit_frame(&unit, shared)->owner, OWNER_NONE);
    assert_int_equal(sim_pool_count(unit.sim), before + 2);
    assert_int_equal(unit.domain->nr_frames, frames - 1); /* which the shared one did not count for */
    frames_relinquish(unit.domain, mapped, 1);
    assert_int_equal(unit_frame(&unit, mapped)->owner, 0);
    assert_int_equal(unit_frame(&unit, mapped)->flags, 0);
    assert_int_equal(unit_frame(&unit, mapped)->refs, 2); /* where all memory is mapped, and here */
    frames_relinquish(unit.other->domain, mapped, 1);
    assert_int_equal(unit_frame(&unit, mapped)->refs, 2);
    port_unlock(unit.domain);
    unit_destroy(&unit);
}

static void relinquish_beyond(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    frames_relinquish(vcpu->domain, MFN(vcpu->domain->machine->nr_frames - 1), 2);
}

static void relinquish_many(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    frames_relinquish(vcpu->domain, MFN(0), RELINQUISH_MAX + 1);
}

/* Of frames that there are not, or more than are worked on in one piece. */
static void test_relinquish_bounds(void **state)
{
    sim_task_fn *const mistakes[] = {relinquish_beyond, relinquish_many};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(mistakes); i++) {
        struct unit unit;

        unit_create(&unit, &(struct unit_config){0});
        assert_halts(&unit, mistakes[i], NULL);
        sim_destroy(unit.sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocate_some),     cmocka_unit_test(test_some_or_none),
        cmocka_unit_test(test_some_settle),       cmocka_unit_test(test_relinquish),
        cmocka_unit_test(test_relinquish_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
