/* SPDX-License-Identifier: MIT */
/* What is left of a domain: how many of its grants another one maps, and that it comes back under another number. */
#include <abi/errno.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define REF      20u
#define MAPPINGS 200u /* more than are looked at for one lock */

static grant_handle_t handles[MAPPINGS];

/* The other domain grants a page, which the first one maps so often. */
static mfn_t begin(struct unit *unit, enum width width)
{
    mfn_t page;

    unit_create(unit, &(struct unit_config){.width = width, .nr_guests = 2});
    guest_grants_begin(unit->other, 1);
    page = guest_mfn(unit->other, guest_page_alloc(unit->other));
    guest_grant(unit->other, REF, 0, page, GTF_permit_access);
    for (unsigned i = 0; i < MAPPINGS; i++)
        assert_int_equal(guest_grant_map(unit->vcpu, 1, REF, 0, GNTMAP_device_map, &handles[i]), GNTST_okay);
    return page;
}

static void give_back(const struct unit *unit, mfn_t page, unsigned first, unsigned end)
{
    for (unsigned i = first; i < end; i++)
        assert_int_equal(guest_grant_unmap(unit->vcpu, handles[i], 0, page.v << PAGE_SHIFT), GNTST_okay);
}

static void test_count(void **state)
{
    struct unit unit;
    mfn_t page = begin(&unit, unit_width(state));

    assert_int_equal(domain_count_mapped(unit.domain, DOMID(1)), MAPPINGS);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(0)), 0);
    assert_int_equal(domain_count_mapped(unit.other->domain, DOMID(0)), 0);
    give_back(&unit, page, 50, 150);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(1)), MAPPINGS - 100);
    give_back(&unit, page, 0, 50);
    give_back(&unit, page, 150, MAPPINGS);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(1)), 0);
    unit_destroy(&unit);
}

/* The number is free, nothing of what is counted has changed, and the frames come back as they would have. */
static void test_renumber(void **state)
{
    struct unit unit;
    mfn_t page = begin(&unit, unit_width(state));
    struct domain *left = unit.other->domain;
    unsigned nr_vcpus = left->nr_vcpus;
    uint64_t pool;

    assert_int_equal(domain_destroy(left), 1);
    left->nr_vcpus = 0;
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    domain_renumber(left, DOMID(3));
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    assert_null(unit.machine->domains[1]);
    assert_ptr_equal(unit.machine->domains[3], left);
    assert_int_equal(left->id.v, 3);
    assert_int_equal(unit_frame(&unit, page)->owner, 3);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(1)), 0);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(3)), MAPPINGS);
    pool = sim_pool_count(unit.sim);
    give_back(&unit, page, 0, MAPPINGS);
    assert_int_equal(left->nr_frames, 0);
    assert_int_equal(sim_pool_count(unit.sim), pool + 1);
    unit.machine->domains[3] = NULL; /* the hosted machine knows it by the old one */
    unit.machine->domains[1] = left;
    left->id = DOMID(1);
    left->nr_vcpus = nr_vcpus;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_count),
        unit_test_both(test_renumber),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
