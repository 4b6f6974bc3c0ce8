/* SPDX-License-Identifier: MIT */
/* Handles: in which order they are given out, what their records are, and how many there can be. */
#include <engine/grant_mapping.h>

#include <tests/support/guest_grant.h>
#include <tests/unit/lib/unit.h>

#define PER_FRAME ((uint32_t)(PAGE_SIZE / sizeof(struct grant_mapping)))

static void create(struct unit *unit)
{
    unit_create(unit, &(struct unit_config){.nr_guests = 1});
}

static void give_back(const struct unit *unit, grant_handle_t handle)
{
    port_lock(unit->domain);
    grant_mapping_free(unit->domain, handle);
    port_unlock(unit->domain);
}

/* The lowest first, and of those that came back the last. */
static void test_order(void **state)
{
    grant_handle_t handle;
    struct unit unit;

    (void)state;
    create(&unit);
    assert_int_equal(grant_mapping_count(unit.domain), 0);
    for (grant_handle_t i = 0; i < 2 * PER_FRAME; i++) {
        assert_true(grant_mapping_reserve(unit.domain, &handle));
        assert_int_equal(handle, i);
        assert_int_equal(grant_mapping_count(unit.domain), (i / PER_FRAME + 1) * PER_FRAME);
    }
    give_back(&unit, 3);
    give_back(&unit, PER_FRAME);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(handle, PER_FRAME);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(handle, 3);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(handle, 2 * PER_FRAME);
    unit_destroy(&unit);
}

/* A handle is a mapping from when it has parts on. */
static void test_find(void **state)
{
    grant_handle_t handle;
    struct unit unit;

    (void)state;
    create(&unit);
    assert_null(grant_mapping_find(unit.domain, 0));
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_null(grant_mapping_find(unit.domain, handle));
    grant_mapping_at(unit.domain, handle)->parts = MAPPING_DEVICE;
    assert_ptr_equal(grant_mapping_find(unit.domain, handle), grant_mapping_at(unit.domain, handle));
    assert_null(grant_mapping_find(unit.domain, handle + 1));
    assert_null(grant_mapping_find(unit.domain, PER_FRAME));
    assert_null(grant_mapping_find(unit.domain, UINT32_MAX));
    grant_mapping_at(unit.domain, handle)->parts = 0;
    assert_null(grant_mapping_find(unit.domain, handle));
    unit_destroy(&unit);
}

/* No record is another's. */
static void test_records(void **state)
{
    grant_handle_t handle;
    struct unit unit;

    (void)state;
    create(&unit);
    for (uint32_t i = 0; i < 3 * PER_FRAME; i++) {
        assert_true(grant_mapping_reserve(unit.domain, &handle));
        grant_mapping_at(unit.domain, handle)->ref = handle;
    }
    for (grant_handle_t i = 0; i < 3 * PER_FRAME; i++)
        assert_int_equal(grant_mapping_at(unit.domain, i)->ref, i);
    unit_destroy(&unit);
}

/* As many as there may be, or as there is memory for; then none, and all comes back in the end. */
static void test_limits(void **state)
{
    struct unit unit;
    grant_handle_t handle;
    uint64_t pool;

    (void)state;
    create(&unit);
    pool = sim_pool_count(unit.sim);
    unit.sim->pool_fail_after = 1;
    for (uint32_t i = 0; i < PER_FRAME; i++)
        assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_false(grant_mapping_reserve(unit.domain, &handle));
    unit.sim->pool_fail_after = UINT64_MAX;
    for (uint32_t i = PER_FRAME; i < GRANT_MAPPING_FRAMES_MAX * PER_FRAME; i++)
        assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_false(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(sim_pool_count(unit.sim), pool - GRANT_MAPPING_FRAMES_MAX);
    give_back(&unit, 77);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(handle, 77);
    grant_mapping_destroy(unit.domain);
    assert_int_equal(grant_mapping_count(unit.domain), 0);
    assert_int_equal(sim_pool_count(unit.sim), pool);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_int_equal(handle, 0);
    unit_destroy(&unit);
}

/* All that are mappings, by their handles. */
static void test_next(void **state)
{
    static const grant_handle_t mapped[] = {0, 5, PER_FRAME - 1, 2 * PER_FRAME + 7};
    grant_handle_t handle;
    struct unit unit;

    (void)state;
    create(&unit);
    handle = 0;
    assert_null(grant_mapping_next(unit.domain, &handle));
    for (uint32_t i = 0; i < 3 * PER_FRAME; i++)
        assert_true(grant_mapping_reserve(unit.domain, &handle));
    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
        grant_mapping_at(unit.domain, mapped[i])->parts = MAPPING_DEVICE;
    handle = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++, handle++) {
        assert_ptr_equal(grant_mapping_next(unit.domain, &handle), grant_mapping_at(unit.domain, mapped[i]));
        assert_int_equal(handle, mapped[i]);
    }
    assert_null(grant_mapping_next(unit.domain, &handle));
    for (unsigned i = 0; i < ARRAY_SIZE(mapped); i++)
        grant_mapping_at(unit.domain, mapped[i])->parts = 0;
    unit_destroy(&unit);
}

/* A domain may end while a vCPU of it has a handle that is no mapping yet, and asks for one more. */
static void test_destroyed(void **state)
{
    grant_handle_t handle, other;
    struct unit unit;

    (void)state;
    create(&unit);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    guest_destroy(unit.guest);
    give_back(&unit, handle);
    assert_false(grant_mapping_reserve(unit.domain, &other));
    unit_destroy(&unit); /* nothing is left */
}

/* A handle that is a mapping does not come back: that is our own mistake. */
static void free_mapped(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    grant_mapping_free(vcpu->domain, 0);
}

static void at_nothing(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    (void)grant_mapping_at(vcpu->domain, PER_FRAME);
}

static void test_mistakes(void **state)
{
    grant_handle_t handle;
    struct unit unit;

    (void)state;
    create(&unit);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    grant_mapping_at(unit.domain, handle)->parts = MAPPING_HOST;
    assert_halts(&unit, free_mapped, NULL);
    sim_destroy(unit.sim);
    create(&unit);
    assert_true(grant_mapping_reserve(unit.domain, &handle));
    assert_halts(&unit, at_nothing, NULL);
    sim_destroy(unit.sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),    cmocka_unit_test(test_find), cmocka_unit_test(test_records),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_next), cmocka_unit_test(test_destroyed),
        cmocka_unit_test(test_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
