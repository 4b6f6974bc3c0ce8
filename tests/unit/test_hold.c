/* SPDX-License-Identifier: MIT */
/* Frames that the hypervisor goes on writing to: they stay the domain's, and writable, until it lets go of them. */
#include <abi/errno.h>
#include <abi/memory.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
}

/* Mapped, unmapped, many times: each hold is one reference and one writable use. */
static void test_counts(void **state)
{
    struct unit unit;
    mfn_t page, idle;

    create(&unit, state);
    page = unit_page(&unit);
    idle = unit_idle_page(&unit);
    assert_int_equal(domain_hold_writable(unit.domain, page), 0);
    assert_int_equal(domain_hold_writable(unit.domain, idle), 0);
    assert_int_equal(domain_hold_writable(unit.domain, page), 0);
    assert_counts(&unit, page, 4, TYPE_WRITABLE, 3);
    assert_counts(&unit, idle, 2, TYPE_WRITABLE, 1);
    guest_assert_clean(unit.sim);
    domain_drop_writable(unit.domain, page);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    guest_assert_clean(unit.sim);
    domain_drop_writable(unit.domain, idle);
    assert_counts(&unit, idle, 1, TYPE_NONE, 0);
    domain_drop_writable(unit.domain, page);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_int_equal(unit.domain->nr_holds, 0);
    unit_destroy(&unit);
}

/*
 * Shows vcpu_op.info-refused, event_channel_op.control-frame, event_channel_op.control-dying,
 * event_channel_op.array-dying, vcpu_op.info-dying, event_channel_op.array-refused.
 */
static void test_refused(void **state)
{
    struct unit unit;
    mfn_t table, descriptors;

    create(&unit, state);
    table = unit_table(&unit, 1);
    descriptors = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &descriptors, 8), 0);
    assert_refused(&unit, domain_hold_writable(unit.domain, table), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_null(unit.sim->last_refusal.vcpu);
    assert_refused(&unit, domain_hold_writable(unit.domain, descriptors), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, domain_hold_writable(unit.domain, guest_root(unit.guest)), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, domain_hold_writable(unit.domain, guest_mfn(unit.other, PFN(99))), XEN_EINVAL,
                   REFUSE_NOT_OWNED);
    assert_refused(&unit, domain_hold_writable(unit.domain, MFN(UNIT_HOLE)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, domain_hold_writable(unit.domain, MFN(UNIT_FRAMES)), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, domain_hold_writable(unit.domain, MFN(unit.machine->nr_frames)), XEN_EINVAL,
                   REFUSE_NOT_OWNED);
    assert_refused(&unit, domain_hold_writable(unit.domain, MFN_NONE), XEN_EINVAL, REFUSE_NOT_OWNED);
    unit.domain->dying = true;
    assert_refused(&unit, domain_hold_writable(unit.domain, unit_page(&unit)), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    assert_int_equal(unit.domain->nr_holds, 0);
    assert_counts(&unit, table, 2, TYPE_L1, 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* Counts at their maximum, and a frame under conversion. */
static void test_exhausted(void **state)
{
    struct unit unit;
    struct frame *frame;
    struct frame saved;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    frame = unit_frame(&unit, page);
    saved = *frame;
    frame->refs = FRAME_REFS_MAX;
    assert_refused(&unit, domain_hold_writable(unit.domain, page), XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED);
    assert_int_equal(frame->refs, FRAME_REFS_MAX);
    frame->refs = saved.refs;
    frame->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    assert_refused(&unit, domain_hold_writable(unit.domain, page), XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED);
    frame->type = type_word(TYPE_L1, TYPE_BUSY, 1);
    assert_refused(&unit, domain_hold_writable(unit.domain, page), XEN_EINVAL, REFUSE_TYPE_UNDER_CONVERSION);
    assert_int_equal(frame->refs, saved.refs);
    *frame = saved;
    unit_destroy(&unit);
}

/* A frame that is held cannot become anything else or leave its owner, whatever the guest does with its own uses. */
static void test_held(void **state)
{
    struct unit unit;
    uint64_t extent, out = 0, pool, frames;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    extent = page.v;
    assert_int_equal(domain_hold_writable(unit.domain, page), 0);
    for (unsigned level = 1; level <= root_level(unit.domain); level++)
        assert_refused(&unit, guest_pin(unit.vcpu, page, level), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_set_gdt(unit.vcpu, &page, 8), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0); /* it may map it, and stop that */
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_refused(&unit, guest_pin(unit.vcpu, page, 1), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_exchange(unit.vcpu, &extent, 1, 0, &out, 1, 0, 0, NULL), XEN_EINVAL,
                   REFUSE_FRAME_IN_USE);
    assert_int_equal(domain_share(unit.domain, page), -XEN_EINVAL);
    pool = sim_pool_count(unit.sim);
    frames = unit.domain->nr_frames;
    assert_int_equal(guest_reservation(unit.vcpu, XENMEM_decrease_reservation, &extent, 1, 0, 0), 1);
    assert_int_equal(unit_frame(&unit, page)->owner, 0);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_int_equal(unit.domain->nr_frames, frames);
    guest_assert_clean(unit.sim);
    domain_drop_writable(unit.domain, page);
    assert_int_equal(sim_pool_count(unit.sim), pool + 1);
    assert_int_equal(unit_frame(&unit, page)->owner, OWNER_NONE);
    unit_destroy(&unit);
}

/* The frame was a descriptor table: nothing that processors remember of that reaches the hypervisor's writes. */
static void test_settles(void **state)
{
    struct unit unit;
    uint64_t flushes;
    mfn_t table;

    create(&unit, state);
    table = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &table, 8), 0);
    assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    flushes = unit.sim->cpus[0].full_flushes;
    assert_int_equal(domain_hold_writable(unit.domain, table), 0);
    assert_int_equal(unit.sim->cpus[0].full_flushes, flushes + 1);
    assert_counts(&unit, table, 2, TYPE_WRITABLE, 1);
    domain_drop_writable(unit.domain, table);
    unit_destroy(&unit);
}

static void test_shared(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    assert_int_equal(domain_share(unit.domain, page), 0);
    assert_int_equal(domain_hold_writable(unit.domain, page), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 2);
    guest_assert_clean(unit.sim);
    domain_unshare(unit.domain, page); /* in either order */
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    guest_assert_clean(unit.sim);
    domain_drop_writable(unit.domain, page);
    assert_counts(&unit, page, 1, TYPE_WRITABLE, 0);
    unit_destroy(&unit);
}

#define PAGES (DOMAIN_HOLDS / 4)

/*
 * As many as there can be, four on each page; each one can go first.  Shows event_channel_op.control-holds,
 * event_channel_op.array-holds, vcpu_op.info-holds.
 */
static void test_all(void **state)
{
    unsigned left[PAGES] = {0};
    mfn_t pages[PAGES];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = unit_page(&unit);
    for (unsigned i = 0; i < DOMAIN_HOLDS; i++) {
        assert_int_equal(domain_hold_writable(unit.domain, pages[i % PAGES]), 0);
        left[i % PAGES]++;
    }
    assert_refused(&unit, domain_hold_writable(unit.domain, pages[0]), XEN_ENOMEM, REFUSE_HOLDS_EXHAUSTED);
    guest_assert_clean(unit.sim);
    for (unsigned i = 0, n = 5; i < DOMAIN_HOLDS; i++, n = (n + 29) % PAGES) {
        assert_counts(&unit, pages[n], 2 + left[n], TYPE_WRITABLE, 1 + left[n]);
        domain_drop_writable(unit.domain, pages[n]);
        left[n]--;
        assert_counts(&unit, pages[n], 2 + left[n], TYPE_WRITABLE, 1 + left[n]);
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(domain_hold_writable(unit.domain, pages[0]), 0);
    unit_destroy(&unit);
}

static void drop_it(struct vcpu *vcpu, void *arg)
{
    domain_drop_writable(vcpu->domain, *(mfn_t *)arg);
}

/* What is not held cannot be dropped, not even where another frame is held. */
static void test_drop_unheld(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(domain_hold_writable(unit.domain, unit_page(&unit)), 0);
    assert_halts(&unit, drop_it, &page);
    sim_destroy(unit.sim);
}

/* Holds of every kind are left at the end of the domain: nothing remains of them. */
static void test_destroy(void **state)
{
    struct unit unit;
    uint64_t extent;
    mfn_t shared;

    for (unsigned preemption = SIM_PREEMPT_NEVER; preemption <= SIM_PREEMPT_ALWAYS; preemption++) {
        create(&unit, state);
        shared = unit_idle_page(&unit);
        extent = unit_idle_page(&unit).v;
        assert_int_equal(domain_share(unit.domain, shared), 0);
        assert_int_equal(domain_hold_writable(unit.domain, shared), 0);
        assert_int_equal(domain_hold_writable(unit.domain, unit_page(&unit)), 0);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(domain_hold_writable(unit.domain, MFN(extent)), 0);
        assert_int_equal(guest_reservation(unit.vcpu, XENMEM_decrease_reservation, &extent, 1, 0, 0), 1);
        unit.sim->preemption = (enum sim_preemption)preemption;
        assert_int_equal(domain_destroy(unit.domain), 0);
        unit.sim->preemption = SIM_PREEMPT_NEVER;
        assert_int_equal(unit.domain->nr_holds, 0);
        assert_int_equal(unit.domain->nr_frames, 0);
        unit_destroy(&unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_counts), unit_test_both(test_refused),     unit_test_both(test_exhausted),
        unit_test_both(test_held),   unit_test_both(test_settles),     unit_test_both(test_shared),
        unit_test_both(test_all),    unit_test_both(test_drop_unheld), unit_test_both(test_destroy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
