/* SPDX-License-Identifier: MIT */
/* Domain numbers: what they lead to, for privileged and other callers. */
#include <abi/mmu.h>
#include <engine/foreign.h>

#include <tests/unit/lib/unit.h>

static struct domain *const UNTOUCHED = (struct domain *)(uintptr_t)8;

/* Shows domid.reserved. */
static void test_find(void **state)
{
    bool privileged = *state != NULL;
    struct domain *found = UNTOUCHED;
    struct unit unit;
    struct op op;

    unit_create(&unit, &(struct unit_config){.nr_guests = 2, .privileged = privileged});
    op = op_own(unit.domain, unit.vcpu);
    assert_int_equal(foreign_find(&op, DOMID_SELF, &found), 0);
    assert_ptr_equal(found, unit.domain);
    assert_int_equal(foreign_find(&op, DOMID_IO, &found), 0);
    assert_null(found);
    assert_int_equal(foreign_find(&op, 1, &found), 0);
    assert_ptr_equal(found, unit.other->domain);
    assert_int_equal(foreign_allowed(&op, 1, found), privileged);
    assert_true(foreign_allowed(&op, DOMID_SELF, unit.domain));
    assert_true(foreign_allowed(&op, DOMID_IO, NULL));
    assert_int_equal(foreign_allowed(&op, DOMID_XEN, NULL), privileged);
    assert_int_equal(foreign_find(&op, DOMID_XEN, &found), 0);
    assert_null(found);
    unit_destroy(&unit);
}

/*
 * Its own number is not a name that a guest may use, nor is that of nobody.  Shows mmu_update.no-page-owner,
 * domid.reserved.
 */
static void test_unknown(void **state)
{
    static const uint16_t ids[] = {0, 2, 0x7fef, DOMID_COW, DOMID_INVALID, DOMID_IDLE, 0x8000, 0xffff};
    struct domain *found;
    struct unit unit;
    struct op op;

    (void)state;
    unit_create(&unit, &(struct unit_config){.nr_guests = 2, .privileged = true});
    op = op_own(unit.domain, unit.vcpu);
    for (unsigned i = 0; i < ARRAY_SIZE(ids); i++)
        assert_refused(&unit, foreign_find(&op, ids[i], &found), XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
    unit_destroy(&unit);
}

int main(void)
{
    static bool yes = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        {"test_find privileged", test_find, NULL, NULL, &yes},
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
