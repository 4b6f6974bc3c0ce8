/* SPDX-License-Identifier: MIT */
/* Operations: which locks they hold, when they drop them, and that no domain ends under them. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

/* Who holds a domain's lock; the holder outside tasks is somebody too. */
static bool is_locked(const struct domain *domain)
{
    return sim_current()->domains[domain->id.v].lock_owner != NULL;
}

static void create(struct unit *unit)
{
    unit_create(unit, &(struct unit_config){.nr_guests = 2, .privileged = true});
}

static void test_locks(void **state)
{
    struct domain *self, *other;
    struct unit unit;
    struct op op;

    (void)state;
    create(&unit);
    self = unit.domain, other = unit.other->domain;
    op = op_own(unit.domain, unit.vcpu);
    struct {
        struct domain *pt, *pg;
        bool self, other;
    } rows[] = {{self, self, true, false},
                {self, NULL, true, false},
                {self, other, true, true},
                {other, self, true, true},
                {other, other, false, true}};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(op_begin(&op, rows[i].pt, rows[i].pg), 0);
        assert_int_equal(is_locked(self), rows[i].self);
        assert_int_equal(is_locked(other), rows[i].other);
        assert_int_equal(self->operations, 1); /* the caller's, if not more */
        assert_int_equal(other->operations, rows[i].other);
        op_end(&op);
        assert_false(is_locked(self) || is_locked(other));
        assert_int_equal(self->operations + other->operations, 0);
    }
    unit_destroy(&unit);
}

/* A dying domain: in either role, or the caller's own, and nothing is held. */
static void test_dying(void **state)
{
    struct unit unit;
    struct op op;

    (void)state;
    create(&unit);
    op = op_own(unit.domain, unit.vcpu);
    unit.other->domain->dying = true;
    assert_refused(&unit, op_begin(&op, unit.domain, unit.other->domain), XEN_ESRCH, REFUSE_DYING);
    assert_refused(&unit, op_begin(&op, unit.other->domain, unit.domain), XEN_ESRCH, REFUSE_DYING);
    assert_refused(&unit, op_begin(&op, unit.other->domain, NULL), XEN_ESRCH, REFUSE_DYING);
    assert_false(is_locked(unit.domain) || is_locked(unit.other->domain));
    assert_int_equal(unit.domain->operations + unit.other->domain->operations, 0);
    op_begin_teardown(&op, unit.other->domain);
    assert_true(op_is_dying(&op));
    assert_int_equal(unit.other->domain->operations, 1);
    op_end(&op);
    unit.other->domain->dying = false;
    unit.domain->dying = true;
    op = op_own(unit.domain, unit.vcpu);
    assert_refused(&unit, op_begin(&op, unit.other->domain, unit.other->domain), XEN_ESRCH, REFUSE_DYING);
    assert_int_equal(unit.domain->operations + unit.other->domain->operations, 0);
    unit.domain->dying = false;
    assert_int_equal(op_begin(&op, unit.domain, NULL), 0);
    assert_false(op_is_dying(&op));
    op_end(&op);
    unit_destroy(&unit);
}

static unsigned yields_unlocked;

static void see_no_locks(struct sim *sim)
{
    for (unsigned i = 0; i < sim->nr_domains; i++) {
        if (sim->domains[i].lock_owner)
            return;
    }
    yields_unlocked++;
}

/* At a preemption point that is taken, and only there, the locks are free; the operation is still known. */
static void test_preemption(void **state)
{
    struct unit unit;
    struct op op;

    (void)state;
    create(&unit);
    op = op_own(unit.domain, unit.vcpu);
    unit.sim->on_preempt = see_no_locks;
    yields_unlocked = 0;
    assert_int_equal(op_begin(&op, unit.domain, unit.other->domain), 0);
    op_preempt_point(&op);
    assert_int_equal(yields_unlocked, 0);
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    op_preempt_point(&op);
    assert_int_equal(yields_unlocked, 1);
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    op_wait(&op);
    assert_int_equal(yields_unlocked, 2);
    assert_true(is_locked(unit.domain) && is_locked(unit.other->domain));
    assert_int_equal(unit.domain->operations, 1);
    op_end(&op);
    unit.sim->on_preempt = NULL;
    unit_destroy(&unit);
}

/* ---- Two domains, two tasks, both orders: locks in the order of ids cannot close a circle. */

struct pair {
    struct unit *unit;
    struct domain *pt, *pg;
    unsigned done;
};

static void operate(struct vcpu *vcpu, void *arg)
{
    struct pair *pair = arg;

    for (unsigned i = 0; i < 100; i++) {
        struct op op = op_own(vcpu->domain, vcpu);

        if (op_begin(&op, pair->pt, pair->pg))
            sim_fail("an operation could not begin");
        op_preempt_point(&op);
        op_end(&op);
        sim_pause(pair->unit->sim);
        pair->done++;
    }
}

static void test_two_orders(void **state)
{
    struct unit unit;

    (void)state;
    create(&unit);
    struct pair one = {&unit, unit.domain, unit.other->domain, 0};
    struct pair two = {&unit, unit.other->domain, unit.domain, 0};

    unit.sim->preemption = SIM_PREEMPT_RANDOM;
    unit.sim->preempt_per_256 = 128;
    sim_spawn(unit.sim, unit.vcpu, operate, &one);
    sim_spawn(unit.sim, unit.vcpu, operate, &two);
    sim_run(unit.sim);
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_int_equal(one.done, 100);
    assert_int_equal(two.done, 100);
    unit_destroy(&unit);
}

/* An operation that waits for a domain's lock is known already: the domain cannot go away while it waits. */
static void hold(struct vcpu *vcpu, void *arg)
{
    struct pair *pair = arg;

    (void)vcpu;
    port_lock(pair->pg);
    for (unsigned i = 0; i < 100 && pair->pg->operations == 0; i++)
        sim_pause(pair->unit->sim);
    pair->done = pair->pg->operations;
    port_unlock(pair->pg);
}

static void test_counted_while_it_waits(void **state)
{
    struct unit unit;

    (void)state;
    create(&unit);
    struct pair one = {&unit, NULL, unit.other->domain, 0};
    struct pair two = {&unit, unit.other->domain, unit.other->domain, 0};

    sim_spawn(unit.sim, unit.vcpu, hold, &one);
    sim_spawn(unit.sim, unit.vcpu, operate, &two);
    sim_run(unit.sim);
    assert_int_equal(one.done, 1);
    assert_int_equal(two.done, 100);
    unit_destroy(&unit);
}

/* ---- References on frames of a domain that is not locked. */

static void test_put_foreign(void **state)
{
    struct unit unit;
    struct frame *frame;
    uint32_t refs, uses;
    mfn_t page;

    (void)state;
    create(&unit);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    frame = unit_frame(&unit, page);
    for (unsigned writable = 0; writable < 2; writable++) {
        struct op op = op_own(unit.domain, unit.vcpu);

        assert_int_equal(op_begin(&op, unit.domain, unit.other->domain), 0);
        refs = frame->refs, uses = type_count(frame->type);
        assert_true(frame_get(frame, unit.other->domain));
        if (writable)
            assert_int_equal(typeref_get_writable(&op, NOWHERE, frame), 0);
        op_end(&op);
        assert_int_equal(op_begin(&op, unit.domain, unit.domain), 0);
        op_put_foreign(&op, frame, writable);
        assert_true(is_locked(unit.domain));
        assert_false(is_locked(unit.other->domain));
        assert_int_equal(frame->refs, refs);
        assert_int_equal(type_count(frame->type), uses);
        op_end(&op);
    }
    unit_destroy(&unit);
}

/* The last foreign mapping of a page that its owner has given back: it goes to the pool, stamped. */
static void test_put_foreign_last(void **state)
{
    struct unit unit;
    struct frame *frame;
    uint64_t pool;
    mfn_t page;

    (void)state;
    create(&unit);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    frame = unit_frame(&unit, page);
    assert_int_equal(
        guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 3), pte(page, PTE_RW_PAGE), 0, 1), 0);
    assert_int_equal(domain_destroy(unit.other->domain), 1);
    assert_counts(&unit, page, 1, TYPE_WRITABLE, 1);
    pool = sim_pool_count(unit.sim);
    tlb_flush(unit.machine, unit.machine->tlb.cpus);
    assert_int_equal(unit_map(&unit, 3, 0), 0);
    assert_int_equal(sim_pool_count(unit.sim), pool + 1);
    assert_int_equal(frame->owner, OWNER_NONE);
    assert_int_equal(tlb_stale(unit.machine, NULL, frame->epoch).bits, unit.machine->tlb.cpus.bits);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_dying),
        cmocka_unit_test(test_preemption),
        cmocka_unit_test(test_two_orders),
        cmocka_unit_test(test_counted_while_it_waits),
        cmocka_unit_test(test_put_foreign),
        cmocka_unit_test(test_put_foreign_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
