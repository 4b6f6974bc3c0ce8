/* SPDX-License-Identifier: MIT */
/* What is left of a domain: how many of its grants another one maps, and that it comes back under another number. */
#include <abi/errno.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define REF      20u
#define MAPPINGS 200u /* more than are looked at for one lock */

static grant_handle_t handles[MAPPINGS];

/* What is given back while the domain gets its number: one at each point at which others may run. */
static struct {
    const struct unit *unit;
    mfn_t page;
    unsigned count;
} meanwhile;

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

static void give_one_back(struct sim *sim)
{
    if (meanwhile.count == MAPPINGS)
        return;
    sim->preemption = SIM_PREEMPT_NEVER;
    give_back(meanwhile.unit, meanwhile.page, meanwhile.count, meanwhile.count + 1);
    sim->preemption = SIM_PREEMPT_ALWAYS;
    meanwhile.count++;
}

/* The other one ends, its page stays. */
static struct domain *end_other(const struct unit *unit)
{
    struct domain *left = unit->other->domain;

    assert_int_equal(domain_destroy(left), 1);
    left->nr_vcpus = 0;
    return left;
}

/* The hosted machine knows it by the number that it had. */
static void end(struct unit *unit, struct domain *left, unsigned nr_vcpus)
{
    unit->machine->domains[left->id.v] = NULL;
    unit->machine->domains[1] = left;
    left->id = DOMID(1);
    left->nr_vcpus = nr_vcpus;
    unit_destroy(unit);
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
    unsigned nr_vcpus = unit.other->domain->nr_vcpus;
    struct domain *left = end_other(&unit);
    uint64_t pool;

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
    end(&unit, left, nr_vcpus);
}

/* Of a record either number leads to it, whichever it has itself by then. */
static void test_renumber_in_use(void **state)
{
    struct unit unit;
    mfn_t page = begin(&unit, unit_width(state));
    unsigned nr_vcpus = unit.other->domain->nr_vcpus;
    struct domain *left = end_other(&unit);

    meanwhile.unit = &unit;
    meanwhile.page = page;
    meanwhile.count = 0;
    unit.sim->on_preempt = give_one_back;
    unit.sim->preemption = SIM_PREEMPT_ALWAYS;
    domain_renumber(left, DOMID(3));
    unit.sim->preemption = SIM_PREEMPT_NEVER;
    unit.sim->on_preempt = NULL;
    assert_in_range(meanwhile.count, 2, MAPPINGS - 1);
    assert_int_equal(domain_count_mapped(unit.domain, DOMID(3)), MAPPINGS - meanwhile.count);
    give_back(&unit, page, meanwhile.count, MAPPINGS);
    assert_int_equal(left->nr_frames, 0);
    end(&unit, left, nr_vcpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_count),
        unit_test_both(test_renumber),
        unit_test_both(test_renumber_in_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
