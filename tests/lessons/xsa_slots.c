/* SPDX-License-Identifier: MIT */
/* The hypervisor's slots: the same in every root, whoever made it, and nobody else's. */
#include <tests/lessons/lib/lesson.h>

static void assert_slots(const struct lesson *lesson, mfn_t table, unsigned first, const uint64_t *expected,
                         unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t found = guest_entry(lesson->guest, table, first + i);

        assert_true(((found ^ (expected ? expected[i] : 0)) & ~(PTE_A | PTE_D)) == 0);
    }
}

/* Slots of the guest next to the hypervisor's, and at both ends. */
static const unsigned own[] = {0, HYPERVISOR_L4_SLOT - 1, HYPERVISOR_L4_SLOT_LAST + 2, 511};

/* A root with entries of the guest next to the hypervisor's slots, and junk in these. */
static void build_64(const struct lesson *lesson, pfn_t root, pfn_t l3)
{
    uint64_t *entries = sim_frame_entries(lesson->sim, guest_mfn(lesson->guest, root));
    unsigned kernel = (lesson->guest->base.v >> 39) % ENTRIES_PER_TABLE;

    for (unsigned slot = HYPERVISOR_L4_SLOT; slot <= HYPERVISOR_L4_SLOT_LAST; slot++)
        entries[slot] = pte(guest_mfn(lesson->guest, PFN(slot % 8)), PTE_TABLE | PTE_PS);
    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        entries[own[i]] = pte(guest_mfn(lesson->guest, l3), PTE_TABLE);
    entries[kernel] = guest_entry(lesson->guest, guest_root(lesson->guest), kernel);
}

struct builder {
    int64_t (*make)(const struct lesson *lesson, mfn_t root);
    int64_t (*drop)(const struct lesson *lesson, mfn_t root);
};

static int64_t pin(const struct lesson *lesson, mfn_t root)
{
    return guest_pin(lesson->vcpu, root, root_level(lesson->guest->domain));
}

static int64_t unpin(const struct lesson *lesson, mfn_t root)
{
    return guest_unpin(lesson->vcpu, root);
}

static int64_t load(const struct lesson *lesson, mfn_t root)
{
    return guest_new_baseptr(lesson->vcpu, root);
}

static int64_t leave(const struct lesson *lesson, mfn_t root)
{
    (void)root;
    return guest_new_baseptr(lesson->vcpu, guest_root(lesson->guest));
}

static int64_t load_user(const struct lesson *lesson, mfn_t root)
{
    return guest_new_user_baseptr(lesson->vcpu, root);
}

static int64_t leave_user(const struct lesson *lesson, mfn_t root)
{
    (void)root;
    return guest_new_user_baseptr(lesson->vcpu, MFN(0));
}

static int64_t set_roots(const struct lesson *lesson, mfn_t root)
{
    return vcpu_set_roots(lesson->vcpu, root, MFN_NONE);
}

static int64_t builder_pin(const struct lesson *lesson, mfn_t root)
{
    return domain_pin(lesson->guest->domain, root, root_level(lesson->guest->domain));
}

static const struct builder builders[] = {
    {pin, unpin}, {load, leave}, {set_roots, leave}, {builder_pin, unpin}, {load_user, leave_user},
};

static void xsa_64_the_same_slots_in_every_root(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(builders); i++) {
        struct lesson lesson;
        pfn_t root, l3;
        mfn_t mfn;

        lesson_begin(&lesson, &config);
        root = lesson_readonly_page(lesson.guest);
        l3 = lesson_readonly_page(lesson.guest);
        mfn = guest_mfn(lesson.guest, root);
        build_64(&lesson, root, l3);
        assert_int_equal(builders[i].make(&lesson, mfn), 0);
        assert_slots(&lesson, mfn, HYPERVISOR_L4_SLOT, lesson.sim->machine.root_slots, HYPERVISOR_ROOT_SLOTS);
        for (unsigned n = 0; n < ARRAY_SIZE(own); n++)
            assert_true(mfn_equal(pte_mfn(guest_entry(lesson.guest, mfn, own[n])), guest_mfn(lesson.guest, l3)));
        assert_slots(&lesson, mfn, 300, NULL, 200);
        guest_assert_clean(lesson.sim);
        assert_int_equal(builders[i].drop(&lesson, mfn), 0);
        assert_slots(&lesson, mfn, HYPERVISOR_L4_SLOT, NULL, HYPERVISOR_ROOT_SLOTS);
        assert_true(lesson_is_sole(lesson.guest, root) && lesson_is_sole(lesson.guest, l3));
        for (unsigned n = 0; n < 8; n++) /* what the junk named was never referred to */
            assert_int_equal(lesson_frame(&lesson, guest_mfn(lesson.guest, PFN(n)))->refs, 2);
        lesson_end(&lesson);
    }
}

/* The same for a 32-bit guest, whose root has four slots and leaves the hypervisor the end of a table below. */
static void xsa_64_the_same_slots_in_every_narrow_root(void **state)
{
    struct sim_config config = lesson_config(WIDTH_PAE, 1);

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct guest_tree tree;
        struct lesson lesson;
        uint64_t *top, *root;
        mfn_t mfn;

        lesson_begin(&lesson, &config);
        guest_build_tree(lesson.guest, lesson.vcpu, 3, GUEST_TREE_KERNEL, NULL, 0, &tree);
        root = sim_frame_entries(lesson.sim, tree.root);
        mfn = pte_mfn(root[HYPERVISOR_COMPAT_L3_SLOT]);
        top = sim_frame_entries(lesson.sim, mfn);
        for (unsigned slot = HYPERVISOR_COMPAT_L2_SLOT; slot < ENTRIES_PER_TABLE; slot++)
            top[slot] = root[slot] = pte(guest_mfn(lesson.guest, PFN(slot % 8)), PTE_TABLE | PTE_PS);
        assert_int_equal(builders[i].make(&lesson, tree.root), 0);
        assert_slots(&lesson, mfn, HYPERVISOR_COMPAT_L2_SLOT, lesson.sim->machine.compat_slots,
                     HYPERVISOR_COMPAT_SLOTS);
        assert_slots(&lesson, tree.root, 4, NULL, ENTRIES_PER_TABLE - 4);
        assert_int_equal(guest_set_entry(lesson.vcpu, mfn, HYPERVISOR_COMPAT_L2_SLOT, 0), -XEN_EPERM);
        assert_int_equal(guest_set_entry(lesson.vcpu, tree.root, 3, 0), -XEN_EINVAL);
        assert_int_equal(guest_set_entry(lesson.vcpu, tree.root, 4, 0), -XEN_EINVAL);
        guest_assert_clean(lesson.sim);
        assert_int_equal(builders[i].drop(&lesson, tree.root), 0);
        assert_slots(&lesson, mfn, HYPERVISOR_COMPAT_L2_SLOT, NULL, HYPERVISOR_COMPAT_SLOTS);
        lesson_tree_return(lesson.guest, &tree);
        lesson_end(&lesson);
    }
}

/* The table that holds such slots is one root's alone, and no ordinary table of its level. */
static void xsa_64_such_a_table_serves_one_root(void **state)
{
    struct sim_config config = lesson_config(WIDTH_PAE, 1);
    const struct guest_leaf leaf = {VADDR(0x40201000), 0};
    struct guest_tree trees[2];
    struct lesson lesson;
    uint64_t *entries, first;
    mfn_t top;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < 2; i++)
        guest_build_tree(lesson.guest, lesson.vcpu, 3, GUEST_TREE_KERNEL, &leaf, 1, &trees[i]);
    top = pte_mfn(guest_entry(lesson.guest, trees[0].root, HYPERVISOR_COMPAT_L3_SLOT));
    entries = sim_frame_entries(lesson.sim, trees[1].root);
    first = entries[HYPERVISOR_COMPAT_L3_SLOT];
    assert_int_equal(guest_pin(lesson.vcpu, trees[0].root, 3), 0);
    entries[HYPERVISOR_COMPAT_L3_SLOT] = pte(top, PTE_P);
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, 3), -XEN_EINVAL);
    entries[HYPERVISOR_COMPAT_L3_SLOT] = 0;
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, 3), -XEN_EINVAL);
    entries[HYPERVISOR_COMPAT_L3_SLOT] = first;
    entries[2] = pte(top, PTE_P);
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, 3), -XEN_EINVAL);
    entries[2] = 0;
    assert_int_equal(guest_pin(lesson.vcpu, top, 2), -XEN_EINVAL);
    assert_int_equal(guest_set_entry(lesson.vcpu, trees[0].root, 2, pte(top, PTE_P)), -XEN_EINVAL);
    /* A pinned table of that level does not become one. */
    top = pte_mfn(entries[1]);
    assert_int_equal(guest_pin(lesson.vcpu, top, 2), 0);
    entries[HYPERVISOR_COMPAT_L3_SLOT] = pte(top, PTE_P);
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, 3), -XEN_EINVAL);
    entries[HYPERVISOR_COMPAT_L3_SLOT] = first;
    assert_int_equal(guest_unpin(lesson.vcpu, top), 0);
    assert_int_equal(guest_pin(lesson.vcpu, trees[1].root, 3), 0);
    guest_assert_clean(lesson.sim);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(guest_unpin(lesson.vcpu, trees[i].root), 0);
        lesson_tree_return(lesson.guest, &trees[i]);
    }
    lesson_end(&lesson);
}

/*
 * The hypervisor's slots of a live root cannot be written, not even with what they hold.  Shows pte.slots-64,
 * pte.slots-32.
 */
static void xsa_64_the_slots_cannot_be_written(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    mfn_t root;

    (void)state;
    lesson_begin(&lesson, &config);
    root = guest_root(lesson.guest);
    for (unsigned slot = HYPERVISOR_L4_SLOT; slot <= HYPERVISOR_L4_SLOT_LAST; slot++) {
        uint64_t old = guest_entry(lesson.guest, root, slot);

        assert_int_equal(guest_set_entry(lesson.vcpu, root, slot, 0), -XEN_EINVAL);
        assert_int_equal(guest_set_entry(lesson.vcpu, root, slot, old), -XEN_EINVAL);
        assert_int_equal(guest_set_entry(lesson.vcpu, root, slot, pte(lesson_table(lesson.guest, 3), PTE_TABLE)),
                         -XEN_EINVAL);
    }
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_64_the_same_slots_in_every_root),
        LESSON(xsa_64_the_same_slots_in_every_narrow_root),
        LESSON(xsa_64_such_a_table_serves_one_root),
        LESSON(xsa_64_the_slots_cannot_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
