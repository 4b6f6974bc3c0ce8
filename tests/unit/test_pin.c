/* SPDX-License-Identifier: MIT */
/* Pins: what they hold, when they are refused, that only an unpin releases them. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2});
}

static unsigned pinnable_levels(const struct unit *unit)
{
    return unit->domain->width == WIDTH_64 ? 4 : 2;
}

/* Shows mmuext_op.pin, mmuext_op.unpin, mmuext_op.unpin-not-pinned, mmuext_op.pin-twice. */
static void test_references(void **state)
{
    struct unit unit;

    create(&unit, state);
    for (unsigned level = 1; level <= pinnable_levels(&unit); level++) {
        mfn_t page = unit_idle_page(&unit);

        assert_int_equal(guest_pin(unit.vcpu, page, level), 0);
        assert_counts(&unit, page, 2, (enum frame_type)level, 1);
        assert_true(type_is_pinned(unit_frame(&unit, page)->type));
        assert_refused(&unit, guest_pin(unit.vcpu, page, level), XEN_EINVAL, REFUSE_ALREADY_PINNED);
        assert_int_equal(type_count(unit.sim->last_refusal.type), 1); /* the pin's: the call's own use is not told */
        assert_counts(&unit, page, 2, (enum frame_type)level, 1);
        assert_int_equal(guest_unpin(unit.vcpu, page), 0);
        assert_counts(&unit, page, 1, TYPE_NONE, 0);
        assert_refused(&unit, guest_unpin(unit.vcpu, page), XEN_EINVAL, REFUSE_NOT_PINNED);
        assert_counts(&unit, page, 1, TYPE_NONE, 0);
    }
    unit_destroy(&unit);
}

/*
 * A pin keeps the table when nothing else does, and is not in the way when something else does.  Shows
 * mmuext_op.pin-stays, mmuext_op.unpin-in-use.
 */
static void test_beside_entries(void **state)
{
    struct unit unit;
    mfn_t parent, child;

    create(&unit, state);
    parent = unit_table(&unit, 2);
    child = unit_table(&unit, 1);
    assert_int_equal(guest_set_entry(unit.vcpu, parent, 0, pte(child, PTE_TABLE)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, child), 0); /* it stays a table */
    assert_counts(&unit, child, 2, TYPE_L1, 1);
    assert_false(type_is_pinned(unit_frame(&unit, child)->type));
    assert_int_equal(guest_pin(unit.vcpu, child, 1), 0);
    assert_int_equal(guest_set_entry(unit.vcpu, parent, 0, 0), 0);
    assert_counts(&unit, child, 2, TYPE_L1, 1);
    assert_int_equal(guest_unpin(unit.vcpu, child), 0);
    assert_int_equal(guest_unpin(unit.vcpu, parent), 0);
    unit_destroy(&unit);
}

/* Shows mmuext_op.pin-not-owned, mmuext_op.unpin-not-owned, mmuext_op.unpin-not-pinned. */
static void test_not_owned(void **state)
{
    struct unit unit;
    mfn_t mfns[4];

    create(&unit, state);
    mfns[0] = guest_mfn(unit.other, PFN(100));
    mfns[1] = MFN(UNIT_HOLE);
    mfns[2] = unit.sim->hypervisor_first;
    mfns[3] = MFN(unit.machine->nr_frames);
    for (unsigned i = 0; i < ARRAY_SIZE(mfns); i++) {
        assert_refused(&unit, guest_pin(unit.vcpu, mfns[i], 1), XEN_EINVAL, REFUSE_NOT_OWNED);
        assert_refused(&unit, guest_unpin(unit.vcpu, mfns[i]), XEN_EINVAL, REFUSE_NOT_OWNED);
    }
    assert_refused(&unit, guest_unpin(unit.vcpu, unit_page(&unit)), XEN_EINVAL, REFUSE_NOT_PINNED);
    unit_destroy(&unit);
}

/* Counts at their maximum.  Shows mmuext_op.pin-conflict. */
static void test_exhausted(void **state)
{
    struct unit unit;
    struct frame *frame;
    mfn_t parent, child;

    create(&unit, state);
    parent = unit_table(&unit, 2);
    child = unit_table(&unit, 1);
    assert_int_equal(guest_set_entry(unit.vcpu, parent, 0, pte(child, PTE_TABLE)), 0);
    assert_int_equal(guest_unpin(unit.vcpu, child), 0);
    frame = unit_frame(&unit, child);
    frame->refs = FRAME_REFS_MAX;
    assert_refused(&unit, guest_pin(unit.vcpu, child, 1), XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED);
    frame->refs = 2;
    frame->type = type_word(TYPE_L1, TYPE_VALIDATED, TYPE_COUNT_MAX);
    assert_refused(&unit, guest_pin(unit.vcpu, child, 1), XEN_EINVAL, REFUSE_TYPE_COUNT_EXHAUSTED);
    assert_counts(&unit, child, 2, TYPE_L1, TYPE_COUNT_MAX);
    frame->type = type_word(TYPE_L1, TYPE_VALIDATED, 1);
    assert_int_equal(guest_unpin(unit.vcpu, parent), 0);
    unit_destroy(&unit);
}

/* A 32-bit guest's request for a fourth level is ignored, whatever it names.  Shows mmuext_op.pin-l4-32. */
static void test_pae_l4(void **state)
{
    struct unit unit;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    page = unit_page(&unit);
    assert_int_equal(guest_pin(unit.vcpu, page, 4), 0);
    assert_int_equal(guest_pin(unit.vcpu, MFN(UINT32_MAX), 4), 0);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_refused(&unit, guest_unpin(unit.vcpu, page), XEN_EINVAL, REFUSE_NOT_PINNED);
    unit_destroy(&unit);
}

/*
 * The L2 under slot 3 cannot be pinned as an ordinary one, nor an ordinary one serve there.  Shows
 * mmuext_op.pin-top-l2, mmuext_op.pin-conflict.
 */
static void test_top_l2(void **state)
{
    struct unit unit;
    mfn_t root, top, second;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    root = unit_pae_root(&unit, &top);
    assert_refused(&unit, guest_pin(unit.vcpu, top, 2), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_unpin(unit.vcpu, top), XEN_EINVAL, REFUSE_NOT_PINNED);
    second = unit_idle_page(&unit);
    unit_entries(&unit, second)[3] = pte(unit_table(&unit, 2), PTE_P);
    assert_refused(&unit, guest_pin(unit.vcpu, second, 3), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_int_equal(guest_unpin(unit.vcpu, pte_mfn(unit_entries(&unit, second)[3])), 0);
    assert_int_equal(guest_unpin(unit.vcpu, root), 0);
    unit_destroy(&unit);
}

/* The root that a guest boots on is pinned; that pin is the guest's to take back. */
static void test_boot_root(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_int_equal(guest_unpin(unit.vcpu, guest_root(unit.guest)), 0);
    assert_int_equal(guest_pin(unit.vcpu, guest_root(unit.guest), root_level(unit.domain)), 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_references), unit_test_both(test_beside_entries), unit_test_both(test_not_owned),
        unit_test_both(test_exhausted),  cmocka_unit_test(test_pae_l4),       cmocka_unit_test(test_top_l2),
        unit_test_both(test_boot_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
